"""Folders that tell too little to be graded by, or lack their sample: a run begins, and a submission stands at once."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from gome.cli.progress import Progress
from gome.graph.run_layout import open_inputs, prepare_run
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.state.result import RunFile
from gome.state.task import Task
from gome.tools.data.splits import SplitPlan

PLAIN, UNCLEAR = "accuracy", "accuracy over the rows with flag = 0"
TESTS = [f"t{i}" for i in range(9)]


def write(folder: Path, *, rows: int = 30, metric: str = PLAIN, sample: bool = True) -> pd.DataFrame:
    """Rows of train, whose label `y` is mostly 'a'; returns them."""
    folder.mkdir()
    x = np.arange(rows, dtype=float)
    train = pd.DataFrame(
        {"key": [f"r{i}" for i in range(rows)], "x": x % 7, "y": np.where(x % 3 == 0, "b", "a")}
    )
    train.to_csv(folder / "train.csv", index=False)
    test = pd.DataFrame({"key": TESTS, "x": np.arange(9.0)})
    test.to_csv(folder / "test.csv", index=False)
    if sample:
        test[["key"]].assign(y="b").to_csv(folder / "sample_submission.csv", index=False)
    (folder / "description.md").write_text(
        f"# Letters\n\n## Evaluation\n\nSubmissions are scored by {metric}.\n"
    )
    return train


def begun(task: Path, **said: str) -> tuple[RunFile, pd.DataFrame]:
    """run.json, and the submission that stands."""
    run_dir = prepare_run(str(task), RunConfig(run_dir=str(task.parent / "run"), **said))  # type: ignore[arg-type]
    standing = pd.read_csv(run_dir / "solution" / "submission.csv")
    return json.loads((run_dir / "run.json").read_text()), standing


@pytest.mark.parametrize(
    ("about", "said", "why"),
    [
        ({"rows": 12}, {}, "12 rows have a label; at least 20"),
        ({"metric": UNCLEAR}, {"direction": "maximize"}, "the metric is not plain"),
    ],
)
def test_what_cannot_be_graded_is_self_reported(
    about: dict, said: dict[str, str], why: str, tmp_path: Path
) -> None:
    write(tmp_path / "task", **about)
    run, standing = begun(tmp_path / "task", **said)
    assert why in run["task"]["self_reported"]
    assert standing.to_dict("list") == {"key": TESTS, "y": ["b"] * 9}


def test_no_direction_is_told_where_nobody_said_one(tmp_path: Path) -> None:
    write(tmp_path / "task", metric=UNCLEAR)
    (tmp_path / "task" / "train.csv").unlink()
    begun(tmp_path / "task")
    out = io.StringIO()
    with Progress(tmp_path / "run", Console(file=out)):
        pass
    assert out.getvalue().startswith("task · SELF-REPORTED score · ")


def test_an_unclear_metric_is_asked_for(tmp_path: Path) -> None:
    write(tmp_path / "task", metric=UNCLEAR)
    with pytest.raises(GomeError, match=r"give `metric`, or .* `direction`"):
        begun(tmp_path / "task")


def test_a_sample_is_made_where_there_is_none(tmp_path: Path) -> None:
    write(tmp_path / "task", sample=False)
    run, standing = begun(tmp_path / "task")
    assert standing.to_dict("list") == {"key": TESTS, "y": ["a"] * 9}
    assert (run["task"]["target"], run["task"]["self_reported"]) == (["y"], "")
    assert "sample_submission.csv was made" in run["task"]["conventions"][0]


def test_what_is_to_be_predicted_is_asked_where_several_columns_may_be(tmp_path: Path) -> None:
    train = write(tmp_path / "task", sample=False)
    train.assign(z=train["x"]).to_csv(tmp_path / "task" / "train.csv", index=False)
    with pytest.raises(GomeError, match=r"y, z .*give `target`"):
        begun(tmp_path / "task")
    assert begun(tmp_path / "task", target="z", metric="rmse")[1].columns.tolist() == ["key", "z"]


def test_a_packed_test_table_is_the_form_where_train_tells_no_more(tmp_path: Path) -> None:
    task = tmp_path / "task"
    write(task, sample=False)
    lines = "".join(f'"{key}","of words, one is missing"\n' for key in TESTS)
    with zipfile.ZipFile(task / "test.txt.zip", "w") as archive:
        archive.writestr("test.txt", f'"key","sentence"\n{lines}')
    for name in ("train.csv", "test.csv"):
        (task / name).unlink()
    (task / "train.txt").write_text("a line of words\n" * 30)
    run, standing = begun(task)
    assert "no train table" in run["task"]["self_reported"]
    assert standing["key"].tolist() == TESTS
    assert set(standing["sentence"]) == {"of words, one is missing"}


def test_what_a_sample_repeats_of_test_is_no_prediction(tmp_path: Path) -> None:
    task = tmp_path / "task"
    train = write(task).set_index("key")
    test = pd.read_csv(task / "test.csv")
    test.assign(y="b").to_csv(task / "sample_submission.csv", index=False)
    run, standing = begun(task)
    assert (run["task"]["target"], run["task"]["prediction"]) == (["y"], ["y"])
    pd.testing.assert_frame_equal(standing, test.assign(y="a"))
    run_dir, config = tmp_path / "run", RunConfig(**run["config"])
    plan = SplitPlan.load(run_dir / "splits.npz")
    fold = open_inputs(run_dir, Task(**run["task"]), plan, config).sample("search", 0)
    assert list(fold.columns) == ["key", "x", "y"]
    assert fold["x"].astype(float).tolist() == train.loc[fold["key"], "x"].tolist()
