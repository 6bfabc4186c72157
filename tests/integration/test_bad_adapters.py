"""Adapters that would make scores lie, each stopped before a run begins, by one line that says what to mend."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome.graph.run_layout import prepare_run
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.tools.records.naive_file import read_naive
from tests.adapter_tasks import write_class_folders, write_long_form

pytestmark = pytest.mark.slow
SHARED = """\
import pandas as pd

metric = "rmse"


def units(public):
    return pd.read_csv(public / "train.csv", dtype={"id": str})[["id"]]


def carve(public, out, train_ids, graded_ids):
    table = pd.read_csv(public / "train.csv", dtype={"id": str}).set_index("id", drop=False)
    table.loc[train_ids].to_csv(out / "train.csv", index=False)
    for part, ids in (("train", train_ids), ("test", graded_ids)):
        (out / part).mkdir()
        for unit in ids if part == "train" else ():
            (out / part / unit).symlink_to(public / part / unit)
        for unit in ids if part == "test" else ():
            (out / part / unit).symlink_to(public / "train" / unit)
    table.loc[graded_ids].assign(y=0.0).to_csv(out / "sample_submission.csv", index=False)
    return table.loc[graded_ids]
"""


def write_shared_ids(folder: Path) -> Path:
    """A folder for each unit, train and test both numbered from 1: test/5 is another unit than train/5."""
    for part, count in (("train", 40), ("test", 30)):
        for unit in range(1, count + 1):
            (folder / part / str(unit)).mkdir(parents=True)
            (folder / part / str(unit) / "shape.xyz").write_text(f"{part} {unit * 7919 % 101}\n")
    rows = [f"{unit},{unit * 7919 % 101 / 10}\n" for unit in range(1, 41)]
    (folder / "train.csv").write_text("id,y\n" + "".join(rows))
    (folder / "sample_submission.csv").write_text("id,y\n" + "".join(f"{u},0.0\n" for u in range(1, 31)))
    (folder / "adapter.py").write_text(SHARED)
    return folder


SPREAD = """\
import pandas as pd

metric = "laplace@70,1000"
target = "y"


def units(public):
    return pd.read_csv(public / "train.csv", dtype={"id": str})[["id"]]


def carve(public, out, train_ids, graded_ids):
    table = pd.read_csv(public / "train.csv", dtype={"id": str}).set_index("id", drop=False)
    table.loc[train_ids].to_csv(out / "train.csv", index=False)
    graded = table.loc[graded_ids]
    graded[["id", "kind"]].to_csv(out / "test.csv", index=False)
    sample = pd.read_csv(public / "sample_submission.csv", nrows=0).columns
    graded[["id"]].assign(y=2000, spread=100)[list(sample)].to_csv(out / "sample_submission.csv", index=False)
    return graded.assign(spread=70)[[*sample]]
"""


def write_spread(folder: Path, labelled: int = 12, sample: bool = True, rare: bool = False) -> Path:
    """A number of each row, and in the sample how sure it is. Without a sample: the number alone. Or two rows that are
    1 where the others are 0."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"id": [f"r{i}" for i in range(labelled + 6)]}).assign(kind=lambda t: t.index % 2)
    numbers = np.arange(labelled) % 6 // 5 if rare else rng.integers(1000, 4000, labelled)
    table[:labelled].assign(y=numbers).to_csv(folder / "train.csv", index=False)
    table[labelled:].to_csv(folder / "test.csv", index=False)
    if sample:
        asked = table.loc[labelled:, ["id"]].assign(y=2000, spread=100)
        asked.to_csv(folder / "sample_submission.csv", index=False)
    (folder / "adapter.py").write_text(SPREAD)
    return folder


CASES = {
    "does not say which column holds the truth": (
        write_spread,
        'target = "y"',
        "",
        "say which of y, spread holds it",
    ),
    "names a truth that the sample does not have": (
        write_spread,
        'target = "y"',
        'target = "z"',
        "that is none of the sample's columns beside the ids, y, spread",
    ),
    "forgets what the metric groups by": (
        write_spread,
        "laplace@70,1000",
        "log_mae@kind",
        "the answers lack the column 'kind', which log_mae@kind needs",
    ),
    "leaves a fold without answers of both kinds": (
        partial(write_spread, sample=False, rare=True),
        "laplace@70,1000",
        "auc",
        "let `label` or `group` of units() spread them",
    ),
    "names too few units": (
        write_spread,
        '[["id"]]',
        '[["id"]].head(9)',
        "9 rows have a label; at least 10 are needed",
    ),
    "leaks a label beside the id": (
        write_long_form,
        'for k, v in rows[unit].items() if k != "level"}',
        'for k, v in rows[unit].items()}',
        "the carved test.jsonl holds labels of hidden units",
    ),
    "leaks labels of few units": (
        partial(write_long_form, labelled=24),
        'for k, v in rows[unit].items() if k != "level"}',
        'for k, v in rows[unit].items()}',
        "the carved test.jsonl holds labels of hidden units",
    ),
    "leaves graded units in the train part": (
        write_long_form,
        "[rows[unit] for unit in train_ids]",
        "list(rows.values())",
        "the carved train.jsonl holds labels of hidden units",
    ),
    "leaves units that are held back in the train part": (
        write_long_form,
        "[rows[unit] for unit in train_ids]",
        "[row for unit, row in rows.items() if unit not in graded_ids]",
        "the carved train.jsonl holds labels of hidden units",
    ),
    "tells labels by the names of files": (
        write_class_folders,
        'out / "test" / pictures[unit].name',
        'out / "test" / pictures[unit].parent.name / pictures[unit].name',
        "names of files or folders in the carved folder tell the labels",
    ),
    "wrong order": (
        write_class_folders,
        "    return ids.assign(",
        "    return ids[::-1].assign(",
        "the answers are in another order than sample_submission.csv",
    ),
    "deals answers to other units": (
        write_class_folders,
        "for unit in graded_ids] for c in classes}",
        "for unit in sorted(graded_ids, key=lambda u: u[::-1])] for c in classes}",
        "the answers say other labels than units()",
    ),
    "not deterministic": (
        write_long_form,
        '[{k: v for k, v in rows[unit].items() if k != "level"} for',
        '[{k: v for k, v in rows[unit].items() if k != "level"} | {"salt": hash("salt")} for',
        "writes another test.jsonl when it is called again",
    ),
    "grades the wrong way round": (
        write_long_form,
        'direction = "minimize"',
        'direction = "maximize"',
        "mend the grader, its direction, or the answers",
    ),
    "grades everything alike": (
        write_long_form,
        "    return np.average(",
        "    return 0 * np.average(",
        "mend the grader, its direction, or the answers",
    ),
    "reads answers from outside": (
        write_class_folders,
        "    pictures = {p.stem",
        '    print(open("PRIVATE/answers.csv").read())\n    pictures = {p.stem',
        "carve() failed: line 19: FileNotFoundError",
    ),
    "links to what is outside": (
        write_class_folders,
        "    ids = pd.DataFrame",
        '    (out / "answers.csv").symlink_to("PRIVATE/answers.csv")\n    ids = pd.DataFrame',
        "link to what is in the public folder",
    ),
    "endless": (
        write_class_folders,
        "    pictures = {p.stem",
        "    while True:\n        pass\n    pictures = {p.stem",
        "carve() was ended: ",
    ),
    "wrong ids": (
        write_class_folders,
        '{"id": list(graded_ids)}',
        '{"id": list(train_ids)[: len(graded_ids)]}',
        "the answers are not those of the graded units",
    ),
    "wrong columns": (
        write_class_folders,
        "classes}).to_csv(",
        'classes}).rename(columns={"eel": "Eel"}).to_csv(',
        "the columns of sample_submission.csv are id, cat, dog, Eel",
    ),
    "empty carve": (
        write_class_folders,
        "    pictures = {p.stem",
        '    return pd.DataFrame({"id": list(graded_ids)})\n    pictures = {p.stem',
        "carve() wrote no sample_submission.csv",
    ),
    "raises": (
        write_class_folders,
        "    pictures = {p.stem",
        '    raise ValueError("no such thing")\n    pictures = {p.stem',
        "carve() failed: line 19: ValueError: no such thing",
    ),
    "forgets a part of the layout": (
        write_class_folders,
        'out / "test" / pictures[unit].name',
        'out / "held" / pictures[unit].name',
        "unlike the public folder",
    ),
    "changes a picture": (
        write_class_folders,
        '    ids = pd.DataFrame',
        '    one = out / "test" / f"{graded_ids[0]}.png"\n    data = one.read_bytes()\n    one.unlink()\n'
        '    one.write_bytes(data + b"x")\n    ids = pd.DataFrame',
        "is not bit for bit a file of the public folder",
    ),
    "gives a graded unit the real test unit's file": (
        write_shared_ids,
        'public / "train" / unit)',
        'public / ("test" if (public / "test" / unit).exists() else "train") / unit)',
        "is the file of the real test unit, not of the labelled unit",
    ),
    "names a unit twice": (
        write_class_folders,
        '"id": [p.stem for p in pictures]',
        '"id": ["p1" for p in pictures]',
        "units() names 'p1' twice",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_bad_adapter_is_stopped_by_a_check(case: str, tmp_path: Path) -> None:
    write, before, after, line = CASES[case]
    task = _broken(write, tmp_path, before, after)
    limit = 6 if case == "endless" else 60
    with pytest.raises(GomeError) as raised:
        prepare_run(str(task), RunConfig(run_dir=str(tmp_path / "run"), program_time_limit_s=limit))
    assert line in str(raised.value)
    assert "\n" not in str(raised.value)
    assert str(task / "adapter.py") in str(raised.value)
    assert not (tmp_path / "run").exists()
    assert (tmp_path / "private" / "answers.csv").is_file()


def test_folders_of_units_that_share_ids_with_test_are_accepted(tmp_path: Path) -> None:
    task = write_shared_ids(tmp_path / "task")
    run = prepare_run(str(task), RunConfig(run_dir=str(tmp_path / "run")))
    for place in (run / "inputs" / "selection-0" / "test").iterdir():
        own = task / "train" / place.name / "shape.xyz"
        assert (place / "shape.xyz").read_bytes() == own.read_bytes()


def test_a_value_and_how_sure_it_is_of_few_units(tmp_path: Path) -> None:
    task = write_spread(tmp_path / "task")
    run = prepare_run(str(task), RunConfig(run_dir=str(tmp_path / "run"), model="openai:m"))
    read = json.loads((run / "run.json").read_text())["task"]
    assert (read["target"], read["prediction"]) == (["y"], ["y", "spread"])
    parts = {p.stem: pd.read_csv(p) for p in (run / "answers").glob("se*.csv")}
    assert min(map(len, parts.values())) >= 3
    error = (parts["selection-0"]["y"] - 2000).abs().clip(upper=1000)
    expected = (-np.sqrt(2) * error / 100 - np.log(np.sqrt(2) * 100)).mean()
    assert read_naive(run)["selection"]["value"] == pytest.approx(expected)


def test_a_sample_that_is_made_and_a_column_for_the_metric(tmp_path: Path) -> None:
    task = write_spread(tmp_path / "task", sample=False)
    more = SPREAD.replace("laplace@70,1000", "log_mae@kind").replace("[[*sample]]", '[[*sample, "kind"]]')
    (task / "adapter.py").write_text(more)
    run = prepare_run(str(task), RunConfig(run_dir=str(tmp_path / "run"), model="openai:m"))
    answers = pd.read_csv(run / "answers" / "selection-0.csv").set_index("id")
    known = pd.read_csv(task / "train.csv").set_index("id").loc[answers.index]
    pd.testing.assert_frame_equal(answers[["y", "kind"]], known[["y", "kind"]])
    assert "kind" not in pd.read_csv(run / "inputs" / "selection-0" / "sample_submission.csv")
    errors = (known["y"] - 2000).abs().groupby(known["kind"]).mean()
    assert read_naive(run)["selection"]["value"] == pytest.approx(np.log(errors).mean())


def _broken(write: Callable[[Path], Path], folder: Path, before: str, after: str) -> Path:
    private = folder / "private"
    private.mkdir()
    (private / "answers.csv").write_text("id,cat\np1,1\n")
    task = write(folder / "public")
    text = (task / "adapter.py").read_text()
    assert before in text
    (task / "adapter.py").write_text(text.replace(before, after.replace("PRIVATE", str(private)), 1))
    return task
