"""One writer per run: a lock that the kernel gives back when its holder ends, however it ends, and who holds it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from gome.state.errors import GomeError


@contextmanager
def one_writer(run_dir: Path) -> Iterator[None]:
    """Hold the run's lock. GomeError, with the holder's process number, if somebody else has it."""
    with (run_dir / "run.pid").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise GomeError(
                f"{run_dir} is being run by process {holder}; watch it with `gome logs -f {run_dir}`, "
                f"end it with `gome stop {run_dir}`"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def writer_of(run_dir: Path) -> psutil.Process | None:
    """The process that runs a run now. None if there is none: a number in run.pid that is younger than the file is
    another process's, and one whose lock is free has ended."""
    path = run_dir / "run.pid"
    try:
        process = psutil.Process(int(path.read_text()))
        stale = process.create_time() > path.stat().st_mtime + 1 or process.status() == psutil.STATUS_ZOMBIE
        return None if stale else process
    except (OSError, ValueError, psutil.Error):
        return None
