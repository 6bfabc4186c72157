"""Finished program runs by (program, split, seed, fold), written before anything uses them: none is done twice."""

import hashlib
import json
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NotRequired, cast

import pandas as pd
from typing_extensions import TypedDict

from gome.state.parts import Status
from gome.state.plain import JsonObject
from gome.tools.records.artifacts import Artifacts
from gome.tools.records.jsonl import write_json

LATEST = 20
"""Programs whose cost tells how that of another one will grow."""
MOMENT_S = 0.05
"""Seconds below which a run's time says nothing."""


class FoldResult(TypedDict):
    """One run of a program on one fold, as results/ keeps it. `log` and `predictions` are artifact references."""

    status: Status
    problems: list[str]
    log: str | None
    predictions: NotRequired[str | None]
    seconds: float
    cpu_seconds: NotRequired[float | None]
    peak_mb: float
    gpu_peak_mb: float | None
    facts: JsonObject


@dataclass(frozen=True)
class Growth:
    """How many times as much a run took as another one of the same program."""

    seconds: float
    memory: float


class Results:
    """The folder results/ of a run: a JSON file for each run of a program, its predictions as an artifact.

    `compact` takes the predictions of a program away; its score stays in the step history, its text and its log with the
    artifacts. Predictions that several programs share stay as long as one of them needs them, and those of a program
    that was asked for a second time, beyond the smoke split, stay for good. Safe between threads.
    """

    def __init__(self, folder: Path, artifacts: Artifacts) -> None:
        self.folder, self.artifacts = folder, artifacts
        self._lock = threading.RLock()
        self._names: dict[str, set[str]] = defaultdict(set)  # program -> its files, without the ending
        self._shared: Counter[str] = Counter()  # reference of predictions -> files that name it
        self._to_score: dict[str, str] = {}  # evaluation -> its predictions, not scored yet
        for path in folder.glob("*.json"):
            self._count(path.stem, self._read(path.stem) or {})

    def get(self, name: str) -> FoldResult | None:
        """The result of one run, None if there is none, or if the log or the predictions are gone."""
        with self._lock:
            result = self.look(name)
            if result is not None and "-smoke-" not in name:  # those are looked at before and after a hand-in
                self._again(name).touch()
            return result

    def look(self, name: str) -> FoldResult | None:
        """As `get`, without asking for it: nothing is kept for that, and nothing written."""
        result = self._read(name)
        if result is None or result.get("compacted"):
            return None
        kept = [result["log"], result["predictions"]]
        if not all(self.artifacts.path(ref).is_file() for ref in kept if ref):
            return None
        return cast(FoldResult, result)

    def first_fold(self, program: str, split: str) -> FoldResult | None:
        """The finished run of `program` on the first fold of `split`, None if there is none."""
        return self.get(f"{result_name(program, split, 0)}-f0")

    def growth(self, program: str, split: str, larger: str) -> list[Growth]:
        """What the runs of the latest other programs on the first fold of `larger` cost beside those on `split`."""
        with self._lock:
            known = [name for name in self._names if name != program_name(program)]
        found = []
        for name in reversed(known):
            small, large = (self._read(f"{name}-{part}-s0-f0") for part in (split, larger))
            if small and large and small.get("status") == large.get("status") == "ok":
                found.append(_growth(small, large))
            if len(found) == LATEST:
                break
        return found

    def put(self, name: str, result: FoldResult, predictions: pd.DataFrame | None) -> FoldResult:
        """Keep the result of one run; it comes back with the reference of its predictions."""
        with self._lock:
            if (self._read(name) or {}).get("compacted"):
                self._again(name).touch()
            ref = None if predictions is None else self.artifacts.put_table(predictions)
            result = {**result, "predictions": ref}
            self._write(name, cast(JsonObject, result))
            return result

    def score(self, key: str, predictions: str | None) -> Any:
        """The score that was computed from these predictions, None if there is none."""
        kept = self._read(f"{key}.score") or {}
        return kept.get("score") if kept.get("predictions") == predictions else None

    def put_score(self, key: str, predictions: str | None, score: Any) -> None:
        """Keep the score of predictions on all folds."""
        with self._lock:
            self._write(f"{key}.score", {"predictions": predictions, "score": score})
            self._let_go(self._to_score.pop(key, None))

    def put_all_folds(self, key: str, predictions: pd.DataFrame) -> str:
        """Store the predictions on all folds, to be scored."""
        with self._lock:
            ref = self.artifacts.put_table(predictions)
            if f"{key}.score" not in self._names[_program(key)] and key not in self._to_score:
                self._to_score[key] = ref
                self._shared[ref] += 1
            return ref

    def compact(self, key: str) -> None:
        """Take away the predictions of an evaluation's program, unless it was asked for again; nothing else uses them.

        The first fold's file stays as a note that the program was run: evaluations are counted by it.
        """
        program = _program(key)
        with self._lock:
            if self._again(key).exists():
                return
            for name in sorted(self._names.pop(program, set())):
                result = self._read(name) or {}
                path = self._path(name)
                if name.endswith("-f0") and "-search-" in name:
                    write_json(path, {**result, "predictions": None, "compacted": True})
                else:
                    path.unlink(missing_ok=True)
                self._let_go(result.get("predictions"))

    def _let_go(self, ref: str | None) -> None:
        if ref:
            self._shared[ref] -= 1
            if self._shared[ref] <= 0:
                del self._shared[ref]
                self.artifacts.path(ref).unlink(missing_ok=True)

    def _write(self, name: str, value: JsonObject) -> None:
        self._forget(name)
        write_json(self._path(name), value)
        self._count(name, value)

    def _forget(self, name: str) -> None:
        if name in self._names[_program(name)] and (ref := (self._read(name) or {}).get("predictions")):
            self._shared[ref] -= 1

    def _count(self, name: str, value: JsonObject) -> None:
        self._names[_program(name)].add(name)
        if ref := value.get("predictions"):
            self._shared[ref] += 1

    def _read(self, name: str) -> JsonObject | None:
        try:
            found = json.loads(self._path(name).read_text())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _again(self, name: str) -> Path:
        return self.folder / f"{_program(name)}.again"


def _growth(small: JsonObject, large: JsonObject) -> Growth:
    """By CPU time where both are known, which the load of the machine does not change."""
    both = [(small.get(name), large.get(name)) for name in ("cpu_seconds", "seconds")]
    before, after = next((pair for pair in both if all(pair)), (MOMENT_S, MOMENT_S))
    return Growth(
        float(after or 0) / max(float(before or 0), MOMENT_S), large["peak_mb"] / max(small["peak_mb"], 1.0)
    )


def program_name(program: str) -> str:
    """What a program is called among results: the beginning of its hash."""
    return hashlib.sha256(program.encode()).hexdigest()[:20]


def result_name(program: str, split: str, seed: int) -> str:
    """The name of an evaluation; those of its folds have -f0, -f1 ... behind it."""
    return f"{program_name(program)}-{split}-s{seed}"


def _program(name: str) -> str:
    """The program's hash, with which every name begins."""
    return name.split("-")[0]
