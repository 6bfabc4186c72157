"""Labels that are missing, or named like a word for missing: said before anything runs, and counted here by hand."""

import json
from pathlib import Path

import pandas as pd
import pytest

from gome.cli.main import main
from gome.cli.summary import summary_lines
from gome.graph.run import build_graph
from gome.graph.run_layout import prepare_run
from gome.report.page import write_report
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.tools.data.task_folder import load_task
from tests.quick import quick_model


def table(folder: Path, labels: list[str]) -> Path:
    path = folder / "table.csv"
    pd.DataFrame({"x": range(len(labels)), "y": labels}).to_csv(path, index=False)
    return path


def warned(path: Path, out: Path, metric: str) -> list[str]:
    """What a run would say of the labels at its start."""
    prepare_run(str(path), RunConfig(run_dir=str(out), target="y", metric=metric))
    found = json.loads((out / "profile.json").read_text()).get("warnings", [])
    return [row["text"] for row in found if row["kind"] == "labels"]


def test_how_many_rows_become_the_test_part_is_said(tmp_path: Path) -> None:
    labels = ["" if n % 10 == 0 else ["EU", "US"][n % 2] for n in range(300)]
    said = warned(table(tmp_path, labels), tmp_path / "out", "accuracy")
    assert len(said) == 1
    assert said[0].startswith("30 of 300 rows have no y: these are the test part")
    assert "the other 270" in said[0]


def test_of_a_table_with_all_labels_nothing_is_said(tmp_path: Path) -> None:
    assert warned(table(tmp_path, ["EU", "US"] * 150), tmp_path / "out", "accuracy") == []


@pytest.mark.parametrize("word", ["NA", "None", "null", "nan", "N/A", "none"])
def test_a_class_with_a_word_for_missing_is_named_with_its_rows(tmp_path: Path, word: str) -> None:
    labels = [
        word if n % 5 == 0 else str(n % 2) for n in range(300)
    ]  # 60 of the word, a fifth of them for test
    said = warned(table(tmp_path, labels), tmp_path / "out", "accuracy")
    assert len(said) == 1
    assert said[0].startswith(f"{word!r} is a class of 48 rows of y: leave the field empty where it means")


def test_a_metric_of_two_classes_names_the_word(tmp_path: Path) -> None:
    with pytest.raises(GomeError, match=r"3 different values\) \('NA' is one: leave the field empty"):
        load_task(
            table(tmp_path, ["0", "1", "NA"] * 40), target="y", metric="f1", workspace=tmp_path / "made"
        )


def test_it_is_an_event_before_the_first_program_and_stands_in_summary_report_and_inspection(
    diabetes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = pd.read_csv(diabetes / "train.csv")
    whole.loc[whole.index[::5], "progression"] = None
    empty = int(whole["progression"].isna().sum())
    whole.to_csv(tmp_path / "patients.csv", index=False)
    out = tmp_path / "out"
    config = RunConfig(
        run_dir=str(out),
        target="progression",
        metric="mae",
        traces=1,
        steps=1,
        finalists=1,
        selection_seeds=1,
    )
    graph = build_graph(models=dict.fromkeys(("researcher", "coder", "critic"), quick_model())).compile()
    graph.invoke({"task": str(tmp_path / "patients.csv")}, context=config)
    line = f"{empty} of {len(whole)} rows have no progression: these are the test part"
    events = [json.loads(text) for text in (out / "events.jsonl").read_text().splitlines()]
    places = [n for n, event in enumerate(events) if line in event["text"]]
    first = next(n for n, event in enumerate(events) if event.get("step") is not None)
    assert places
    assert places[0] < first
    assert any(line in text for text in summary_lines(out))
    assert line in write_report(out).read_text()
    capsys.readouterr()
    main(["inspect", str(tmp_path / "patients.csv"), "--target", "progression", "--metric", "mae"])
    assert line.partition(":")[0] in " ".join(capsys.readouterr().out.split())
