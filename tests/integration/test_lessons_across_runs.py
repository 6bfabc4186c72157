"""--lessons FILE: what one run learned is recalled by the next; without it the world is closed."""

import json
from pathlib import Path

import pytest

from gome.cli.main import main
from gome.graph.run import build_graph
from gome.graph.run_layout import prepare_run
from gome.report.page import write_report
from gome.state.config import RunConfig
from tests.quick import quick_model
from tests.scripted import ScriptedModel, call_of, facts_of


def play(task: Path, out: Path, **options: object) -> ScriptedModel:
    model = quick_model()
    config = RunConfig(run_dir=str(out), traces=1, steps=2, folds=2, selection_seeds=1, **options)  # type: ignore[arg-type]
    graph = build_graph(models=dict.fromkeys(("researcher", "coder", "critic"), model))
    graph.compile().invoke({"task": str(task)}, context=config)
    return model


def test_the_next_run_recalls_what_the_first_one_learned(diabetes: Path, tmp_path: Path) -> None:
    file = tmp_path / "lessons.jsonl"
    play(diabetes, tmp_path / "one", lessons=str(file))
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [r["id"].split("/")[1] for r in rows] == ["0:0", "0:1"]
    model = play(diabetes, tmp_path / "two", lessons=str(file))
    first = next(m for m in model.calls if call_of(m) == "choose")
    assert {e["run"] for e in facts_of(first)["momentum"]} == {rows[0]["run"]}
    assert "of earlier runs" in str(first[-1].content)
    assert len(file.read_text().splitlines()) == 4
    page = write_report(tmp_path / "two").read_text()
    assert "2 steps of 1 earlier runs" in page
    assert "earlier run" in page


def test_a_run_that_an_older_version_laid_out_goes_on(diabetes: Path, tmp_path: Path) -> None:
    """Versions before 0.2 called the file of lessons the memory, in run.json too."""
    file, out = tmp_path / "lessons.jsonl", tmp_path / "one"
    settings = {"traces": 1, "steps": 2, "selection_seeds": 1}
    prepare_run(str(diabetes), RunConfig(run_dir=str(out), lessons=str(file), **settings))  # type: ignore[arg-type]
    run = json.loads((out / "run.json").read_text())
    run["config"]["memory"] = run["config"].pop("lessons")
    (out / "run.json").write_text(json.dumps(run))
    play(diabetes, out)
    assert len(file.read_text().splitlines()) == 2
    assert "0 steps of 0 earlier runs" in write_report(out).read_text()


def test_the_old_spelling_of_the_option_is_gone(diabetes: Path, tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SystemExit):
        main(["run", str(diabetes), "--memory", str(tmp_path / "file"), "--run-dir", str(tmp_path / "out")])
    assert "unrecognized arguments: --memory" in capsys.readouterr().err


def test_without_a_file_the_world_is_closed(diabetes: Path, tmp_path: Path) -> None:
    model = play(diabetes, tmp_path / "one")
    first = next(m for m in model.calls if call_of(m) == "choose")
    assert facts_of(first)["momentum"] == []
    assert "closed world: nothing of earlier runs was known" in write_report(tmp_path / "one").read_text()


def test_a_wrong_file_is_one_clear_line(diabetes: Path, tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "notes.txt"
    file.write_text("buy milk\n")
    assert main(["run", str(diabetes), "--lessons", str(file), "--run-dir", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err.strip()
    assert "notes.txt, line 1" in said
    assert "\n" not in said
    assert not (tmp_path / "out").exists()
