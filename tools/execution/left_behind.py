"""What a program has left in its working folder, taken only if it is what it should be. For when its processes are dead.

A link may lead to any file of the agent's user, a second name may be that of another program's file, a file of a few
bytes on the disk may be read as terabytes, and a pipe is never read to its end.
"""

import stat
from pathlib import Path


def plain_file(work: Path, name: str, most: int) -> Path | None:
    """`work`/`name`, if it is a plain file of one name and of at most `most` bytes, and `work` a real folder."""
    path = work / name
    found = _found(path) if real_folder(work) else 0
    if not stat.S_ISREG(found) or path.lstat().st_nlink != 1 or path.lstat().st_size > most:
        return None
    return path


def real_folder(work: Path, name: str = "") -> Path | None:
    """`work`/`name`, if this and `work` are folders and no links to some."""
    path = work / name
    return path if stat.S_ISDIR(_found(work)) and stat.S_ISDIR(_found(path)) else None


def _found(path: Path) -> int:
    """The mode of what lies there, 0 for nothing."""
    try:
        return path.lstat().st_mode
    except OSError:
        return 0
