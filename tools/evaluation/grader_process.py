"""The sandbox that somebody's own grader runs in: one process for each, started when it is asked, ended when it idles."""

import atexit
import contextlib
import json
import pickle
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from gome.tools.evaluation import grader_host
from gome.tools.execution.environment.runtime import not_the_home
from gome.tools.execution.job import Executor, Job, Outcome
from gome.tools.execution.sandbox.probe import probe
from gome.tools.execution.workspace import remove_tree

CALL_S, BATCH_S = 60.0, 600.0
MEMORY_MB = 4096
_IDLE_S = 30.0
_START_S = 60.0
_FOR_EVER_S = 30 * 86_400.0
_OUTPUT_MB = 16.0
_MOST_UNREAD = 2**20
_END_S = 10.0


class GraderFailed(Exception):
    """The grader gave no value: what it raised, or why it was ended; one line."""


class GraderProcess:
    """A grader behind the strongest walls of this machine: it sees the task folder, and neither network nor run.

    Safe to share between threads: they take turns. A process that failed or idled is replaced at the next call.
    """

    def __init__(
        self,
        where: str,
        function: str,
        root: Path | None,
        call_s: float = CALL_S,
        *,
        competition: str = "own",
        executor: Executor | None = None,
    ) -> None:
        """`competition` is the one of MLE-bench that the grader belongs to, by its id; `executor` None: the strongest."""
        self._names, self._root, self._call_s = (where, function, competition), root, call_s
        self._executor = executor
        self._lock = threading.Lock()
        self._process: _Process | None = None

    def start(self) -> bool:
        """Start it; whether the function is there. GraderFailed if its module can't be imported."""
        with self._lock:
            return self._running() is not None

    def values(
        self,
        submission: pd.DataFrame,
        answers: pd.DataFrame | list[Any],
        rows: list[np.ndarray] | None = None,
    ) -> Iterator[float]:
        """The value of the whole tables, or on each of these sets of rows: NaN where the grader raises on them.
        Answers that are no table (objects of JSON) have no rows.

        GraderFailed if it raises on the whole tables, takes too long or too much memory, or ends.
        """
        with self._lock:
            process = self._running()
            if process is None:
                raise GraderFailed("the function is gone")
            try:
                process.send((submission, answers, rows))
                until = time.monotonic() + BATCH_S
                for _ in [None] if rows is None else rows:
                    try:
                        yield process.answer(min(self._call_s, until - time.monotonic()))
                    except GraderFailed:
                        if rows is None or process.over:
                            raise
                        yield np.nan
            finally:
                process.used = time.monotonic()
                if (
                    process.waiting
                ):  # somebody stopped in the middle: its answers are not those of the next call
                    process.close()

    def _running(self) -> "_Process | None":
        if self._process is None or not self._process.claim():
            started = _Process(self._root, self._executor or sandbox())
            started.send((self._names,))
            if not started.answer(_START_S):
                started.close()
                return None
            self._process = started
        return self._process


class _Process:
    """One process, from start to end. `over` when it can't be asked any more, `waiting` for so many answers."""

    def __init__(self, root: Path | None, executor: Executor) -> None:
        self.over, self.used, self.waiting = False, time.monotonic(), 1
        self._idles = threading.Lock()
        self._channel, theirs = socket.socketpair()
        self._buffer, self._outcome = b"", cast(Outcome | None, None)
        self._thread = threading.Thread(
            target=self._run, args=(executor, root, theirs), daemon=True, name="grader"
        )
        self._thread.start()
        atexit.register(self.close)

    def _run(self, executor: Executor, root: Path | None, theirs: socket.socket) -> None:
        folder = Path(tempfile.mkdtemp(prefix="gome-grader-"))
        (folder / "nothing").mkdir()
        job = Job(
            program=Path(grader_host.__file__),
            input_dir=root or folder / "nothing",
            work_dir=folder / "work",
            seed=0,
            wall_s=_FOR_EVER_S,
            memory_mb=MEMORY_MB,
            output_mb=_OUTPUT_MB,
            stdin=theirs.fileno(),
        )
        with (
            theirs,
            contextlib.suppress(OSError),
        ):  # closed last: who waits for an answer then finds the outcome
            self._outcome = executor.run(job, stop=self._is_to_end)
        remove_tree(folder)

    def _is_to_end(self) -> bool:
        with self._idles:
            self.over = self.over or (not self.waiting and time.monotonic() - self.used > _IDLE_S)
            return self.over

    def claim(self) -> bool:
        """Whether it can be asked; if so, it does not end by itself until it has answered."""
        with self._idles:
            self.waiting = 0 if self.over else 1
            return not self.over

    def close(self) -> None:
        """End it."""
        self.over = True
        self._channel.close()
        self._thread.join(_END_S)
        atexit.unregister(self.close)

    def send(self, message: tuple[Any, ...]) -> None:
        """Ask. GraderFailed if it does not listen."""
        self.waiting = len(message[2]) if len(message) > 2 and message[2] is not None else 1
        try:
            self._channel.settimeout(CALL_S)
            self._channel.sendall(pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL))
        except TimeoutError:
            raise self._failed("it does not listen") from None
        except OSError:
            raise self._failed("") from None

    def answer(self, seconds: float) -> float:
        """The next answer, within so many seconds. GraderFailed if it is an error, or none comes."""
        until = time.monotonic() + seconds
        while b"\n" not in self._buffer:
            try:
                self._channel.settimeout(max(0.01, until - time.monotonic()))
                data = self._channel.recv(2**16)
            except TimeoutError:
                raise self._failed(f"it took longer than {seconds:g} s") from None
            except OSError:
                data = b""
            if not data or len(self._buffer) > _MOST_UNREAD or time.monotonic() > until:
                raise self._failed("it took too long, or said too much" if data else "")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        self.waiting -= 1
        return read_value(line)

    def _failed(self, why: str) -> GraderFailed:
        self.close()
        self.waiting = 0
        return GraderFailed(why or _why(self._outcome))


def read_value(line: bytes) -> float:
    """What an answer says: it comes from a stranger's code. GraderFailed for an error, and for what is no answer."""
    try:
        said = json.loads(line)
        if isinstance(said["value"] if "value" in said else said["error"], str):
            raise GraderFailed("".join(c if c.isprintable() else " " for c in said["error"])[:400])
        return float(said["value"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        raise GraderFailed("its answer can't be read") from None


def _why(outcome: Outcome | None) -> str:
    if outcome is None or outcome.reason in ("ok", "stopped"):
        return "it ended without an answer"
    lines = outcome.log.strip().splitlines()
    return outcome.limit or (lines[-1][:300] if lines else f"it ended with exit code {outcome.exit_code}")


@cache
def sandbox() -> Executor:
    """The strongest walls here, around the agent's own interpreter: a grader finds the packages that the agent has."""
    python = Path(sys.executable)
    not_the_home(python)
    return probe(python)
