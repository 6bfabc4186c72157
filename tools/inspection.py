"""What is understood of a task, and from where; no program runs (but for a task's adapter), and no run folder is made."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from gome.state.config import RunConfig
from gome.state.errors import GomeError, NotUnderstood
from gome.state.inspection import Doubt, Fact, Inspection, Part, TableCount
from gome.state.profile import DataProfile
from gome.state.task import Task, TaskSettings
from gome.tools.adapters.adapter import Limits
from gome.tools.adapters.profile import tree
from gome.tools.adapters.task import find_adapter, prepare_adapter_task
from gome.tools.data.fact_sources import partial_facts, task_facts
from gome.tools.data.input_tree import input_tree, tree_of
from gome.tools.data.inputs import Inputs
from gome.tools.data.leak_advice import leak_line
from gome.tools.data.metric_words import read_metric
from gome.tools.data.mlebench import public_folder
from gome.tools.data.partial_task import PartialTask
from gome.tools.data.profile import profile
from gome.tools.data.splits import NAMES, SplitPlan, plan_splits
from gome.tools.data.structure import structure_hints
from gome.tools.data.table_inputs import TableInputs
from gome.tools.data.table_names import is_table
from gome.tools.data.task_files import task_files
from gome.tools.data.task_folder import load_task, task_of_folder
from gome.tools.data.task_tables import read_task_table
from gome.tools.evaluation.answer_form import answer_form
from gome.tools.evaluation.answers import check_answers
from gome.tools.self_reported import prepare_self_reported


def inspect_task(path: Path, config: RunConfig) -> tuple[Inspection, Task | None]:
    """What is understood of the task at `path`, with the task itself: None if it is refused, and why is told.

    The same checks as at the start of a run of this configuration, the same splits. Of a task with an adapter this runs
    the adapter. GomeError only where nothing is there to be looked at.
    """
    path = Path(path).expanduser().resolve()
    if not path.exists():
        raise GomeError(f"{path}: no such file or folder.")
    partials: list[PartialTask] = []
    with tempfile.TemporaryDirectory(prefix="gome-inspect-") as scratch:
        try:
            if adapter := find_adapter(path, config.adapter):
                return _with_adapter(path, adapter, Path(scratch), config)
            task = load_task(path, workspace=Path(scratch), on_partial=partials.append, **config.said)
            return _with_tables(path, partials[0], task, Path(scratch), config), task
        except NotUnderstood as error:
            return _not_understood(path, config.said, partials, str(error), Path(scratch))
        except GomeError as error:
            return _refused(path, config.said, partials, str(error)), None


def _with_adapter(path: Path, adapter: Path, scratch: Path, config: RunConfig) -> tuple[Inspection, Task]:
    limits = Limits(config.program_time_limit_s, config.memory_limit_mb)
    task, inputs = prepare_adapter_task(
        path, adapter, scratch, limits, said=config.said, seed=config.seed, folds=config.folds
    )
    file, sample = task_of_folder(path, config.said)[1], inputs.sample("final", 0)
    return {
        **_common(path, task, inputs),
        "facts": task_facts(config.said, file, task, None),
        "unit": f"a unit of {task.adapter_name}: {len(inputs.units):,} labelled ones",
        "tables": [_count("sample", task.sample, sample)],
        "classes": {},
        "leaks": [],
        "warnings": [],
        "unsure": [],
        "tree": ["input/", *(f"  {line}" for line in tree(inputs.input_dir("final", 0)))],
    }, task


def _common(path: Path, task: Task, inputs: Inputs) -> Inspection:
    return {
        "name": task.name,
        "path": str(path),
        "refused": None,
        "answer": answer_form(task),
        "prediction": task.prediction,
        "splits": inputs.plan.reason,
        "parts": list(_parts(inputs.plan)),
        "files": inputs.notes,
    }


def _not_understood(
    path: Path, said: TaskSettings, partials: list[PartialTask], why: str, scratch: Path
) -> tuple[Inspection, Task | None]:
    """What was understood of a task that a run goes on with all the same; refused if there is nothing to predict."""
    try:
        task, inputs, _ = prepare_self_reported(path, scratch / "run", why, said=said, scored=False)
    except GomeError as error:
        return _refused(path, said, partials, str(error)), None
    found = _refused(path, said, partials[:1], why)  # what was inferred later is not what the run goes by
    read = {
        "sample": Fact(value=task.sample, source="its name"),
        "id": Fact(value=task.id, source=f"the first column of {task.sample}"),
    }
    return {
        **found,
        **_common(path, task, inputs),
        "facts": {**read, **found.get("facts", {})},
        "parts": [],
        "tables": [_count("sample", task.sample, inputs.sample("final", 0))],
        "tree": ["input/", *(f"  {line}" for line in tree(inputs.input_dir("final", 0)))],
    }, task


def _refused(path: Path, said: TaskSettings, partials: list[PartialTask], why: str) -> Inspection:
    """What was understood until the task was refused."""
    found = Inspection(name=path.name, path=str(path), refused=why, unsure=[_asked(why)])
    if not partials:
        return found
    known = partials[-1]
    if path.is_dir():
        root = public_folder(path)
        found["tree"] = tree_of(dict.fromkeys(task_files(root, known.links_root), ""), f"{root.name}/")
    facts = partial_facts(said, partials[0], known)
    if not known.metric and (reading := read_metric(known.description)).metric:
        facts["metric"] = Fact(value=reading.metric, source=f'the description: "{reading.sentence}"')
    elif not known.metric and "`metric`" not in why:
        found["unsure"].append(Doubt(text="the metric is not plain", setting="metric"))
    return {**found, "name": known.name, "facts": facts}


def _asked(line: str) -> Doubt:
    setting = re.search(r"`(\w+)`", line)
    return Doubt(text=line, setting=setting[1] if setting else "")


def _with_tables(path: Path, file: PartialTask, task: Task, scratch: Path, config: RunConfig) -> Inspection:
    train, test = (read_task_table(task, name) for name in (task.train, task.test))
    plan = plan_splits(train, task, seed=config.seed, folds=config.folds)
    check_answers(task, train, plan)
    inputs, data = TableInputs(scratch / "inputs", task, plan), profile(task)
    common = _common(path, task, inputs)
    return {
        **common,
        "facts": task_facts(config.said, file, task, path if path.is_file() and is_table(path) else None),
        "unit": _unit(task, inputs),
        "tables": list(_tables(task, train, test, inputs.sample("final", 0))),
        "classes": _classes(task, data),
        "files": [*task.conventions, *_together(inputs), *common["files"]],
        "leaks": [leak_line(leak) for leak in data.get("leaks", [])],
        "warnings": [row["text"] for row in data.get("warnings", []) if row["kind"] != "dates"],
        "unsure": list(_unsure(task, train, test, data, inputs)),
        "tree": input_tree(task, inputs.inventory),
    }


def _unit(task: Task, inputs: TableInputs) -> str:
    """What there is one of for each prediction."""
    naming = inputs.inventory.naming
    files = f" and the files named by its {naming.key}" if naming.key else ""
    return f"a row of {task.train}{files}"


def _together(inputs: TableInputs) -> Iterator[str]:
    if shared := inputs.inventory.naming.shared:
        yield f"files of train's and of test's rows stand together: {len(shared):,}, such as {shared[0]}"


def _tables(
    task: Task, train: pd.DataFrame, test: pd.DataFrame, sample: pd.DataFrame
) -> Iterator[TableCount]:
    labelled = int(train[task.target].notna().all(axis=1).sum())
    yield {**_count("train", task.train, train), "labelled": labelled}
    yield _count("test", task.test, test)
    yield _count("sample", task.sample, sample)


def _count(role: str, file: str, table: pd.DataFrame) -> TableCount:
    return TableCount(role=role, file=file, rows=len(table), columns=table.shape[1], labelled=None)


def _classes(task: Task, data: DataProfile) -> dict[str, int]:
    """Train rows of each class, or of each label where there are several targets."""
    if task.problem == "regression":
        return {}
    if len(task.target) == 1:
        return data["target"][task.target[0]].get("counts", {})
    ones = (
        sum(n for label, n in data["target"][c].get("counts", {}).items() if float(label) == 1)
        for c in task.target
    )
    return dict(zip(task.target, ones, strict=True))


def _parts(plan: SplitPlan) -> Iterator[Part]:
    for split in (split for name in NAMES for split in plan.folds(name)):
        yield Part(
            split=split.name, fold=split.fold, train=len(split.train_rows), graded=len(split.test_rows)
        )


def _unsure(
    task: Task, train: pd.DataFrame, test: pd.DataFrame, data: DataProfile, inputs: TableInputs
) -> Iterator[Doubt]:
    if task.test == task.sample:
        yield Doubt(text="no test table was found: a program sees the sample's ids alone", setting="test")
    if ":" in task.metric and task.problem in ("multiclass", "regression"):
        yield Doubt(
            text=f"the labels are taken for {task.problem}: a grader of your own does not say",
            setting="problem",
        )
    for hint in structure_hints(train, test, task):
        yield _asked(hint)
    for row in data.get("warnings", []):
        if row["kind"] == "dates":
            yield Doubt(text=row["text"], setting="dates")
    if inputs.inventory.left_out:
        count = len(inputs.inventory.left_out)
        yield Doubt(text=f"whether {count} files that are left out hold labels", setting="keep")
