"""Checkpoints and store in a Postgres database, which many runs on many machines can share (extra `postgres`)."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gome.state.errors import GomeError

if TYPE_CHECKING:
    from langgraph.checkpoint.postgres import PostgresSaver
    from langgraph.store.postgres import PostgresStore
    from psycopg_pool import ConnectionPool

ANSWER_S = 30.0
"""How long a server that is away, or restarting, is waited for before the run stops."""
MOST_CONNECTIONS = 4
SETTING_UP = 0x676F6D65
"""Advisory lock under which tables are made: runs that begin together would trip over each other."""


@contextmanager
def connect(url: str) -> "Iterator[tuple[PostgresSaver, PostgresStore]]":
    """The saver and the store over one pool of connections; tables are made where there are none.

    Connections that broke are replaced. GomeError if the extra is not installed or no server answers.
    """
    try:
        import psycopg_pool
        from langgraph.checkpoint.postgres import PostgresSaver
        from langgraph.store.postgres import PostgresStore
        from psycopg.rows import dict_row
    except ImportError as error:
        raise GomeError(f"--checkpoints {url} needs: pip install 'gome[postgres]' ({error})") from None
    check(url)
    logging.getLogger("psycopg.pool").addHandler(
        logging.NullHandler()
    )  # what it says ends in one line of ours
    pool: ConnectionPool[Any] = psycopg_pool.ConnectionPool(
        url,
        min_size=1,
        max_size=MOST_CONNECTIONS,
        timeout=ANSWER_S,
        reconnect_timeout=ANSWER_S,
        check=psycopg_pool.ConnectionPool.check_connection,
        kwargs={"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row},
        open=False,
    )
    with pool:
        saver, store = PostgresSaver(pool), PostgresStore(pool)
        with pool.connection() as connection, _alone(connection):
            saver.setup()
            store.setup()
        yield saver, store


def check(url: str) -> None:
    """Raises GomeError, in one line, if nobody answers at `url`."""
    try:
        import psycopg
    except ImportError:
        raise GomeError(f"--checkpoints {url} needs: pip install 'gome[postgres]'") from None
    try:
        psycopg.connect(url, connect_timeout=int(ANSWER_S)).close()
    except psycopg.Error as error:
        said = " ".join(str(error).split())
        raise GomeError(f"--checkpoints {url}: no database answers there: {said}") from None


@contextmanager
def _alone(connection: Any) -> Iterator[None]:
    # Asked for again and again instead of waited for: a statement that waits would hold up the index that is being made.
    while not connection.execute("SELECT pg_try_advisory_lock(%s) AS mine", [SETTING_UP]).fetchone()["mine"]:
        time.sleep(0.1)
    try:
        yield
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", [SETTING_UP])
