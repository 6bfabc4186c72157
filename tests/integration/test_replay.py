"""Runs played by hand through a model endpoint, played again from their recorded exchanges: no model, same steps."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from gome import driver
from gome.run_folder import RunFolder
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from tests.real_tasks import write_breast_cancer, write_diabetes

RECORDINGS = Path(__file__).parents[1] / "recordings"
PLAYED = RECORDINGS.parents[1] / "benchmarks" / "played" / "recordings"
EXAMPLES = RECORDINGS.parents[1] / "examples"


def play(
    task: Path, run_dir: Path, model: str, *, traces: int = 1, steps: int = 1, folds: int = 2
) -> list[dict]:
    """The steps of the run, by trace and step."""
    config = RunConfig(
        run_dir=str(run_dir),
        model=model,
        traces=traces,
        steps=steps,
        folds=folds,
        finalists=1,
        selection_seeds=1,
    )
    driver.drive(driver.prepare(str(task), config), lambda event: None)
    steps_done = [json.loads(line) for line in (run_dir / "history.jsonl").open()]
    return sorted(steps_done, key=lambda r: (r["trace"], r["step"]))


def test_a_recorded_run_makes_the_same_steps(tmp_path: Path) -> None:
    """Three steps are recorded."""
    task = write_diabetes(tmp_path / "diabetes", test_size=0.3)
    records = play(task, tmp_path / "run", f"replay:{RECORDINGS / 'diabetes.jsonl'}", steps=4)
    assert [r["verdict"] for r in records] == ["accepted", "rejected", "accepted", "failed"]
    assert "holds no reply" in records[3]["reason"]
    assert records[2]["comparison"]["gain"] > 0
    assert (tmp_path / "run" / "solution" / "submission.csv").is_file()


def write_tables(folder: Path, table: pd.DataFrame, target: str, constant: float) -> Path:
    """Train and test out of one table, in which the target of test rows is empty."""
    train, test = table[table[target] != ""], table[table[target] == ""].drop(columns=target)
    train.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    test[["id"]].assign(**{target: constant}).to_csv(folder / "sample_submission.csv", index=False)
    return folder


def read_recorded(name: str) -> pd.DataFrame:
    return pd.read_csv(RECORDINGS / name, dtype=str, keep_default_na=False)


def write_spam(folder: Path) -> Path:
    """The example task `spam` in little: 500 messages, their beginnings."""
    shutil.copytree(EXAMPLES / "spam", folder)
    return write_tables(folder, read_recorded("spam.csv.xz"), "spam", 0.5)


def write_sacramento(folder: Path) -> Path:
    """Sold homes, the first 160 that are labelled and 40 that are not; played were all 640 and 292."""
    folder.mkdir()
    table = read_recorded("sacramento.csv.xz")
    labelled = table.price != ""
    (folder / "description.md").write_text("Predict the price of homes.\n")
    (folder / "task.yaml").write_text(
        "name: sacramento\nproblem: regression\nmetric: rmsle\nid: id\ntarget: price\n"
    )
    return write_tables(folder, pd.concat([table[labelled][:160], table[~labelled][:40]]), "price", 200_000)


def test_a_run_with_probes_and_trials_is_played_again_without_a_model(tmp_path: Path) -> None:
    """The first of its four steps: three probes and a trial."""
    recording = PLAYED / "spam-probes-4.jsonl"
    records = play(write_spam(tmp_path / "spam"), tmp_path / "run", f"replay:{recording}")
    assert all(r["verdict"] in ("accepted", "rejected") for r in records)
    recorded = [json.loads(line) for line in recording.open()]
    for record in records:
        turns = [e for e in recorded if e["key"].startswith(f"0:{record['step']}:")]
        assert len(record["probes"]) == sum("```probe" in e["reply"] for e in turns) > 0
        assert len(record["trials"]) == sum("```try" in e["reply"] for e in turns)
        assert all("Traceback" not in probe["output"] for probe in record["probes"])
    assert (tmp_path / "run" / "exchanges.jsonl").read_bytes() == recording.read_bytes()


def test_two_traces_with_native_calls_take_from_each_other(tmp_path: Path) -> None:
    """The first two steps of each: five probes, of which two and two were called at once, two trials, and parts of the
    program that the other trace had written."""
    recording = PLAYED / "sacramento-probes-4.jsonl"
    task, out = write_sacramento(tmp_path / "sacramento"), tmp_path / "run"
    records = play(task, out, f"replay:{recording}", traces=2, steps=2)
    recorded = [json.loads(line) for line in recording.open()]
    done = {(r["trace"], r["step"]): r for r in records}
    assert sorted(done) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    for (trace, step), record in done.items():
        assert record["verdict"] in ("accepted", "rejected")
        exchanges = [e for e in recorded if e["key"].startswith(f"{trace}:{step}:")]
        made = [call["name"] for e in exchanges for call in e.get("calls", [])]
        assert [len(record["probes"]), len(record["trials"])] == [made.count("probe"), made.count("try")]
        assert all("Traceback" not in ran["output"] for ran in (*record["probes"], *record["trials"]))
    assert [len(done[0, step]["probes"]) for step in (0, 1)] == [3, 2]
    artifacts = RunFolder.read(out).artifacts
    for trace, taken in enumerate(["def forest(", "def process("]):
        before, after = (artifacts.get_text(done[trace, step]["code"]) for step in (0, 1))
        assert taken in after
        assert taken not in before
    assert (
        done[0, 1]["takes_from"] == "1:0"
    )  # the other trace runs no probes, and is ahead of its lender here
    assert (out / "exchanges.jsonl").read_bytes() == recording.read_bytes()


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    task = write_breast_cancer(tmp_path / "cancer")
    with pytest.raises(GomeError, match="holds no recorded exchanges"):
        play(task, tmp_path / "run", f"replay:{task}")
