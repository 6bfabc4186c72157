"""A task from whatever the user has: a task folder, a prepared MLE-bench competition, a plain folder or one table."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from typing_extensions import Unpack

from gome.state.errors import GomeError, NotUnderstood, named_as
from gome.state.task import Direction, Problem, Task, TaskSettings
from gome.tools.data import mlebench, single_table
from gome.tools.data.checks import check_task
from gome.tools.data.columns import nearest
from gome.tools.data.conventions import read_by_convention
from gome.tools.data.drop import leave_out
from gome.tools.data.made_sample import with_sample_file
from gome.tools.data.partial_task import PartialTask
from gome.tools.data.table_names import SUFFIXES, is_table, stem_of
from gome.tools.data.tables import read_columns
from gome.tools.data.task_files import task_files

TASK_FILE = "task.yaml"


def load_task(
    path: Path,
    *,
    workspace: Path | None = None,
    on_partial: Callable[[PartialTask], None] = lambda partial: None,
    **said: Unpack[TaskSettings],
) -> Task:
    """Read and check the task at `path`; what is `said` goes before what the files say (see `TaskSettings`).

    `path` is a folder with a task.yaml, a prepared MLE-bench competition (its folder, `prepared` or `public`), a
    folder with train, test and sample submission, or one CSV or Parquet table. One table is cut into a task folder
    below `workspace` (see `single_table`); where columns are left out of a folder, one without them is made there (see
    `drop`). Nothing is written otherwise, and `prepared/private` is never opened. `on_partial` is called with what is
    known so far whenever that is more, also of a task that is refused in the end.
    Raises GomeError with one line for whatever is missing, contradictory or does not fit the metric; NotUnderstood where
    nobody has said that the task is tables, its files do not look like them, and no convention tells where they are.
    """
    path = Path(path).expanduser().resolve()
    if not path.exists():
        raise GomeError(f"{path}: no such file or folder.")
    if path.is_file() and path.name != TASK_FILE:
        partial = _said_of(path.parent, None, stem_of(path), said)
        on_partial(partial)
        _check_one_id(partial)
        return _from_table(path, partial, workspace)
    root, partial = task_of_folder(path, said)
    _check_one_id(partial)
    task_files(root, partial.links_root)  # refuses a link that leads out before anything is read over it
    own, said_of_tables = root, partial.said_of_tables
    try:
        if workspace:
            root, partial = with_sample_file(root, partial, workspace)
        with named_as(own, root):
            task = _read(root, partial, workspace, on_partial)
    except NotUnderstood as error:
        if said_of_tables:
            raise GomeError(*error.args) from error
        raise
    if root != own:
        made = f"{task.sample} was made: the ids of the test table, with {', '.join(task.prediction)}"
        task = task.model_copy(update={"conventions": [made, *task.conventions]})
    return leave_out(task, partial.drop, _given(path, workspace)) if partial.drop else task


def _read(
    root: Path, partial: PartialTask, workspace: Path | None, on_partial: Callable[[PartialTask], None]
) -> Task:
    try:
        return _checked(root, partial, on_partial)
    except NotUnderstood as error:
        if partial.said_of_tables or workspace is None:
            raise
        return _by_convention(root, partial, workspace, on_partial, error)


def _checked(root: Path, partial: PartialTask, on_partial: Callable[[PartialTask], None]) -> Task:
    for known in mlebench.completed(root, partial):
        on_partial(known)
        partial = known
    return check_task(root, partial)


def _by_convention(
    root: Path,
    partial: PartialTask,
    workspace: Path,
    on_partial: Callable[[PartialTask], None],
    error: NotUnderstood,
) -> Task:
    """The task as a convention reads it; the first `error` if none does."""
    try:
        reading = read_by_convention(root, partial, workspace)
    except NotUnderstood:
        raise error from None
    with named_as(root, reading.root):
        task = _checked(reading.root, reading.partial, on_partial)
    return task.model_copy(update={"conventions": reading.said})


def _check_one_id(partial: PartialTask) -> None:
    if partial.ids and len(partial.ids) > 1:
        raise GomeError(
            f"`id`: one column tells rows of tables apart, not {', '.join(partial.ids)}; a task with several needs an "
            "adapter (docs/adapters.md)."
        )


def task_of_folder(path: Path, said: TaskSettings) -> tuple[Path, PartialTask]:
    """The folder of a task's files, and what is said of the task: by `said`, else by its task file."""
    path = path.parent if path.name == TASK_FILE else path
    root = mlebench.public_folder(path)
    return root, _said_of(root, root / TASK_FILE, mlebench.name(path), said)


def _said_of(root: Path, own: Path | None, name: str, said: TaskSettings) -> PartialTask:
    """What the task file says, the user's own or else the folder's, and before it what is `said`."""
    given = said.get("task_file")
    if given:
        file = Path(given).expanduser().resolve()
        if not file.is_file():
            raise GomeError(f"{file}: no such task file.")
        partial = _read_task_file(file, name)
    else:
        partial = _read_task_file(own, root.name) if own and own.is_file() else PartialTask(name=name)
    return partial.with_said(said)


def _from_table(path: Path, partial: PartialTask, workspace: Path | None) -> Task:
    if not is_table(path):
        raise GomeError(f"{path}: neither a task folder nor a table; tables are {', '.join(SUFFIXES)}.")
    for setting in ("train", "test", "sample", "keep", "links_root"):
        if getattr(partial, setting):
            raise GomeError(f"{path}: one table has no other files: `{setting}` is for task folders.")
    if partial.described_by:
        partial = mlebench.with_description(path.parent, partial)
    root = single_table.make_task_folder(path, partial, _given(path, workspace))
    try:
        task, unlabelled = load_task(root), not single_table.answers_path(root).is_file()
        more = {"unlabelled_test": unlabelled, "numbered": task.id not in read_columns(path)}
        return task.model_copy(update={"drop": list(partial.drop), **more})
    except GomeError as error:  # the user knows the table, not the folder that was made of it
        raise GomeError(re.sub(rf"{re.escape(str(root))}/\w+(\.\w+)*", str(path), str(error))) from error


def _given(path: Path, workspace: Path | None) -> Path:
    if workspace is None:
        raise GomeError(f"{path}: a task folder is made of it, so a workspace folder has to be given.")
    return workspace


class _TaskFile(BaseModel):
    """The keys of a task.yaml; docs: the task file."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    name: str = ""
    description: str = ""
    metric: str = ""
    target: list[str] = []
    drop: list[str] = []
    id: list[str] | None = None
    problem: Problem | None = None
    positive: str = ""
    direction: Direction | None = None
    group: str | None = None
    time: str | None = None
    dates: dict[str, str] = {}
    train: str = ""
    test: str = ""
    sample: str = ""
    keep: list[str] = []
    links_root: str | None = None
    time_limit: float | None = Field(default=None, gt=0)
    program_time_limit: float | None = Field(default=None, gt=0)

    @field_validator("target", "keep", "drop", "id", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return value if isinstance(value, list) else [value]


def _read_task_file(path: Path, name: str) -> PartialTask:
    """What a task file says; `name` is the task's unless it says another one."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except UnicodeDecodeError as error:
        raise GomeError(f"{path}: not UTF-8 at byte {error.start}; save the file as UTF-8 again.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise GomeError(f"{path}{where}: not valid YAML ({getattr(error, 'problem', error)}).") from error
    except (
        ValueError,
        RecursionError,
    ) as error:  # a date that there is not, a number without an end, no bottom
        raise GomeError(f"{path}: not readable as YAML ({error}).") from error
    if not isinstance(content, dict):
        raise GomeError(f"{path}: keys and values are expected, such as 'metric: auc'.")
    keys = list(_TaskFile.model_fields)
    for key in content:
        if key not in keys:
            raise GomeError(f"{path}: unknown key {key!r}{nearest(str(key), keys)}.")
    try:
        file = _TaskFile(**content)
    except ValidationError as error:
        fault = error.errors()[0]
        raise GomeError(f"{path}: key '{fault['loc'][0]}': {fault['msg'].lower()}.") from error
    values = file.model_dump(exclude={"description", "time_limit", "program_time_limit"})
    values |= {"name": file.name or name, "ids": values.pop("id")}
    if file.description:
        values["described_by"] = str((path.parent / file.description).resolve())
    return PartialTask(**values, time_limit_s=file.time_limit, program_time_limit_s=file.program_time_limit)
