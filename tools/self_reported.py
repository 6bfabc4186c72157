"""The last resort: of a task that nobody can hold anything back of, programs say themselves how good they are."""

from pathlib import Path

import numpy as np
import pandas as pd

from gome.state.errors import GomeError, named_as
from gome.state.parts import Score, is_number
from gome.state.plain import JsonObject
from gome.state.profile import DataProfile
from gome.state.task import UNNAMED, Direction, Task, TaskSettings
from gome.tools.adapters.inputs import public_files
from gome.tools.adapters.profile import tree
from gome.tools.adapters.task import with_sample
from gome.tools.data.checks import direction_of
from gome.tools.data.made_sample import with_sample_file
from gome.tools.data.metric_words import read_metric
from gome.tools.data.mlebench import DESCRIPTION, shortened, with_description
from gome.tools.data.other_files import count_suffixes
from gome.tools.data.partial_task import PartialTask
from gome.tools.data.row_splits import Split
from gome.tools.data.splits import NAMES, SplitPlan
from gome.tools.data.tables import read_table
from gome.tools.data.task_files import task_files
from gome.tools.data.task_folder import task_of_folder
from gome.tools.evaluation import metrics
from gome.tools.evaluation.metric import GradingError

CLAIM = "valid_score"
"""The key of the program log (see `parse_log`) under which a program says its own validation score."""
NO_CLAIM = f'the program printed no line GOME {{"{CLAIM}": ...}} with the score of its own validation, a finite number'


class DirectionAsked(GomeError):
    """Whether a larger score is better is not plain."""


class PublicInputs:
    """The inputs of a self-reported task: every split is the public folder as it is, and nothing is hidden. See
    `Inputs`."""

    def __init__(self, run_dir: Path, task: Task, plan: SplitPlan) -> None:
        self.run_dir, self.task, self.plan = Path(run_dir), task, plan

    @property
    def notes(self) -> list[str]:
        """None: nothing is left out."""
        return []

    @property
    def shown(self) -> tuple[Path, ...]:
        """None."""
        return ()

    def input_dir(self, split: str, fold: int) -> Path:
        """See `Inputs`."""
        return public_files(self.run_dir, Path(self.task.root), self.task.links_root)

    def answers(self, split: str, fold: int) -> pd.DataFrame:
        """GradingError: there are none."""
        raise GradingError("programs report their own scores, and a constant prediction has none")

    def labels(self, split: str, fold: int) -> None:
        """None: they are in whatever files the task has."""
        return

    def sample(self, split: str, fold: int) -> pd.DataFrame:
        """The task's own sample submission."""
        return read_table(self.input_dir(split, fold) / self.task.sample, text=self.task.text_columns)

    def features(self, split: str, fold: int) -> pd.DataFrame:
        """No column of anything."""
        return pd.DataFrame(index=range(len(self.sample(split, fold))))


def prepare_self_reported(
    path: Path, run_dir: Path, why: str, *, said: TaskSettings, scored: bool
) -> tuple[Task, PublicInputs, DataProfile]:
    """The task, its inputs and its profile; `why` says what kept the harness from grading. Where no program is `scored`
    in it, any direction will do. GomeError: there is nothing to predict; DirectionAsked: it is not plain which way a
    score is better."""
    own, partial = task_of_folder(path, said)
    root, partial = with_sample_file(own, partial, run_dir / "task")
    public = public_files(run_dir, root, partial.links_root)
    with named_as(own, public):
        partial = with_sample(public, with_description(public, partial))
    try:
        (metric, direction), known = _judged_by(partial), True
    except DirectionAsked:
        if scored:
            raise
        metric, direction, known = UNNAMED, "maximize", False
    task = Task(
        name=partial.name,
        root=str(root),
        description=partial.description,
        metric=metric,
        direction=direction,
        direction_known=known,
        problem="regression" if _are_values(public / partial.sample, partial.target) else "text",
        train="",
        test="",
        sample=partial.sample,
        id=partial.id,
        more_ids=(partial.ids or [])[1:],
        target=partial.target,
        prediction=partial.target,
        links_root=partial.links_root,
        self_reported=why,
        time_limit_s=partial.time_limit_s,
        program_time_limit_s=partial.program_time_limit_s,
    )
    nothing = np.array([], dtype=int)
    plan = SplitPlan(
        [Split(name, 0, nothing, nothing) for name in NAMES],
        "nothing is held back: each program is given the whole public folder and validates itself",
    )
    inputs = PublicInputs(run_dir, task, plan)
    return task, inputs, _profile(inputs)


def claimed_score(facts: JsonObject) -> Score | None:
    """The score that a program's log claims; its noise is not known. None if it claims none."""
    value = facts.get(CLAIM)
    return Score(value=float(value), stderr=0.0, folds=[float(value)]) if is_number(value) else None


def _judged_by(partial: PartialTask) -> tuple[str, Direction]:
    """The metric's name and direction, as they are said or the description says them plainly."""
    if ":" in partial.metric:
        return partial.metric, direction_of(partial, "maximize")
    if partial.metric:
        metric = metrics.get(partial.metric)
        return metric.name, direction_of(partial, metric.direction)
    reading = read_metric(partial.description)
    read = metrics.get(reading.metric) if reading.metric else None
    if read and partial.direction in (None, read.direction):
        return read.name, read.direction
    if partial.direction:
        return UNNAMED, partial.direction
    said = f', "{shortened(reading.sentence)}"' if reading.sentence else ""
    raise DirectionAsked(
        f"{DESCRIPTION}: whether a larger score is better is not plain{said}; give `direction`, or the `metric`."
    )


def _are_values(sample: Path, prediction: list[str]) -> bool:
    """Whether predictions are numbers: the sample's have a point."""
    table = read_table(sample, columns=prediction)
    return all(pd.api.types.is_float_dtype(table[c]) and table[c].notna().all() for c in prediction)


def _profile(inputs: PublicInputs) -> DataProfile:
    public = inputs.input_dir("final", 0)
    return {
        "test_rows": len(inputs.sample("final", 0)),
        "columns": [],
        "files": count_suffixes(task_files(public)),
        "tree": tree(public),
        "notes": ["which units are labelled, and where, is not known; `test_rows` are the sample's"],
    }
