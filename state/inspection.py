"""What `gome inspect` says of a task: what was understood, from where, and what is not sure."""

from typing import Any

from typing_extensions import TypedDict


class Fact(TypedDict):
    """One thing that was understood, and in words what it was read from."""

    value: Any
    source: str


class Part(TypedDict):
    """A fold of a split, in rows: those a program learns from and those it is graded on."""

    split: str
    fold: int
    train: int
    graded: int


class TableCount(TypedDict):
    """A table of the task. `labelled` rows are those with all targets; None where there are none to have."""

    role: str
    file: str
    rows: int
    columns: int
    labelled: int | None


class Doubt(TypedDict):
    """What is not sure, and the setting that settles it (a field of RunConfig; '' if there is none)."""

    text: str
    setting: str


class Inspection(TypedDict, total=False):
    """All of it. Of a task that is refused, `refused` is the line that says why, and what follows is as far as it got.

    `run` says what a run would do, without a language model and with one. `facts` are by the names that task.yaml has
    for them. `unit` is what there is one of for each prediction; `classes` counts the train rows of each label; `answer`
    is the form of what a program writes into the columns `prediction`.
    `leaks` and `warnings` are lines, and so are `files` (how files belong to rows, and what becomes of them) and `tree`
    (what a program finds in its input, or the files of a refused folder, indented by two spaces a level).
    """

    name: str
    path: str
    refused: str | None
    run: list[str]
    facts: dict[str, Fact]
    unit: str
    tables: list[TableCount]
    classes: dict[str, int]
    answer: str
    prediction: list[str]
    splits: str
    parts: list[Part]
    files: list[str]
    leaks: list[str]
    warnings: list[str]
    unsure: list[Doubt]
    tree: list[str]
