"""Runs played by hand through a model endpoint, played again from their recorded exchanges: no model, same steps."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from gome import driver
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from tests.real_tasks import write_breast_cancer, write_diabetes, write_digits

RECORDINGS = Path(__file__).parents[1] / "recordings"


def play(task: Path, run_dir: Path, model: str, *, traces: int = 1, steps: int = 1) -> list[dict]:
    """The steps of the run, by trace and step."""
    config = RunConfig(
        run_dir=str(run_dir), model=model, traces=traces, steps=steps, finalists=1, selection_seeds=1
    )
    driver.drive(driver.prepare(str(task), config), lambda event: None)
    steps_done = [json.loads(line) for line in (run_dir / "history.jsonl").open()]
    return sorted(steps_done, key=lambda r: (r["trace"], r["step"]))


@pytest.mark.parametrize(
    ("name", "write", "traces", "steps", "verdicts"),
    [
        # Three steps are recorded.
        (
            "diabetes",
            partial(write_diabetes, test_size=0.3),
            1,
            4,
            ["accepted", "rejected", "accepted", "failed"],
        ),
        ("digits", write_digits, 2, 2, ["accepted", "accepted", "accepted", "accepted"]),
    ],
)
def test_a_recorded_run_makes_the_same_steps(
    tmp_path: Path, name: str, write: Callable[[Path], Path], traces: int, steps: int, verdicts: list[str]
) -> None:
    model = f"replay:{RECORDINGS / name}.jsonl"
    records = play(write(tmp_path / name), tmp_path / "run", model, traces=traces, steps=steps)
    assert [r["verdict"] for r in records] == verdicts
    assert all("holds no reply" in r["reason"] for r in records if r["verdict"] == "failed")
    gains = [r["comparison"]["gain"] for r in records if r["step"] and r["verdict"] == "accepted"]
    assert min(gains) > 0
    assert (tmp_path / "run" / "solution" / "submission.csv").is_file()


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    task = write_breast_cancer(tmp_path / "cancer")
    with pytest.raises(GomeError, match="holds no recorded exchanges"):
        play(task, tmp_path / "run", f"replay:{task}")
