"""Where checkpoints are kept: they stay few, a clock that is set back hides none, and a Postgres server can keep them."""

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Annotated, Any

import pytest
from langgraph.graph import START, StateGraph
from typing_extensions import TypedDict

from gome.cli.main import main
from gome.graph.persistence import sqlite
from gome.graph.persistence.database import go_on_after_the_last, open_persistence
from gome.tools.records.artifacts import Artifacts
from gome.tools.records.history import History
from gome.tools.records.jsonl import read_lines
from tests.openai_server import Answer, Endpoint
from tests.postgres_server import programs, server
from tests.quick import quick_model

THREAD = {"configurable": {"thread_id": "one"}, "recursion_limit": 10_000}


class Done(TypedDict):
    steps: Annotated[list[int], lambda old, new: old + new]


def counting(saver: Any, stop_after: list[str] | None = None) -> Any:
    """A graph that counts its steps for ever, or up to the given node."""
    graph = StateGraph(Done)
    graph.add_node("count", lambda state: {"steps": [len(state["steps"])]})
    graph.add_edge(START, "count")
    graph.add_conditional_edges("count", lambda state: "count" if len(state["steps"]) < 400 else "__end__")
    return graph.compile(checkpointer=saver, interrupt_after=stop_after)


def test_a_clock_that_is_set_back_hides_no_checkpoint(tmp_path: Path) -> None:
    ahead = (
        "import time, sys; now = time.time_ns; time.time_ns = lambda: now() + 400 * 86400 * 10**9\n"
        "from pathlib import Path; from tests.integration.test_checkpoints import *\n"
        "with open_persistence(Path(sys.argv[1])) as database:\n"
        "    counting(database.saver, ['count']).invoke({'steps': []}, THREAD)"
    )
    subprocess.run([sys.executable, "-c", ahead, str(tmp_path)], check=True, timeout=120)
    for steps in ([0, 1], [0, 1, 2]):
        with open_persistence(tmp_path) as database:
            go_on_after_the_last(database.saver, "one")
            assert counting(database.saver, ["count"]).invoke(None, THREAD)["steps"] == steps


def test_old_checkpoints_go_and_the_graph_goes_on(tmp_path: Path) -> None:
    with open_persistence(tmp_path) as database:
        graph = counting(database.saver)
        for done, _ in enumerate(graph.stream({"steps": []}, THREAD, durability="sync"), start=1):
            if done == 150:
                database.thin("one")
                break
        kept = list(database.saver.list(THREAD))
        assert len(kept) == sqlite.KEPT
        assert kept[0].checkpoint["id"] == graph.get_state(THREAD).config["configurable"]["checkpoint_id"]
        assert graph.invoke(None, THREAD)["steps"] == list(range(400))


def gome(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gome", *arguments]
    return subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://gome:hunter2@127.0.0.1/runs", "PGPASSWORD"),
        ("mysql://127.0.0.1/runs", "postgresql://"),
        ("postgresql://gome@127.0.0.1:9/runs", "no database answers"),
    ],
)
def test_a_url_that_is_of_no_use_is_refused_in_one_line(
    diabetes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str, said: str
) -> None:
    pytest.importorskip("psycopg", reason="needs the extra 'postgres'")
    out = tmp_path / "out"
    assert main(["run", str(diabetes), "--run-dir", str(out), "--checkpoints", url]) == 2
    errors = capsys.readouterr().err
    assert said in errors
    assert errors.count("\n") == 1
    assert "hunter2" not in errors
    assert not out.exists()


class Killed:
    """A run of one trace whose process was killed while the model was asked about its second step."""

    def __init__(self, task: Path, folder: Path, *options: str) -> None:
        self.folder, self.out = folder, folder / "out"
        model, reached, killed = quick_model(), threading.Event(), threading.Event()

        def script(messages: list[Any]) -> Answer | str:
            prompt = str(messages[-1].content)
            if "# diagnose" in prompt and '"step": 1' in prompt:
                reached.set()
                killed.wait(300)
            return str(model.invoke(messages).content)

        self.endpoint = Endpoint(script)
        self.endpoint.__enter__()
        ends = ["--traces", "1", "--steps", "3", "--folds", "2", "--finalists", "1", "--selection-seeds", "1"]
        where = ["--run-dir", "out", "--model", "openai:m", "--base-url", self.endpoint.url]
        running = gome("run", str(task), *ends, *where, *options, cwd=folder)
        assert reached.wait(300)
        running.kill()
        running.communicate()
        killed.set()

    def __enter__(self) -> "Killed":
        return self

    def __exit__(self, *_: object) -> None:
        self.endpoint.__exit__(None, None, None)

    def resume(self) -> tuple[int, str]:
        """Exit code, and what was said to the person."""
        process = gome("resume", "out", cwd=self.folder)
        _, errors = process.communicate(timeout=400)
        return process.returncode, errors

    def check(self) -> None:
        """The run is whole, and repeated nothing."""
        assert [r.step for r in History(self.out / "history.jsonl").records()] == [0, 1, 2]
        keys = [e["key"] for e in read_lines(self.out / "exchanges.jsonl")]
        assert len(keys) == len(set(keys))
        assert json.loads((self.out / "result.json").read_text())["submission_ok"]


@pytest.mark.slow
@pytest.mark.skipif(programs() is None, reason="no Postgres server is installed here (package postgresql)")
def test_a_killed_run_goes_on_from_postgres(diabetes: Path, tmp_path: Path) -> None:
    pytest.importorskip("langgraph.checkpoint.postgres", reason="needs the extra 'postgres'")
    with server() as url, Killed(diabetes, tmp_path, "--checkpoints", url) as run:
        code, said = run.resume()
        assert code == 0, said
        assert not list(run.out.glob("checkpoints.sqlite*"))
        run.check()


@pytest.mark.slow
def test_a_deleted_artifact_stops_a_run_in_one_line_until_it_is_back(diabetes: Path, tmp_path: Path) -> None:
    with Killed(diabetes, tmp_path) as run:
        first = History(run.out / "history.jsonl").records()[0]
        program = Artifacts(run.out / "artifacts").path(str(first.code))
        program.rename(tmp_path / "away")
        code, said = run.resume()
        assert code == 2
        assert [line for line in said.splitlines() if line.startswith("gome: ")] == [
            f"gome: {program} is gone: put it back from a copy of the run, then resume; until then "
            f"{run.out / 'solution' / 'submission.csv'} is the submission of the best program so far"
        ]
        assert "Traceback" not in said
        (tmp_path / "away").rename(program)
        code, said = run.resume()
        assert code == 0, said
        run.check()
