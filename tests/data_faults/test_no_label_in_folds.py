"""For any task that is accepted, no label of a graded row is in its fold's files: searched for by value, not by name."""

import bz2
import gzip
import io
import json
import lzma
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gome.graph.run_layout import prepare_run, read_run
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.data.splits import SplitPlan
from gome.tools.data.table_inputs import TableInputs

pytestmark = pytest.mark.slow
LABEL = 700_000_000
"""Labels are whole numbers from here on, each once and nowhere else: whoever holds the digits holds the label."""

IDS: dict[str, Callable[[int], str]] = {
    "numbers": str,
    "leading zeros": lambda i: f"{i:06d}",
    "words": lambda i: f"row-{i}",
    "dotted": lambda i: f"a.{i}",
    "decimal": lambda i: f"{i}.0",
    "long": lambda i: str(9_007_199_254_740_993 + 2 * i),
    "blank at times": lambda i: "" if i == 3 else str(i),
    "unicode": lambda i: f"ä{i} \u2603",
}
"""How the train table spells the id of its row i."""
RESPELLED: dict[str, Callable[[str], str]] = {
    "same": str,
    "float": lambda text: f"{text}.0" if text.isdigit() and len(text) < 15 else text,
    "no zeros": lambda text: text.lstrip("0") or text,
}
"""How another table spells an id of the train table."""
NAMES = ["train_backup.csv", "old/labels.csv", "more.csv.gz", "more.tsv.zip", "notes.parquet"]
PACKED = {".gz": gzip.decompress, ".bz2": bz2.decompress, ".xz": lzma.decompress}


FORMS: dict[str, Callable[[pd.DataFrame], str]] = {
    "renamed.csv": lambda rows: rows.rename(columns={"y": "outcome"}).to_csv(index=False),
    "records.json": lambda rows: rows.to_json(orient="records"),
    "columns.json": lambda rows: json.dumps({"data": rows.to_dict(orient="list")}),
    "by_id.json": lambda rows: json.dumps(dict(zip(rows["id"], rows["y"], strict=True))),
    "lines.jsonl": lambda rows: rows.to_json(orient="records", lines=True),
    "notes.txt": lambda rows: "\n".join(f"{i}: {y}" for i, y in zip(rows["id"], rows["y"], strict=True)),
    "words.md": lambda rows: "\n".join(
        f"- row {i} has {y}." for i, y in zip(rows["id"], rows["y"], strict=True)
    ),
}
"""Files that name labels beside ids, under no name of the task's."""
BESIDE = 5
"""Labels of their own beside ids from which the search is sure in every table here: fewer may be there by chance."""


@st.composite
def folders(draw: st.DrawFn) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """Tables by file name, all of them text, and other files by name; some in a folder that is named by a label."""
    n, m = draw(st.integers(30, 60)), draw(st.integers(3, 10))
    spell = IDS[draw(st.sampled_from(sorted(IDS)))]
    ids = [spell(i) for i in draw(st.permutations(range(n + m)))]
    test_ids = [text or "t" for text in ids[n:]]
    labels = [str(LABEL + i) for i in range(n)]
    for i in draw(st.sets(st.integers(0, n - 1), max_size=3)):
        labels[i] = ""  # rows without a label
    x = [str(i * 37 % 11) for i in range(n + m)]
    train = pd.DataFrame({"id": ids[:n], "x": x[:n], "y": labels})
    if draw(st.integers(0, 9)) == 0:
        train = train.drop(columns="id")
    test = pd.DataFrame({"id": test_ids, "x": x[n:]})
    tables = {"train.csv": train, "test.csv": test, "sample_submission.csv": test[["id"]].assign(y="0")}
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=3)):
        respell = RESPELLED[draw(st.sampled_from(sorted(RESPELLED)))]
        rows = draw(st.permutations(range(n)))[: draw(st.integers(1, n))]
        other = pd.DataFrame({"id": [respell(ids[i]) for i in rows], "y": [labels[i] for i in rows]})
        if draw(st.booleans()):
            other.insert(1, "w", "1")
        if not draw(st.integers(0, 4)):
            other = other.drop(columns="id")
        tables[name] = other
    named = train if "id" in train else train.assign(id="")
    labelled = named[(named["y"] != "") & (named["id"] != "")]
    files = {}
    for name in (
        draw(st.lists(st.sampled_from(sorted(FORMS)), unique=True, max_size=2)) if len(labelled) else []
    ):
        rows = draw(st.permutations(range(len(labelled))))[: draw(st.integers(BESIDE, len(labelled)))]
        files[name] = FORMS[name](labelled.iloc[rows][["id", "y"]])
    if len(labelled) and "/" not in "".join(ids) and draw(st.booleans()):
        files |= {f"train/{y}/{i}.txt": f"of {i}" for i, y in zip(labelled["id"], labelled["y"], strict=True)}
        files |= {f"test/{i}.txt": f"of {i}" for i in test_ids}
    return tables, files


def write(tables: dict[str, pd.DataFrame], files: dict[str, str], folder: Path) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    for name, table in tables.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".parquet"):
            table.to_parquet(path, index=False)
        else:
            table.to_csv(path, index=False, sep="\t" if ".tsv" in name else ",")
    (folder / "task.yaml").write_text("metric: mae\ntarget: y\nid: id\n")
    return folder


def texts(folder: Path) -> Iterator[tuple[Path, str]]:
    """What every file below a folder holds, unpacked, behind its name."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        raw = path.read_bytes()
        if path.suffix == ".parquet":
            raw = pd.read_parquet(io.BytesIO(raw)).to_csv().encode()
        elif path.suffix == ".zip":
            archive = zipfile.ZipFile(io.BytesIO(raw))
            raw = b"\n".join(archive.read(name) for name in archive.namelist())
        else:
            raw = PACKED.get(path.suffix, bytes)(raw)
        yield path, f"{path.relative_to(folder)}\n{raw.decode()}"


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(folders())
def test_no_label_of_a_graded_row_is_in_its_fold(
    case: tuple[dict[str, pd.DataFrame], dict[str, str]],
) -> None:
    tables, files = case
    with tempfile.TemporaryDirectory() as place:
        task, out = write(tables, files, Path(place) / "task"), Path(place) / "out"
        try:
            run_dir = prepare_run(str(task), RunConfig(run_dir=str(out)))
        except GomeError:
            return
        plan = SplitPlan.load(run_dir / "splits.npz")
        inputs = TableInputs(run_dir, Task(**read_run(run_dir)["task"]), plan)
        for name in ("smoke", "search", "selection"):
            for split in plan.folds(name)[:2]:
                hidden = set(tables["train.csv"]["y"].iloc[split.test_rows])
                seen = False
                for path, text in texts(inputs.input_dir(name, split.fold)):
                    found = [label for label in hidden if label in text]
                    assert not found, (
                        f"{path.relative_to(out)} holds {len(found)} of {len(hidden)} hidden labels"
                    )
                    seen = seen or str(LABEL)[:3] in text
                assert seen  # the search itself sees labels: those of the training rows


def test_columns_within_json_are_left_out_and_end_no_run(tmp_path: Path) -> None:
    """A column of lists has no distinct values to be counted."""
    ids, labels = [str(i) for i in range(40)], [str(LABEL + i) for i in range(40)]
    train = pd.DataFrame({"id": ids, "x": "1", "y": labels})
    test = pd.DataFrame({"id": ["100", "101"], "x": "1"})
    tables = {"train.csv": train, "test.csv": test, "sample_submission.csv": test[["id"]].assign(y="0")}
    files = {"columns.json": FORMS["columns.json"](train[["id", "y"]])}
    run_dir = prepare_run(
        str(write(tables, files, tmp_path / "task")), RunConfig(run_dir=str(tmp_path / "out"))
    )
    assert "columns.json" in json.loads((run_dir / "inventory.json").read_text())["left_out"]
