"""The working folder of a program run, and the environment variables that the program sees."""

import contextlib
import os
import shutil
import stat
from pathlib import Path

from gome.state.errors import GomeError
from gome.tools.execution.job import Job

SUBMISSION = "submission.csv"
SCRATCH = ".tmp"
_THREAD_LIMITS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
    "PYTHON_CPU_COUNT",
)


def make_work_dir(job: Job) -> None:
    """Make `job.work_dir` afresh, with main.py and a scratch folder in it. GomeError if program or input is missing."""
    if not job.program.is_file():
        raise GomeError(f"{job.program}: no such program")
    if not job.input_dir.is_dir():
        raise GomeError(f"{job.input_dir}: no such input folder")
    remove_tree(job.work_dir)
    (job.work_dir / SCRATCH).mkdir(parents=True)
    shutil.copyfile(job.program, job.work_dir / "main.py")


def remove_tree(path: Path) -> None:
    """Remove a folder that a program has written, whatever modes it gave its folders."""
    for folder, _, _ in os.walk(path, onerror=None):
        with contextlib.suppress(OSError):
            os.chmod(folder, 0o700)
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def find_submission(work_dir: Path) -> Path | None:
    """The written submission.csv, if it is a plain file with one name: a link may lead to any file."""
    path = work_dir / SUBMISSION
    try:
        found = path.lstat()
    except OSError:
        return None
    return path if stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and os.access(path, os.R_OK) else None


def disk_usage(folder: Path) -> int:
    """Bytes on disk of all files below `folder`, links not followed. What vanishes meanwhile counts nothing."""
    total, folders = 0, [os.fspath(folder)]
    while folders:
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
    return total


def environment(job: Job, *, home: str, python: Path) -> dict[str, str]:
    """All environment variables of the program: nothing is passed on from the agent's own, so no key can leak.

    `home` is the working folder as the program sees it. Threads are set for each library that starts its own.
    """
    return {
        "PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": home,
        "USER": "solution",
        "TMPDIR": f"{home}/{SCRATCH}",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "SEED": str(job.seed),
        "PYTHONHASHSEED": str(job.seed % 2**32),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "Agg",
        "CUDA_VISIBLE_DEVICES": ",".join(job.gpus),
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "OMP_WAIT_POLICY": "PASSIVE",  # on cores that others use too, threads that spin cost 5 x the time
    } | dict.fromkeys(_THREAD_LIMITS, str(job.threads))
