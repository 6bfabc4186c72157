"""An exported solution: its own modules stand alone, and bring predictions to the form that the run gives them."""

import ast
import sys
from pathlib import Path

import pytest

from gome.export.folder import MODULES
from gome.export.spec import answers_of
from gome.export.standalone.answers import as_submission, read_answers
from gome.export.standalone.predict import blend
from gome.optimizer.ensemble import combine, how_blended
from gome.tools.data.tables import MISSING
from gome.tools.evaluation import metrics
from gome.tools.evaluation.grading import metric_of
from gome.tools.evaluation.hand_over import write_as_sample
from gome.tools.evaluation.submission import check_submission
from tests.graded import simulated


@pytest.mark.parametrize("name", metrics.names())
def test_answers_come_out_as_the_run_writes_them(name: str, tmp_path: Path) -> None:
    task, _, first = simulated(name, 30, 1)
    second = simulated(name, 30, 2)[2].sample(frac=1, random_state=0)
    task = task.model_copy(update={"root": str(tmp_path)})
    sample, checked, paths = first.iloc[[0] * 30].assign(id=first["id"].to_numpy()), [], []
    sample.to_csv(tmp_path / task.sample, index=False)
    for number, table in enumerate((first, second)):
        paths.append(tmp_path / f"{number}.csv")
        table.to_csv(paths[-1], index=False)
        rows, problems = check_submission(paths[-1], sample.astype({"id": str}), task)
        assert rows is not None, problems
        checked.append(rows)
    write_as_sample(task, combine(task, checked, [1, 2]), tmp_path / "wanted.csv")
    spec = {
        "id": "id",
        "prediction": task.prediction,
        "rows": {"missing": list(MISSING)},
        "sample": {"columns": list(sample.columns)},
        "answers": answers_of(task, how_blended(task, metric_of(task), checked)),
    }
    answers = [read_answers(spec, path, sample["id"].astype(str), "a program") for path in paths]
    as_submission(spec, blend(spec, answers, [1, 2]), 30).to_csv(tmp_path / "found.csv", index=False)
    assert (tmp_path / "found.csv").read_text() == (tmp_path / "wanted.csv").read_text()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_what_goes_out_imports_nothing_of_ours_but_what_goes_out(path: Path) -> None:
    names = {module.stem for module in MODULES}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            home = node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name
            known = home.split(".")[0] in (*sys.stdlib_module_names, "numpy", "pandas", "pyarrow")
            assert known or home.rpartition(".")[2] in names, home
