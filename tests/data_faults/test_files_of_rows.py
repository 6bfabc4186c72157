"""A file or a folder for each row: graded rows' files stand where test's do, and nothing else stands there."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.task_files import TEST, N, contents, folds, make_task, open_inputs, tarred, zipped

PNG = b"\x89PNG\r\n\x1a\n"


def _write(task: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (task / name).parent.mkdir(parents=True, exist_ok=True)
        (task / name).write_bytes(content)


def _picture(part: str, i: str) -> bytes:
    return PNG + f"<{part} {i}>".encode()


Name = Callable[[str], str]
LAYOUTS: dict[str, tuple[Name, Name]] = {
    "flat": (lambda i: f"train/{i}.png", lambda i: f"test/{i}.png"),
    "folder for each row": (lambda i: f"train/{i}/image.png", lambda i: f"test/{i}/image.png"),
    "id in both": (lambda i: f"train/{i}/images/{i}.png", lambda i: f"test/{i}/images/{i}.png"),
    "other words": (lambda i: f"pics_train/img_{i}.png", lambda i: f"unseen/img_{i}.png"),
    "in the name": (lambda i: f"images/train_{i}.png", lambda i: f"images/test_{i}.png"),
    "nested": (lambda i: f"a/train/b/{i}.png", lambda i: f"a/test/b/{i}.png"),
    "sharded": (lambda i: f"train/{i[0]}/{i[1]}/{i}.png", lambda i: f"test/{i[0]}/{i[1]}/{i}.png"),
    "by class": (lambda i: f"train/{'cat' if int(i[-1]) % 2 else 'dog'}/{i}.png", lambda i: f"test/{i}.png"),
}
IDS = {
    "id in both": [f"{i:04}" for i in range(N)],
    "flat": [f"a.b{i:03}.c" for i in range(N)],
    "sharded": [f"{i * 37 % 1000:03}x" for i in range(N)],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_graded_rows_files_stand_where_tests_do(tmp_path: Path, layout: str) -> None:
    task = tmp_path / "task"
    train_name, test_name = LAYOUTS[layout]
    train = make_task(task, ids=IDS.get(layout))
    tests = [str(5000 + i) for i in range(TEST)]
    _write(task, {train_name(i): _picture("train", i) for i in train["id"]})
    _write(task, {test_name(i): _picture("test", i) for i in tests})
    for folder, graded in folds(open_inputs(task)):
        hidden = set(train["id"].iloc[graded])
        wanted = {train_name(i): _picture("train", i) for i in train["id"] if i not in hidden}
        wanted |= {test_name(i): _picture("train", i) for i in hidden}
        assert {name: c for name, c in contents(folder).items() if name.endswith(".png")} == wanted


@pytest.mark.parametrize("pack", [None, zipped, tarred])
def test_ids_that_both_parts_have(tmp_path: Path, pack: Callable[..., None] | None) -> None:
    """Test's own 12 is another picture than train's 12; the second is what the graded row 12 has."""
    task = tmp_path / "task"
    train = make_task(task, shared_ids=True)
    suffix = {None: "", zipped: ".zip", tarred: ".tar.gz"}[pack]
    for part, ids in (("train", list(train["id"])), ("test", [str(i) for i in range(TEST)])):
        files = {f"{i}.png": _picture(part, i) for i in ids}
        if pack:
            pack(task / f"{part}{suffix}", files)
        else:
            _write(task, {f"{part}/{name}": content for name, content in files.items()})
    inputs = open_inputs(task)
    for folder, graded in folds(inputs):
        found = {name: c for name, c in contents(folder).items() if name.endswith(".png")}
        hidden = set(train["id"].iloc[graded])
        assert {n: c for n, c in found.items() if n.startswith("test")} == {
            f"test{suffix}/{i}.png": _picture("train", i) for i in hidden
        }
        assert {n for n in found if n.startswith("train")} == {
            f"train{suffix}/{i}.png" for i in train["id"] if i not in hidden
        }
    final = contents(inputs.input_dir("final", 0))
    assert final[f"test{suffix}/12.png"] == _picture("test", "12")
    assert any("stand where test's do" in note for note in inputs.notes)


def test_what_rows_of_test_do_not_have_is_hidden_with_the_graded_ones(tmp_path: Path) -> None:
    task = tmp_path / "task"
    train = make_task(task)
    files = {f"train/{i}/image.png": _picture("train", i) for i in train["id"]}
    files |= {
        f"train/{i}/label.txt": f"label {y}".encode() for i, y in zip(train["id"], train["y"], strict=True)
    }
    files |= {f"train_masks/{i}.png": _picture("mask", i) for i in train["id"]}
    _write(task, files | {f"test/{5000 + i}/image.png": _picture("test", str(i)) for i in range(TEST)})
    for folder, graded in folds(open_inputs(task)):
        found = contents(folder)
        for i in train["id"].iloc[graded]:
            assert found[f"test/{i}/image.png"] == _picture("train", i)
            assert not {f"train/{i}/label.txt", f"test/{i}/label.txt", f"train_masks/{i}.png"} & set(found)
        kept = train["id"].drop(graded)
        assert all({f"train/{i}/label.txt", f"train_masks/{i}.png"} <= set(found) for i in kept)


def test_one_folder_of_both_parts_stays_whole(tmp_path: Path) -> None:
    task = tmp_path / "task"
    train = make_task(task)
    ids = [*train["id"], *(str(5000 + i) for i in range(TEST))]
    _write(task, {f"images/{i}.png": _picture("any", i) for i in ids})
    for folder, _ in folds(open_inputs(task)):
        assert {p.stem for p in (folder / "images").iterdir()} == set(ids)


def test_files_by_no_rule_are_told(tmp_path: Path) -> None:
    task = tmp_path / "task"
    make_task(task)
    _write(task, {f"train/scan{i * 13 + 9000}.png": _picture("train", str(i)) for i in range(N)})
    assert any("no rule was found" in note and "train" in note for note in open_inputs(task).notes)


TOLD: dict[str, tuple[str, str, str]] = {
    "JSON": ("train/{}.json", "test/{}.json", '{{"x": {x}, "of": ["a", "b"],\n "label": {y}}}'),
    "a table": ("train/{}/rows.csv", "test/{}/rows.csv", "a,b,out\n1,{x},{y}\n"),
    "words in a folder of both": ("all/{}.txt", "all/{}.txt", "seen at {x} and\nfound to be {y}\n"),
}
"""Where train's and test's rows have a file, and what is in it; in test's nothing in place of the label."""


@pytest.mark.parametrize("form", TOLD)
def test_files_that_tell_the_label_of_their_row_are_left_out(tmp_path: Path, form: str) -> None:
    task, (train_name, test_name, content) = tmp_path / "task", TOLD[form]
    train = make_task(task)
    rows = [(train_name.format(i), x, y) for i, x, y in train[["id", "x", "y"]].itertuples(index=False)]
    rows += [(test_name.format(i + 5000), i, "") for i in range(TEST)]
    _write(task, {name: content.format(x=x, y=y).encode() for name, x, y in rows})
    _write(task, {f"words/{part}/{name.split('/')[1].partition('.')[0]}.txt": str(x).encode()
                  for name, x, y in rows for part in ["test" if y == "" else "train"]})  # fmt: skip
    inputs = open_inputs(task)
    assert any("holds the label of the row that it is named by" in note for note in inputs.notes)
    for folder, graded in folds(inputs):
        found = contents(folder)
        assert not {str(y) for y in train["y"].iloc[graded]} & set(re.findall(r"\d{9}", str(found.values())))
        assert not [name for name in found if name.startswith(("train/", "test/", "all/"))]
        assert sum(name.startswith("words/test/") for name in found) == len(graded)
