"""What is taken over from a program that has ended: a copy of its submission, and only of a plain file.

The standard library only: an E2B sandbox gets this file too (see e2b.guard).
"""

import os
import stat
from pathlib import Path

SUBMISSION = "submission.csv"
_CHUNK = 2**20


def copy_submission(work: Path, target: Path, limit: int) -> bool:
    """Copy `work`/submission.csv to `target`, and whether there was one to take: at most `limit` bytes, with one name.

    A link may lead to any file, a second name may be that of another program's file, and to open a pipe may take for
    ever: none of these is taken, nor anything below a link in place of `work`.
    """
    target.unlink(missing_ok=True)
    try:
        folder = os.open(work, os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        source = os.open(SUBMISSION, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        return False
    finally:
        os.close(folder)
    try:
        found = os.fstat(source)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or found.st_size > limit:
            return False
        left = found.st_size
        with target.open("wb") as copy:
            while left and (data := os.read(source, min(left, _CHUNK))):
                left -= copy.write(data)
        return True
    finally:
        os.close(source)
