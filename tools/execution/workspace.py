"""The working folder of a program run, and the environment variables that the program sees."""

import shutil
import stat
import subprocess
import sys
from pathlib import Path

from gome.state.errors import GomeError
from gome.tools.execution.job import Job
from gome.tools.execution.sandbox.file_usage import Files
from gome.tools.execution.submission_copy import SUBMISSION, copy_submission

SCRATCH, MODEL = ".tmp", "model"
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
    remove_work_dir(job.work_dir)
    (job.work_dir / SCRATCH).mkdir(parents=True)
    shutil.copyfile(job.program, job.work_dir / "main.py")
    if job.model:
        shutil.copytree(job.model, job.work_dir / MODEL)


def remove_work_dir(work_dir: Path) -> None:
    """Remove a working folder, and what was taken over from it."""
    remove_tree(work_dir)
    remove_tree(_taken(work_dir))


def remove_tree(path: Path) -> None:
    """Remove a folder that a program has written, whatever modes it gave its folders, and however deep they lie."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        try:
            shutil.rmtree(path)
        except (OSError, RecursionError):
            subprocess.run(["chmod", "-R", "u+rwx", "--", path], capture_output=True)
            subprocess.run(["rm", "-rf", "--", path], capture_output=True)


def take_submission(work_dir: Path, limit: int) -> Path | None:
    """A copy of the written submission.csv, where no program reaches it; None if it is not to be taken.

    See submission_copy.copy_submission. To be called when the program's processes have ended.
    """
    target = _taken(work_dir) / SUBMISSION
    target.parent.mkdir(exist_ok=True)
    return target if copy_submission(work_dir, target, limit) else None


def take_model(work_dir: Path, target: Path, limit: int) -> str:
    """Copy the folder model/ that a program has left to `target`: '' or why it is not to be taken.

    Plain files with one name in plain folders, at most `limit` bytes together; a link may lead to any file. To be called
    when the program's processes have ended.
    """
    source, size = work_dir / MODEL, 0
    if source.is_symlink() or not source.is_dir():
        return "no folder model/ was written"
    for path in source.rglob("*"):
        status = path.lstat()
        if not (stat.S_ISDIR(status.st_mode) or (stat.S_ISREG(status.st_mode) and status.st_nlink == 1)):
            return f"{path.relative_to(work_dir)} is neither a plain file nor a folder"
        size += status.st_size if path.is_file() else 0
    if size > limit:
        return f"model/ has {size:,} bytes; at most {limit:,} are kept"
    shutil.copytree(source, target)
    return ""


def _taken(work_dir: Path) -> Path:
    return work_dir.with_name(f"{work_dir.name}.taken")


def disk_usage(folder: Path) -> int:
    """Bytes on disk of all files below `folder`, links not followed. What vanishes meanwhile counts nothing."""
    files = Files()
    files.add_folder(folder, sys.maxsize)
    return files.disk


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
        **({"GOME_SMOKE": "1"} if job.smoke else {}),
        **({"GOME_STAGE": job.stage} if job.stage else {}),
    } | dict.fromkeys(_THREAD_LIMITS, str(job.threads))
