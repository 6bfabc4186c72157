"""From where each thing that is known of a task was read, in words."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gome.state.inspection import Fact
from gome.state.task import Task, TaskSettings
from gome.tools.data.partial_task import PartialTask
from gome.tools.data.tables import read_columns

FACTS = ("problem", "target", "positive", "metric", "direction", "id", "group", "time", "dates", "drop")
FILES = ("train", "test", "sample", "keep", "links_root")


def partial_facts(said: TaskSettings, file: PartialTask, known: PartialTask) -> dict[str, Fact]:
    """What is known of a task that was not understood whole; `file` is what was said before anything was inferred."""
    facts = {
        name: Fact(value=_plain(value), source=_source(name, said, file, known))
        for name in (*FACTS, *FILES)
        if (value := _value(known, name))
    }
    return facts | _described(said, file)


def task_facts(said: TaskSettings, file: PartialTask, task: Task, table: Path | None) -> dict[str, Fact]:
    """What is known of a task; `table`: the one table that it was made of."""
    facts = {}
    for name in (*FACTS, *FILES):
        value = _value(task, name)
        if not value or (table and name in FILES):
            continue
        if name == "dates":
            value = {column: written.format for column, written in task.dates.items()}
        facts[name] = Fact(value=_plain(value), source=_source(name, said, file, task, table))
    return facts | _described(said, file)


def _described(said: TaskSettings, file: PartialTask) -> dict[str, Fact]:
    """The file that is read in place of the folder's description, if there is one."""
    source = "said by `description`" if said.get("description") else "the task file"
    return {"description": Fact(value=file.described_by, source=source)} if file.described_by else {}


def _value(known: PartialTask | Task, name: str) -> Any:
    return known.ids if name == "id" and len(known.ids or []) > 1 else getattr(known, name)


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else value


def _source(
    name: str, said: TaskSettings, file: PartialTask, known: PartialTask | Task, table: Path | None = None
) -> str:
    if said.get(name) and name != "dates":
        return f"said by `{name}`"
    if _value(file, name) and name != "dates":
        return "the task file"
    if name == "dates":
        settled = sorted(file.dates)
        return "the values" + (f"; said of {', '.join(settled)}" if settled else "")
    if table:
        return _of_table(name, known, table)
    return _inferred(name, known)


def _of_table(name: str, known: PartialTask | Task, table: Path) -> str:
    if name == "id":
        own = known.id in read_columns(table)
        return "its values tell all rows apart" if own else "made: no column tells all rows apart"
    return _inferred(name, known)


def _inferred(name: str, known: PartialTask | Task) -> str:
    if name in ("train", "test") and isinstance(known, Task) and known.conventions:
        return "found by convention"
    if name in ("train", "sample"):
        return "its name"
    if name == "test":
        return (
            "its name"
            if known.test != known.sample
            else "no test table was found: ids of the sample stand in"
        )
    if name == "metric" and not known.metric_from:
        return "the adapter"
    if name == "problem":
        return f"the labels, and what {known.metric} can judge"
    if name == "direction":
        return f"known of {known.metric}"
    if name == "metric":
        return f'the description: "{known.metric_from}"'
    if name == "positive":
        return "the way in which the two classes are written"
    return _from_columns(name, known)


def _from_columns(name: str, known: PartialTask | Task) -> str:
    if isinstance(known, Task) and known.adapter:
        return f"{known.sample} or {known.adapter_name}"
    root = Path(known.root) if isinstance(known, Task) else None
    if name == "id":
        return f"the first column of {known.sample} that {known.test} has"
    if root and name == "target":
        prediction = [c for c in read_columns(root / known.sample) if c != known.id]
        if prediction == known.target:
            return f"the columns to predict in {known.sample}"
        if len(prediction) > 1 and len(known.target) == 1:
            return f"the classes in it name the columns of {known.sample}"
    return f"columns of {known.train} that {known.test} lacks or {known.sample} has"
