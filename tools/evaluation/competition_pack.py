"""A submission graded by a competition's pack of MLE-bench: config.yaml, grade.py and leaderboard.csv of one folder."""

import datetime
import json
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
import yaml

from gome.state.competition import CompetitionReport
from gome.state.errors import GomeError
from gome.state.plain import JsonObject
from gome.tools.evaluation.grader_process import GraderFailed, GraderProcess
from gome.tools.evaluation.medals import above_median, lower_is_better, medal_of, thresholds

CALL_S = 600.0
_LFS = b"version https://git-lfs"


@dataclass(frozen=True)
class CompetitionPack:
    """A competition: its id, its leaderboard's scores from the best team to the last, and the function that grades."""

    id: str
    scores: list[float]
    grader: GraderProcess

    @classmethod
    def read(cls, folder: Path) -> "CompetitionPack":
        """The pack in `folder`. GomeError for a file that is missing, unreadable or of another form."""
        folder = folder.expanduser().resolve()
        config = _config(folder / "config.yaml")
        name = str(config.get("id") or folder.name)
        module, _, function = str(config["grader"].get("grade_fn") or "").rpartition(":")
        if not module:
            raise GomeError(f"{folder / 'config.yaml'}: grader.grade_fn is to be MODULE:FUNCTION.")
        file = folder / f"{module.rpartition('.')[2]}.py"
        if not file.is_file():
            raise GomeError(f"{file}: no such file, though {folder / 'config.yaml'} names it as the grader.")
        root = _checkout(folder) or folder
        inside = f"input/{file.relative_to(root).as_posix()}"
        grader = GraderProcess(inside, function, root, CALL_S, competition=name)
        try:
            if not grader.start():
                raise GomeError(f"{file} has no function {function!r}.")
        except GraderFailed as error:
            raise GomeError(f"{file} cannot be imported: {error}") from None
        return cls(name, _leaderboard(folder / "leaderboard.csv"), grader)

    def grade(self, submission: Path, answers: Path) -> tuple[CompetitionReport, str]:
        """The benchmark's report, and in words why the submission has no score ('' if it has one).

        GomeError if the answers cannot be read.
        """
        truth = _answers(answers)
        exists = submission.is_file() and submission.suffix.lower() == ".csv"
        score, why = None, "" if exists else "there is no such .csv file"
        if exists:
            score, why = self._score(submission, truth)
        return self._report(submission, score, exists), why

    def _score(self, submission: Path, answers: pd.DataFrame | list[Any]) -> tuple[float | None, str]:
        table, fault = _table(submission)
        if table is None:
            return None, fault
        try:
            (value,) = self.grader.values(table, answers)
        except GraderFailed as error:
            return None, str(error)
        return (round(value, 5), "") if math.isfinite(value) else (None, f"the grader says {value}")

    def _report(self, submission: Path, score: float | None, exists: bool) -> CompetitionReport:
        needed, lower = thresholds(self.scores), lower_is_better(self.scores)
        medal = None if score is None else medal_of(score, needed, lower=lower)
        return {
            "competition_id": self.id,
            "score": score,
            "gold_threshold": needed["gold"],
            "silver_threshold": needed["silver"],
            "bronze_threshold": needed["bronze"],
            "median_threshold": median(self.scores),
            "any_medal": medal is not None,
            "gold_medal": medal == "gold",
            "silver_medal": medal == "silver",
            "bronze_medal": medal == "bronze",
            "above_median": score is not None and above_median(score, self.scores, lower=lower),
            "submission_exists": exists,
            "valid_submission": score is not None,
            "is_lower_better": lower,
            "created_at": datetime.datetime.now().isoformat(),
            "submission_path": str(submission),
        }


def _checkout(folder: Path) -> Path | None:
    """The checkout of MLE-bench that a pack lies in, whose modules its grader may use."""
    above = folder.parents
    inside = len(above) > 2 and (above[0].name, above[1].name) == ("competitions", "mlebench")
    return above[2] if inside else None


def _config(path: Path) -> JsonObject:
    if not path.is_file():
        raise GomeError(f"{path}: no such file; give the folder of a competition's pack.")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise GomeError(f"{path}: not readable as YAML ({' '.join(str(error).split())[:200]}).") from None
    if not isinstance(content, dict) or not isinstance(content.get("grader"), dict):
        raise GomeError(f"{path}: a key 'grader' with 'grade_fn' is expected.")
    return content


def _leaderboard(path: Path) -> list[float]:
    table, fault = _table(path)
    if table is None:
        raise GomeError(f"{path}: {fault}.")
    if "score" not in table:
        raise GomeError(f"{path}: no column 'score'.")
    scores = pd.to_numeric(table["score"], errors="coerce").tolist()
    if not scores or not all(map(math.isfinite, scores)):
        raise GomeError(f"{path}: the column 'score' holds what is no number, or nothing.")
    return scores


def _answers(path: Path) -> pd.DataFrame | list[Any]:
    """The answers as the benchmark reads them: a table, or the objects of a .jsonl file."""
    if path.suffix.lower() not in (".csv", ".jsonl"):
        raise GomeError(f"{path}: answers are read from a .csv or .jsonl file.")
    if path.suffix.lower() == ".csv":
        table, fault = _table(path)
        if table is None:
            raise GomeError(f"{path}: {fault}.")
        return table
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError, RecursionError) as error:
        raise GomeError(f"{path}: not readable as a JSON object a line ({error}).") from None


def _table(path: Path) -> tuple[pd.DataFrame | None, str]:
    """A table as the benchmark reads it, or what is wrong with the file."""
    try:
        with path.open("rb") as file:
            if file.read(len(_LFS)) == _LFS:
                return None, "a Git LFS pointer stands in place of the file; run git lfs pull"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the benchmark's option is on its way out of pandas
            return pd.read_csv(path, float_precision="round_trip"), ""
    except OSError as error:
        return None, f"cannot be read ({error.strerror})"
    except ValueError as error:  # pandas' parser errors, and UnicodeDecodeError
        return None, f"not readable as CSV ({' '.join(str(error).split())[:200]})"
