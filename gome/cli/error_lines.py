"""What goes wrong without being a run's fault (a bad option, a full disk, a lost database), in lines for the person."""

import errno
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from gome.state.config import RunConfig
from gome.state.errors import GomeError

_OPTIONS = {"task_file": "--task", "dates": "--date-format", "role_models": "--role-model"}
"""Options that are not called like their setting."""
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_DISK = {errno.EROFS, errno.EIO}


def option(setting: str) -> str:
    """How a setting is called on the command line."""
    return _OPTIONS.get(setting, f"--{setting.replace('_', '-')}")


def as_options(text: str) -> str:
    """A message with the settings that it names in backticks written as options: `time_limit_s` as --time-limit-s."""
    known = RunConfig.model_fields
    return re.sub(r"`(\w+)`", lambda found: option(found[1]) if found[1] in known else found[0], text)


def of_options(error: ValidationError) -> GomeError:
    """What is wrong with a configuration, a line for each option."""
    return GomeError(setting_lines(error, option))


def setting_lines(error: ValidationError, called: Callable[[str], str]) -> str:
    """A line for each setting that is wrong, as it is `called` there; what is wrong with several together has no name."""
    rows = (
        (".".join(map(str, row["loc"])), row["msg"].removeprefix("Value error, ")) for row in error.errors()
    )
    return "\n".join(f"{called(name)}: {said}" if name else said for name, said in rows)


@contextmanager
def told(run_dir: Path, *, then: str) -> Iterator[None]:
    """Raise GomeError in place of what a kept configuration, the disk or the database of checkpoints answered; all else
    passes. `then` says what to do when that is mended.
    """
    try:
        yield
    except GomeError:
        raise
    except ValidationError as error:
        raise of_options(error) from error
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
