"""The Python face: one run that is cancelled, interrupted, finished, asked everything, and taken away."""

import asyncio
import os
import pickle
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes

import gome
from gome.state.event import Event
from tests.quick import program_for, quick_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    frame = load_diabetes(as_frame=True).frame.rename(columns={"target": "progression"})
    rows = range(len(frame))
    frame = frame.assign(
        ward=[f"{n % 9:03d}" for n in rows],
        side=pd.Categorical(["left", "right"])[[n % 2 for n in rows]],
        seen=pd.Timestamp("2024-01-01") + pd.to_timedelta(rows, unit="D"),
    )
    return frame.set_index(pd.Index([f"patient {i}" for i in range(len(frame))]))


TYPED = """
for seen in (train, test):
    assert {r["ward"] for r in seen} <= {f"{n:03d}" for n in range(9)}, seen[0]
    assert seen[0]["seen"].year in (2024, 2025), seen[0]
kinds = [str(parquet.read_schema(f"input/{name}.parquet").field("side").type)[:10] for name in ("train", "test")]
assert kinds == ["dictionary"] * 2, kinds
"""


def models() -> dict[str, Any]:
    """A program that ends in an error where columns are not of the type that they had in the DataFrame."""
    model = quick_model(draft=lambda facts: f"```python\n{program_for(facts['task'])}{TYPED}```")
    return dict.fromkeys(("researcher", "coder", "critic"), model)


def graded(event: Event) -> bool:
    return event["phase"] == "runner" and "search" in event["text"]


async def cancelled(table: pd.DataFrame, settings: dict[str, Any]) -> None:
    """A fit whose task is cancelled at its first graded program."""
    loop, begun = asyncio.get_running_loop(), asyncio.Event()

    def watch(event: Event) -> None:
        if graded(event):
            loop.call_soon_threadsafe(begun.set)

    task = asyncio.create_task(gome.afit(table, "progression", progress=watch, models=models(), **settings))
    await asyncio.wait_for(begun.wait(), 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_run_from_python(table: pd.DataFrame, tmp_path: Path) -> None:
    settings = {
        "metric": "rmse",
        "traces": 1,
        "steps": 3,
        "finalists": 1,
        "folds": 2,
        "selection_seeds": 1,
        "run_dir": str(tmp_path / "run"),
        "runs_dir": str(tmp_path),
    }
    asyncio.run(cancelled(table, settings))
    run = gome.load(tmp_path / "run")
    assert run.state == "stopped"
    assert run.summary["evaluations"] == 1  # the program in flight was finished

    def interrupt(event: Event) -> None:
        if graded(event):
            os.kill(os.getpid(), signal.SIGINT)

    assert run.resume(progress=interrupt, models=models()).state == "stopped"
    assert asyncio.run(run.aresume(progress=False, models=models())).state == "finished"
    board = run.leaderboard()
    assert sorted(board["id"]) == ["0:0", "0:1", "0:2", "naive"]
    assert board["search"].is_monotonic_increasing  # rmse
    assert board["weight"].sum() == 1
    assert run.score is not None
    assert run.score.part == "test"  # rows kept aside of one table
    known = table.sample(50, random_state=0)
    predicted = run.predict(known, progress=False)
    assert list(predicted.index) == list(known.index)
    rmse = float(np.sqrt(np.mean((predicted - known["progression"]) ** 2)))
    assert float(run.evaluate(known, progress=False)) == pytest.approx(rmse)  # type: ignore[arg-type]
    assert asyncio.run(run.apredict(known.drop(columns="progression"), progress=False)).equals(predicted)
    again = pickle.loads(pickle.dumps(run))
    assert again.score == run.score
    assert "0:2" in run.explain()
    assert "columns1_in_trace0" in run.explain("0:0")
    assert "<iframe" in run.report()._repr_html_()
    assert "rmse" in run._repr_html_()
    assert (run.export(tmp_path / "out", progress=False) / "predict.py").is_file()


def test_what_is_wrong_is_said_in_the_words_of_python(table: pd.DataFrame, tmp_path: Path) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"target": "progress"}, "no target column 'progress'; nearest: progression"),
        ({"target": "progression", "trases": 2}, "there is no setting 'trases'; nearest: traces"),
        ({"target": "progression", "steps": 0}, "steps: Input should be greater than or equal to 1"),
        ({"target": "progression", "time_limit": -1}, "time_limit_s: "),
    ]
    for given, line in wrong:
        with pytest.raises(gome.GomeError, match=line.replace("(", r"\(")):
            gome.fit(table, metric="rmse", runs_dir=str(tmp_path), **given)
    with pytest.raises(gome.GomeError, match="is no run folder"):
        gome.load(tmp_path)
