"""The folder that a solution is exported to: its programs, what runs them, and what is to be known of it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as parquet

from gome.agents.blend import Part
from gome.export import standalone
from gome.export.card import write_texts
from gome.export.spec import Exported, spec_of
from gome.kept_models import kept_model
from gome.optimizer import blending
from gome.rerun import Rerun, open_rerun
from gome.run_folder import RunFolder
from gome.solution import solution_of
from gome.state.errors import GomeError
from gome.tools.data.new_rows import kinds
from gome.tools.data.table_names import is_parquet
from gome.tools.execution.environment.runtime import names_interpreter, requirements_of
from gome.tools.records.jsonl import write_json
from gome.tools.records.run_file import read_run

_OWN = Path(str(standalone.__file__)).parent
MODULES = [*sorted(_OWN.glob("[a-z]*.py")), Path(blending.__file__), Path(kinds.__file__)]
"""What goes out as it is; the last two are the agent's own."""
_ROOMS = ("gome.export.standalone.", "gome.optimizer.", "gome.tools.data.new_rows.")
"""Packages of these modules, which lie beside one another once they are out."""


def export(
    run_dir: Path,
    target: Path,
    *,
    say: Callable[[str], None] = lambda line: None,
    stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Write the solution of a run into the new folder `target`, from which it can be fitted and asked without the agent.

    Programs that declare that they keep a model are fitted once if need be, to prove it. Raises GomeError: `target` is
    there, no run, no program, a task without train and test tables; RunStopped when `stop()`.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise GomeError(f"{target} is there already and not empty; name a new folder")
    folder = RunFolder.read(run_dir)
    parts = solution_of(folder)
    with open_rerun(run_dir, say, stop) as rerun:
        draft = rerun.work / "export"
        (draft / "programs").mkdir(parents=True)
        members = [_member(rerun, part) for part in parts]
        for part, member in zip(parts, members, strict=True):
            (draft / member["file"]).write_text(part.program, encoding="utf-8")
        write_json(draft / "solution.json", spec_of(rerun, members, parts))
        if is_parquet(rerun.task.test):
            form = parquet.read_schema(rerun.own / rerun.task.test).empty_table()
            parquet.write_table(form, draft / "form.parquet")
        for module in MODULES:
            (draft / module.name).write_text(
                _standing_alone(module.read_text(encoding="utf-8")), encoding="utf-8"
            )
        (draft / "requirements.txt").write_text(_requirements(rerun), encoding="utf-8")
        write_texts(draft, folder, rerun, members)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(draft, target, dirs_exist_ok=True)
    return target


def _member(rerun: Rerun, part: Part) -> Exported:
    """A program as it goes out."""
    name, kept = part.id.replace(":", "-"), kept_model(rerun, part) is not None
    return Exported(name=name, file=f"programs/{name}.py", weight=part.weight, keeps_model=kept)


def _standing_alone(source: str) -> str:
    """The text of a module that goes out, importing its neighbours by their bare names."""
    for room in _ROOMS:
        source = source.replace(f"from {room}", "from ")
    return source


def _requirements(rerun: Rerun) -> str:
    """The packages that the programs ran with, pinned."""
    named = rerun.config.runtime
    if named is None or not names_interpreter(named):
        return requirements_of(named)
    packages = read_run(rerun.run_dir).get("packages") or {}
    return "".join(f"{name}=={version}\n" for name, version in sorted(packages.items()))
