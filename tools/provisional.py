"""The provisional submission: a constant prediction from the start, then the best program so far, fitted on all data."""

import json
import threading
from pathlib import Path
from typing import Any

import pandas as pd

from gome.state.errors import BudgetReached
from gome.state.step import StepRecord
from gome.state.task import Task
from gome.tools.budget import Budget
from gome.tools.data.inputs import Inputs
from gome.tools.evaluation.grading import GradingError
from gome.tools.evaluation.hand_over import write_as_sample
from gome.tools.evaluation.naive import naive_scores, naive_submission
from gome.tools.evaluator import Evaluator
from gome.tools.records.jsonl import write_json
from gome.tools.records.naive_file import write_naive
from gome.tools.time_limits import longest_s

SHARE = 0.1
"""Share of the run's time that renewing the provisional submission may take. The first one is made at once."""
LEAST_S = 30.0
"""Of a fit's limit, where runs take next to nothing: a start may be slow."""


def lay_naive(run_dir: Path, task: Task, inputs: Inputs, *, seed: int) -> None:
    """Write what the best constant scores (naive.json), and its submission, which stands until a program is accepted."""
    naive = naive_scores(task, inputs, seed=seed)
    try:
        submission, what = naive_submission(task, inputs)
    except GradingError:
        write_naive(run_dir, naive)  # it says why
        return
    write_naive(run_dir, {**naive, "what": naive["what"] or what})
    write_submission(run_dir, task, submission)


class ProvisionalSubmission:
    """Keeps `solution/` that of the best program from the first accepted one on. Cheap: one fit for a new best program,
    as long as all such fits together take at most a tenth of the run's time; the fit of the program that is chosen in
    the end is not repeated. One that takes longer than the cube of the rows explains is left to the end. Safe between
    threads.
    """

    def __init__(self, run_dir: Path, evaluator: Evaluator, budget: Budget) -> None:
        self.run_dir, self.evaluator, self.budget = run_dir, evaluator, budget
        self._lock = threading.Lock()
        before = run_dir / "standing.json"  # its name in version 0.1
        self._file = before if before.is_file() else run_dir / "provisional.json"

    def record(self) -> dict[str, Any] | None:
        """{id, code, goodness, spent_s} of the program that stands, None if there is none yet."""
        try:
            return dict(json.loads(self._file.read_text()))
        except (OSError, ValueError):
            return None

    def offer(self, record: StepRecord, goodness: float, seconds: float) -> str | None:
        """Let an accepted program stand if it is the best so far and its fit can be afforded.

        `goodness` is its score, larger is better; `seconds` the measured time of one run. Returns what was done in words,
        None if nothing.
        """
        with self._lock:
            now = self.record()
            if now and (goodness <= now["goodness"] or not self._affordable(now["spent_s"], seconds)):
                return None
            step, program = record.id, self.evaluator.artifacts.get_text(str(record.code))
            try:
                limit_s = self._limit_s(seconds)
                evaluation = self.evaluator.evaluate(
                    program, "final", trace=record.trace, step=record.step, limit_s=limit_s
                )
            except BudgetReached as reached:
                return f"{step} was not fitted on all of the data: {reached}"
            if evaluation["status"] != "ok":
                return f"{step} failed on all of the data: {evaluation['problems'][0]}"
            task, submission = self.evaluator.task, self.evaluator.submission(evaluation)
            write_solution(self.run_dir, task, {step: program}, {step: 1.0}, submission)
            spent = (now["spent_s"] if now else 0.0) + evaluation["seconds"]
            row = {"id": step, "code": record.code, "goodness": goodness, "spent_s": round(spent, 3)}
            write_json(self._file, row)
            return f"the submission of {step} stands"

    def _limit_s(self, seconds: float) -> float:
        """Of the fit of a program that takes so many seconds on a search fold."""
        search_s = min(self.evaluator.limits.wall_s, max(seconds, LEAST_S))
        return longest_s(self.evaluator.inputs, "final", search_s)

    def _affordable(self, spent: float, seconds: float) -> bool:
        return spent + seconds <= SHARE * self.budget.clock.elapsed()


def write_solution(
    run_dir: Path, task: Task, programs: dict[str, str], weights: dict[str, float], submission: pd.DataFrame
) -> Path:
    """Put the program (of an ensemble the leading member; all of them in members/, their weights beside) and the
    submission into solution/. Each file is replaced whole, so that there is a valid submission at every moment.
    """
    folder = run_dir / "solution"
    folder.mkdir(exist_ok=True)
    _replace(folder / "main.py", programs[max(weights, key=lambda k: weights[k])])
    if len(weights) > 1:
        (folder / "members").mkdir(exist_ok=True)
        for name in weights:
            _replace(folder / "members" / f"{name.replace(':', '-')}.py", programs[name])
        write_json(folder / "weights.json", {name.replace(":", "-"): w for name, w in weights.items()})
    return write_submission(run_dir, task, submission)


def write_submission(run_dir: Path, task: Task, submission: pd.DataFrame) -> Path:
    """Put a submission in the place of the one that stands; at every moment there is a whole one."""
    folder = run_dir / "solution"
    folder.mkdir(exist_ok=True)
    path = folder / "submission.csv"
    draft = folder / ".submission.csv"
    write_as_sample(task, submission, draft)
    draft.replace(path)
    return path


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}")
    draft.write_text(text)
    draft.replace(path)
