"""What is said where something that a program wrote made its reader fail: the step is lost, and the fault is seen."""

import traceback
from pathlib import Path


def unreadable_line(error: Exception) -> str:
    """The problem in one line: what was raised, and where in this code."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    reason = " ".join(str(error).split())[:200]
    return (
        f"what the program wrote could not be read: {type(error).__name__}{where}: {reason} "
        "(the traceback is at the end of the log)"
    )


def log_with_traceback(log: str, error: Exception) -> str:
    """The program's log, and behind it how its reader failed."""
    return (
        f"{log}\n[gome] reading this program's output failed:\n{''.join(traceback.format_exception(error))}"
    )
