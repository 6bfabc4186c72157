"""The warm process: imports what solutions import, then forks once for each program it is told to run (JSON lines)."""

import importlib
import json
import os
import resource
import runpy
import signal
import sys
import time

MODULES = ["numpy", "pandas", "scipy.stats", "scipy.optimize", "lightgbm", "xgboost"]
SKLEARN = [
    "linear_model",
    "ensemble",
    "metrics",
    "pipeline",
    "preprocessing",
    "compose",
    "impute",
    "neighbors",
    "neural_network",
    "naive_bayes",
    "svm",
    "model_selection",
    "decomposition",
    "feature_extraction.text",
]


def child(request: dict) -> None:
    """Become the program; never returns."""
    os.setsid()
    os.chdir(request["work_dir"])
    log = os.open("program.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(request["env"])
    code = 0
    try:
        runpy.run_path("main.py", run_name="__main__")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def watched(pid: int, wall_s: float) -> dict:
    """The program's end: exit code, whether it was killed for its time, and its peak memory."""
    end, late = time.monotonic() + wall_s, False
    while True:
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return {"exit_code": code, "timeout": late, "peak_mb": usage.ru_maxrss / 1024}
        if time.monotonic() > end and not late:
            late = True
            os.killpg(pid, signal.SIGKILL)
        time.sleep(0.01)


def main() -> None:
    for name in [*MODULES, *(f"sklearn.{part}" for part in SKLEARN)]:
        importlib.import_module(name)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            child(request)
        print(json.dumps(watched(pid, request["wall_s"])), flush=True)


if __name__ == "__main__":
    main()
