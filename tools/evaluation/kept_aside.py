"""The test part that Gome itself kept aside from one table: graded once, when everything has been chosen."""

from pathlib import Path

from gome.state.parts import Score
from gome.state.result import KeptAside
from gome.state.task import Task
from gome.tools.data.inputs import Inputs
from gome.tools.data.single_table import answers_path
from gome.tools.data.tables import read_table
from gome.tools.evaluation.bootstrap import FoldPredictions, drift_between, score
from gome.tools.evaluation.grading import GradingError
from gome.tools.evaluation.naive import naive_submission
from gome.tools.evaluation.submission import check_submission


def grade_kept_aside(
    run_dir: Path, task: Task, inputs: Inputs, submission: Path, held_back: Score | None, *, seed: int
) -> KeptAside | None:
    """The score of the submission that is handed over; None where Gome kept no labels of the test rows, or where the
    submission cannot be graded."""
    kept = kept_aside_rows(run_dir, task, inputs, submission)
    if kept is None:
        return None
    answers, frame = kept
    try:
        reached = score(task, [(answers, frame)], seed=seed)
    except GradingError:
        return None
    try:
        naive: Score | None = score(task, [(answers, naive_submission(task, inputs)[0])], seed=seed)
    except GradingError:
        naive = None
    return {
        "score": reached,
        "naive": naive,
        "rows": len(answers),
        "drift_se": drift_between(task.direction, held_back, reached),
    }


def kept_aside_rows(run_dir: Path, task: Task, inputs: Inputs, submission: Path) -> FoldPredictions | None:
    """(answers, submission) of the rows that Gome kept aside; None where it kept none, or no such submission is valid."""
    root = Path(task.root)
    if root.parent != run_dir.resolve() / "task" or not answers_path(root).is_file():
        return None
    frame, _ = check_submission(submission, inputs.sample("final", 0), task)
    return None if frame is None else (read_table(answers_path(root)), frame)
