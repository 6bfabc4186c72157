"""What is known of a task before its files are checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from gome.state.task import Direction, Problem, TaskSettings
from gome.state.task_options import from_commas

TABLE_SETTINGS = ("target", "group", "time", "dates", "drop", "train", "test", "keep")
"""What can only be said of a task whose train and test are tables."""


@dataclass(frozen=True)
class PartialTask:
    """A task as far as it was said; what is empty or None is to be inferred.

    `train`, `test`, `sample` are file names in the task folder, `dates` formats by column; `described_by` is the file
    that is read in place of the folder's description, '' for the folder's own. `ids` are the columns that tell rows
    apart, together; [] is said where their place does.
    """

    name: str
    metric: str = ""
    target: list[str] = field(default_factory=list)
    ids: list[str] | None = None
    problem: Problem | None = None
    positive: str = ""
    direction: Direction | None = None
    group: str | None = None
    time: str | None = None
    dates: Mapping[str, str] = field(default_factory=dict)
    drop: list[str] = field(default_factory=list)
    train: str = ""
    test: str = ""
    sample: str = ""
    description: str = ""
    described_by: str = ""
    metric_from: str = ""
    keep: list[str] = field(default_factory=list)
    links_root: str | None = None
    time_limit_s: float | None = None
    program_time_limit_s: float | None = None

    @property
    def said_of_tables(self) -> bool:
        """Whether anything is said that is about tables and their columns."""
        return any(getattr(self, name) for name in TABLE_SETTINGS)

    @property
    def id(self) -> str:
        """The first id column, '' if there is none or none is known."""
        return next(iter(self.ids or []), "")

    def with_said(self, said: TaskSettings) -> "PartialTask":
        """This partial with what the user says in place of what the files say; columns to drop, patterns to keep and
        formats of dates are added to theirs."""
        named = {name: value for name, value in said.items() if value and name not in ("task_file", *_ADDED)}
        for setting, field_ in (("target", "target"), ("id", "ids")):
            if setting in named:
                named[field_] = from_commas(named.pop(setting))
        if described_by := named.pop("description", ""):
            named["described_by"] = str(Path(str(described_by)).expanduser().resolve())
        more = replace(self, **cast(Any, named))
        return replace(
            more,
            dates={**self.dates, **(said.get("dates") or {})},
            drop=list(dict.fromkeys([*self.drop, *(said.get("drop") or ())])),
            keep=list(dict.fromkeys([*self.keep, *(said.get("keep") or ())])),
        )


_ADDED = ("dates", "drop", "keep")
