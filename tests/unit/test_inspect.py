"""gome inspect: what was understood and from where; the same refusal as a run's; a task file that says it again."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from gome.cli.main import main
from gome.state.config import RunConfig
from gome.state.task import TaskSettings
from gome.tools.data.task_folder import load_task
from gome.tools.inspection import inspect_task
from tests.adapter_tasks import write_class_folders

SENTENCE = "Submissions are scored by the area under the ROC curve between probability and label."


def write_folder(folder: Path, description: str = f"# Churn\n\n## Evaluation\n\n{SENTENCE}\n") -> Path:
    """A plain folder with pictures by id, of which everything can be inferred."""
    (folder / "pictures").mkdir(parents=True)
    rows = pd.DataFrame({"id": range(100), "age": [i * 7 % 60 for i in range(100)], "churned": [0, 1] * 50})
    rows.head(60).to_csv(folder / "train.csv", index=False)
    rows.tail(40).drop(columns="churned").to_csv(folder / "test.csv", index=False)
    rows.tail(40)[["id"]].assign(churned=0.5).to_csv(folder / "sample_submission.csv", index=False)
    (folder / "description.md").write_text(description)
    for i in range(100):
        (folder / "pictures" / f"{i}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return folder


def inspected(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any, str]:
    code = main(["inspect", *words, "--json"])
    said = capsys.readouterr()
    return code, json.loads(said.out), said.err


def test_each_thing_is_told_with_where_it_was_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_folder(tmp_path / "churn")
    before = sorted(tmp_path.rglob("*"))
    code, found, _ = inspected(capsys, str(folder), "--group", "age")
    assert code == 0
    facts = found["facts"]
    assert {name: fact["value"] for name, fact in facts.items()} == {
        "problem": "binary",
        "target": ["churned"],
        "positive": "1",
        "metric": "auc",
        "direction": "maximize",
        "id": "id",
        "group": "age",
        "train": "train.csv",
        "test": "test.csv",
        "sample": "sample_submission.csv",
    }
    assert SENTENCE in facts["metric"]["source"]
    assert facts["group"]["source"] == "said by `group`"
    assert found["classes"] == {"0": 30, "1": 30}
    assert [(t["role"], t["rows"], t["labelled"]) for t in found["tables"]] == [
        ("train", 60, 60),
        ("test", 40, None),
        ("sample", 40, None),
    ]
    for part in found["parts"]:
        assert part["train"] + part["graded"] <= 60
    assert [p["graded"] for p in found["parts"] if p["split"] == "final"] == [0]
    assert any("pictures" in line for line in found["files"])
    assert any("100 .png" in line for line in found["tree"])
    assert sorted(tmp_path.rglob("*")) == before


def test_the_text_fits_eighty_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_folder(tmp_path / ("a-long-name-" * 3))
    assert main(["inspect", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines if str(tmp_path) not in line) <= 80
    assert any(line.startswith("metric") and "auc" in line for line in lines)


@pytest.mark.parametrize(
    ("metric", "cell", "answer"),
    [
        ("levenshtein", "an answer", "texts"),
        ("map@3", "a b c", "ranked labels, best first"),
        ("box_ap@0.5", "1 2 3 4", "boxes"),
        ("rmse", 0.5, "numbers"),
    ],
)
def test_answers_of_every_form_have_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], metric: str, cell: str | float, answer: str
) -> None:
    folder = write_folder(tmp_path / "churn")
    for name in ("train.csv", "sample_submission.csv"):
        table = pd.read_csv(folder / name)
        cells = (
            [f"{cell}{i % 3}" for i in range(len(table))]
            if isinstance(cell, str)
            else [i / 7 for i in range(len(table))]
        )
        table.assign(churned=cells).to_csv(folder / name, index=False)
    main(["inspect", str(folder), "--metric", metric])
    assert f"answer      {answer}" in capsys.readouterr().out


def test_a_refused_task_says_the_runs_line_and_what_was_understood(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_folder(tmp_path / "churn", "# Churn\n\n## Evaluation\n\nBy our own secret score.\n")
    code, said = main(["inspect", str(folder), "--json"]), capsys.readouterr()
    assert main(["run", str(folder), "--runs-dir", str(tmp_path / "runs")]) == code == 2
    assert capsys.readouterr().err == said.err
    assert "--metric" in said.err
    found = json.loads(said.out)
    assert found["refused"] in re.sub(r"--(metric|direction)", r"`\1`", said.err)
    assert found["facts"]["target"] == {
        "value": ["churned"],
        "source": "columns of train.csv that test.csv lacks or sample_submission.csv has",
    }
    assert found["unsure"][0]["setting"] == "metric"
    assert "splits" not in found


def test_what_a_run_would_do_with_tables_that_are_not_understood(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No refusal: what settles it is said, and who would do what until then."""
    folder = write_folder(tmp_path / "churn")
    train = pd.read_csv(folder / "train.csv").rename(columns={"churned": "left"}).assign(other=1)
    train.to_csv(folder / "train.csv", index=False)
    code, found, _ = inspected(capsys, str(folder))
    assert code == 0
    assert "no program is written" in found["run"][0]
    assert "surveyor" in found["run"][1]
    assert {doubt["setting"] for doubt in found["unsure"]} == {"target"}
    assert "nothing is held back" in found["splits"]
    assert main(["inspect", str(folder)]) == 0
    assert "a run" in capsys.readouterr().out.splitlines()
    code, found, _ = inspected(capsys, str(folder), "--target", "left")
    assert code == 0
    assert "Rules write the programs" in found["run"][0]


def test_all_that_is_open_is_said_at_once(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "churn", "# Churn\n")
    train = pd.read_csv(folder / "train.csv").rename(columns={"churned": "left"})
    train.assign(other=1).to_csv(folder / "train.csv", index=False)
    found, task = inspect_task(folder, RunConfig())
    assert task
    assert {doubt["setting"] for doubt in found["unsure"]} == {"target", "metric"}


def test_a_written_task_file_says_the_same_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Read-only data: what was said and inferred goes to a file elsewhere, and from there into a run."""
    folder = write_folder(tmp_path / "churn")
    file = tmp_path / "churn.yaml"
    said: TaskSettings = {"group": "age", "positive": "0", "keep": ["pictures/*"], "metric": "accuracy"}
    options = ["--group", "age", "--positive", "0", "--keep", "pictures/*", "--metric", "accuracy"]
    code, first, _ = inspected(capsys, str(folder), *options, "--write", str(file))
    assert code == 0
    assert load_task(folder, task_file=str(file)) == load_task(folder, **said)
    _, again, _ = inspected(capsys, str(folder), "--task", str(file))
    values = [{n: f["value"] for n, f in found["facts"].items()} for found in (first, again)]
    assert values[0] == values[1]
    assert {f["source"] for n, f in again["facts"].items() if n != "direction"} == {"the task file"}
    assert main(["inspect", str(folder), "--write", str(file)]) == 2
    assert "there already" in capsys.readouterr().err


def test_write_goes_into_the_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_folder(tmp_path / "prepared" / "public").parent.parent
    inspected(capsys, str(folder), "--write")
    written = yaml.safe_load((folder / "prepared" / "public" / "task.yaml").read_text())
    assert written["metric"] == "auc"
    assert written["target"] == "churned"
    assert "direction" not in written
    assert main(["inspect", str(folder), "--write"]) == 2
    assert "there already" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_folder(tmp_path / "churn")
    folder.chmod(0o555)
    assert main(["inspect", str(folder), "--write"]) == 2
    assert "--write FILE" in capsys.readouterr().err


def test_one_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "people.csv"
    rows = pd.DataFrame({"age": [i * 7 % 60 for i in range(100)], "churned": ["no", "yes"] * 50})
    rows.to_csv(table, index=False)
    file = tmp_path / "people.yaml"
    options = ["--target", "churned", "--metric", "auc", "--write", str(file)]
    code, found, _ = inspected(capsys, str(table), *options)
    assert code == 0
    assert found["facts"]["id"]["source"].startswith("made")
    assert sum(found["classes"].values()) == 80
    assert "id" not in yaml.safe_load(file.read_text())
    assert inspected(capsys, str(table), "--task", str(file))[0] == 0
    assert main(["inspect", str(table), "--target", "churned", "--metric", "auc", "--keep", "*.bin"]) == 2
    assert "--keep is for task folders" in capsys.readouterr().err
    assert main(["inspect", str(table), "--target", "churned", "--metric", "auc", "--write"]) == 2
    assert "--write FILE" in capsys.readouterr().err


@pytest.mark.slow
def test_a_task_with_an_adapter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_class_folders(tmp_path / "animals", labelled=90, real=30)
    code, found, _ = inspected(capsys, str(folder), "--metric", "log_loss")
    assert code == 0
    assert "90 labelled" in found["unit"]
    assert [(t["role"], t["rows"]) for t in found["tables"]] == [("sample", 30)]
    assert found["facts"]["problem"]["value"] == "multiclass"
    assert main(["inspect", str(folder), "--metric", "log_loss", "--group", "age"]) == 2
    assert "--group is about the columns of a train table" in capsys.readouterr().err


SAID: list[tuple[str, str, Any]] = [
    ("target", "churned", ["churned"]),
    ("metric", "log_loss", "log_loss"),
    ("positive", "0", "0"),
    ("problem", "binary", "binary"),
    ("id", "id", "id"),
    ("group", "age", "age"),
    ("time", "age", "age"),
    ("train", "train.csv", "train.csv"),
    ("test", "test.csv", "test.csv"),
    ("sample", "sample_submission.csv", "sample_submission.csv"),
    ("keep", "pictures/*", ["pictures/*"]),
    ("links_root", "..", ".."),
]


@pytest.mark.parametrize(("name", "text", "value"), SAID)
def test_what_a_task_file_says_an_option_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, value: Any
) -> None:
    folder = write_folder(tmp_path / "churn")
    _, found, _ = inspected(capsys, str(folder), f"--{name.replace('_', '-')}", text)
    assert found["facts"][name] == {"value": value, "source": f"said by `{name}`"}


def test_every_key_of_a_task_file_has_an_option() -> None:
    """The keys as the documentation lists them, so that a new one is not forgotten."""
    text = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text()
    table = text[text.index("| key | meaning |") : text.index("Each of these keys")]
    keys = {
        word.strip(" `")
        for row in table.splitlines()[2:]
        if row.startswith("|")
        for word in row.split("|")[1].split(",")
    }
    renamed = {"time_limit": "time_limit_s", "program_time_limit": "program_time_limit_s"}
    assert {renamed.get(key, key) for key in keys} <= set(RunConfig.model_fields)
    assert {"keep", "links_root", "direction"} <= keys


def test_a_description_that_lies_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a folder that cannot be written, and of one table; a task file that is written names it again."""
    folder = write_folder(tmp_path / "churn", "# Churn\n")
    words, file = tmp_path / "words.md", tmp_path / "churn.yaml"
    words.write_text("# Evaluation\n\nSubmissions are scored by classification accuracy.\n")
    code, found, _ = inspected(capsys, str(folder), "--description", str(words), "--write", str(file))
    assert (code, found["facts"]["metric"]["value"]) == (0, "accuracy")
    assert found["facts"]["description"] == {"value": str(words), "source": "said by `description`"}
    assert load_task(folder, task_file=str(file)).description == words.read_text()
    (tmp_path / "near.yaml").write_text("description: words.md\n")
    assert load_task(folder, task_file=str(tmp_path / "near.yaml")).metric == "accuracy"
    table = folder / "train.csv"
    task = load_task(table, workspace=tmp_path / "w", target="churned", metric="auc", description=str(words))
    assert "classification accuracy" in task.description
    assert main(["inspect", str(folder), "--description", str(tmp_path / "none.md")]) == 2
    assert "none.md: no such file, though it is named as --description" in capsys.readouterr().err
