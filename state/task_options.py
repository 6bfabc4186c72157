"""What can be said of a task beside its folder, as fields of a run's configuration."""

from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator

from gome.state.metric_names import known
from gome.state.task import Direction, Problem, TaskSettings

TASK_SETTINGS = tuple(TaskSettings.__annotations__)


def from_commas(value: Any) -> Any:
    """The names that a text lists with commas between them; what is no text as it is."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class TaskOptions(BaseModel):
    """The keys of a task.yaml, and in place of which file they are said; what is not said is read off the files."""

    model_config = ConfigDict(frozen=True)

    task_file: str | None = Field(
        default=None,
        description="A task.yaml that lies elsewhere, in place of the task folder's own (for read-only folders).",
    )
    name: str | None = Field(default=None, description="What records call the task; none: its folder's name.")
    description: str | None = Field(
        default=None, description="Text file that says what the task is, in place of its description.md."
    )
    target: str | None = Field(
        default=None,
        description="Column to predict, where the task does not name it; several: comma between them.",
    )
    metric: str | None = Field(
        default=None,
        description="Metric, where the task does not name it, e.g. rmse, auc, grade.py:FUNCTION or module:FUNCTION.",
    )
    direction: Direction | None = Field(
        default=None, description="maximize or minimize: which way a grader of your own is better."
    )
    positive: str | None = Field(
        default=None,
        description="Of two classes the one that probabilities, f1 and the like are about; asked where it is not plain.",
    )
    problem: Problem | None = Field(
        default=None,
        description="binary, multiclass, multilabel, regression, ranking, detection, text, if the labels do not say.",
    )
    id: str | None = Field(
        default=None,
        description="Id column of test table and sample submission, where they do not say; several: comma between them.",
    )
    group: str | None = Field(
        default=None,
        description="Column whose rows of one value stay on one side of every split (a patient, a user).",
    )
    time: str | None = Field(
        default=None,
        description="Column along which splits run: what is graded is later than what is trained on.",
    )
    dates: dict[str, str] = Field(
        default={},
        description="How the dates of a column are written, where that is not clear, e.g. %d/%m/%Y.",
    )
    drop: tuple[str, ...] = Field(
        default=(), description="Columns to leave out of train and test, comma-separated."
    )
    train: str | None = Field(default=None, description="Train table in the task folder, by its file name.")
    test: str | None = Field(default=None, description="Test table in the task folder, by its file name.")
    sample: str | None = Field(
        default=None, description="Sample submission in the task folder, by its file name."
    )
    keep: tuple[str, ...] = Field(
        default=(),
        description="Files that hold no labels, whatever they look like, as patterns, comma-separated.",
    )
    links_root: str | None = Field(
        default=None, description="The one folder outside of the task's that links in it may lead into."
    )

    @field_validator("metric")
    @classmethod
    def _known_metric(cls, metric: str | None) -> str | None:
        if metric:
            known(metric)
        return metric

    @field_validator("drop", "keep", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return from_commas(value)

    @property
    def said(self) -> TaskSettings:
        """What was said of the task beside its folder."""
        return cast(TaskSettings, {name: getattr(self, name) for name in TASK_SETTINGS})
