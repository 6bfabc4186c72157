"""What goes wrong under a run without being its fault (a full disk, a lost database), in one line for the person."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gome.state.errors import GomeError

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_DISK = {errno.EROFS, errno.EIO}


@contextmanager
def told(run_dir: Path, *, then: str) -> Iterator[None]:
    """Raise GomeError in place of what the disk or the database of checkpoints answered; all else passes. `then` says
    what to do when that is mended.
    """
    try:
        yield
    except GomeError:
        raise
    except Exception as error:
        if line := _line(error, run_dir):
            raise GomeError(f"{line}, then {then}") from error
        raise


def _line(error: Exception, run_dir: Path) -> str | None:
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return f"no room is left on the disk of {run_dir}: make room"
    if isinstance(error, OSError) and error.errno in _NO_DISK:
        return f"the disk of {run_dir} cannot be written ({error.strerror}): mend that"
    said = " ".join(str(error).split())[:200]
    if isinstance(error, sqlite3.Error):
        return f"{run_dir / 'checkpoints.sqlite'} cannot be used ({said}): make room or put a copy back"
    if type(error).__module__.split(".")[0] in ("psycopg", "psycopg_pool"):
        return f"the database of checkpoints does not answer ({said}): bring it back"
    return None
