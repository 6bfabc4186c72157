"""The task: what is predicted, from what, judged by what."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

Problem = Literal["binary", "multiclass", "multilabel", "regression", "ranking", "detection", "text"]
Direction = Literal["maximize", "minimize"]


UNNAMED = "score"
"""What the metric of a task is called where it has no name that is known. No metric of the registry is called so."""


class TaskSettings(TypedDict, total=False):
    """What the user says of a task beside its folder; it goes before what the folder says. None and empty: not said.

    `task_file` is read in place of the folder's task.yaml, the file `description` in place of its description. The rest
    is what a task.yaml says under the same names; several targets have a comma between them.
    """

    task_file: str | None
    name: str | None
    description: str | None
    target: str | None
    metric: str | None
    direction: Direction | None
    positive: str | None
    problem: Problem | None
    id: str | None
    group: str | None
    time: str | None
    dates: Mapping[str, str]
    drop: Sequence[str]
    train: str | None
    test: str | None
    sample: str | None
    keep: Sequence[str]
    links_root: str | None


class DateFormat(BaseModel):
    """How the dates of a column are written, in train and test alike.

    `format` is what pandas' `to_datetime` takes: strptime's directives, or 'ISO8601'. `other` fits all of the values as
    well and gives other dates: which of them is meant is a guess that the user may settle.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str
    other: str | None = None


class Task(BaseModel):
    """A machine-learning task, read and checked once; plain data, safe to store and to pass on.

    `root` is an absolute folder; `train`, `test` and `sample` are file names in it. Column names are those of
    the files. `prediction` are the columns of the sample submission other than the ids. Where an `adapter` speaks for the
    task there are no `train` and `test`, and `target` are the columns of the answers, which have the sample's form.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    root: str
    description: str
    metric: str = Field(description="name in the metric registry, or module:function")
    metric_columns: list[str] = Field(
        default_factory=list,
        description="columns of the train table that the metric needs beside the targets, such as weights or groups",
    )
    metric_from: str = Field(
        default="", description="sentence of the description that names the metric; empty where it was given"
    )
    direction: Direction
    direction_known: bool = Field(
        default=True, description="False: nobody said which way a score is better, and no program has one"
    )
    problem: Problem
    train: str
    test: str
    sample: str
    id: str = Field(
        description="id column of test and sample submission; empty: rows are told by their place"
    )
    more_ids: list[str] = Field(
        default_factory=list, description="further id columns, where one alone does not tell rows apart"
    )
    target: list[str] = Field(description="label columns of the train table")
    prediction: list[str] = Field(description="columns to predict, in the sample's order")
    classes: list[str] = Field(
        default_factory=list, description="class labels as text, sorted; [] if not classes"
    )
    positive: str | None = Field(
        default=None, description="of two classes the one that probabilities, f1 and the like are about"
    )
    group: str | None = None
    time: str | None = None
    dates: dict[str, DateFormat] = Field(default_factory=dict, description="date columns written as text")
    keep: list[str] = Field(
        default_factory=list, description="patterns of files that hold no labels, whatever they look like"
    )
    links_root: str | None = Field(default=None, description="folder that links of the task may lead into")
    conventions: list[str] = Field(
        default_factory=list,
        description="how the tables were found or made, where the task's own are not read as they are",
    )
    drop: list[str] = Field(default_factory=list, description="columns left out of train and test")
    unlabelled_test: bool = Field(
        default=False, description="one table was given, and its rows without a label are the test part"
    )
    numbered: bool = Field(
        default=False, description="one table without ids was given, and its rows were numbered from 0"
    )
    adapter: str = Field(
        default="",
        description="file, the run's own copy, that holds units back; empty: train and test are tables",
    )
    adapter_name: str = Field(default="", description="the same file as the user knows it")
    self_reported: str = Field(
        default="",
        description="why the harness cannot hold anything back: programs score themselves; empty: it does and grades",
    )
    time_limit_s: float | None = Field(default=None, description="budget the task file asks for, seconds")
    program_time_limit_s: float | None = None

    @property
    def grader_root(self) -> str:
        """The folder of a grader of one's own: the task's, or that of the adapter that has it."""
        adapter = Path(self.adapter)
        return (
            str(adapter.parent) if self.adapter and self.metric.startswith(f"{adapter.name}:") else self.root
        )

    @property
    def positive_code(self) -> int:
        """The place of the positive class in `classes`; the last one where nothing depends on which it is."""
        return len(self.classes) - 1 if self.positive is None else self.classes.index(self.positive)

    @property
    def says_positive(self) -> str | None:
        """What a probability of the task is that of, as people read it: "P(label = 'fraud')"; None: of no one class."""
        return None if self.positive is None else f"P({self.target[0]} = {self.positive!r})"

    @property
    def ids(self) -> list[str]:
        """The columns that tell rows apart, together; [] where their place does."""
        return [c for c in (self.id, *self.more_ids) if c]

    @property
    def answer_columns(self) -> list[str]:
        """The columns of the train table that hidden answers hold beside the id."""
        return list(dict.fromkeys([*self.target, *self.metric_columns]))

    @property
    def is_tabular(self) -> bool:
        """Whether classes or numbers are predicted from train and test tables: a program for it can be made by rules."""
        return bool(self.train) and self.problem not in ("detection", "text")

    @property
    def numeric_targets(self) -> bool:
        """Whether labels are numbers: values, or a column of 0 and 1 for each label; else they are text."""
        return self.problem == "regression" or len(self.target) > 1

    @property
    def text_columns(self) -> list[str]:
        """Columns whose cells are text, whatever they look like: ids, groups, and labels that are no numbers."""
        targets = [] if self.numeric_targets else self.target
        return [c for c in (*self.ids, self.group, *targets) if c is not None and c != self.time]
