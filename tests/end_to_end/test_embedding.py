"""Gome inside other graphs: the examples of docs/embedding.md, run with a scripted model and real programs."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.store.memory import InMemoryStore
from typing_extensions import TypedDict

from examples import inside_parent, side_by_side, supervisor
from examples.small import METRIC, TARGET, tidy, write_raw
from gome import GomeError, RunConfig, as_tool, build_graph
from gome.tools.records.history import History
from gome.tools.records.journal import Journal
from gome.tools.records.jsonl import read_lines
from tests.quick import quick_model
from tests.scripted import ScriptedModel

pytestmark = pytest.mark.slow
ROLES = ("researcher", "coder", "critic")


def config(tmp_path: Path, **options: Any) -> RunConfig:
    small = {"traces": 1, "steps": 2, "folds": 2, "selection_seeds": 1, "finalists": 1, "slots": 1}
    where = {"target": TARGET, "metric": METRIC, "runs_dir": str(tmp_path / "runs")}
    return RunConfig(**{**where, **small, **options})


def roles(model: ScriptedModel) -> dict[str, Any]:
    return dict.fromkeys(ROLES, model)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tidy(write_raw(tmp_path / "raw.csv"), tmp_path / "tidy.csv")


def test_node_of_a_supervisor(tmp_path: Path) -> None:
    raw = write_raw(tmp_path / "raw.csv")
    graph = supervisor.build(config(tmp_path), roles(quick_model())).compile()
    events, state = [], {}
    for namespace, mode, part in graph.stream(
        {"raw": str(raw)}, stream_mode=["custom", "values"], subgraphs=True
    ):
        if mode == "custom":
            events.append((part["phase"], namespace))
        elif not namespace:
            state = part
    assert state["summary"].startswith("rmse ")
    assert "after 2 steps" in state["summary"]
    assert set(state) == {"raw", "task", "run_dir", "result", "summary"}, "nothing else flows out"
    assert {"prepare", "researcher", "runner", "critic", "select"} <= {phase for phase, _ in events}
    assert all(namespace[0].startswith("improve:") for _, namespace in events)


def test_tool_of_an_agent(tmp_path: Path, table: Path) -> None:
    agent_tool = pytest.importorskip("examples.agent_tool", reason="needs langchain", exc_type=ImportError)
    arguments = {"task": str(table), "target": TARGET, "metric": METRIC}
    bare = config(tmp_path, target=None, metric=None)
    agent = agent_tool.build(agent_tool.StandIn(arguments=arguments), bare, models=roles(quick_model()))
    asked = {"messages": [("user", "how well?")]}
    told = list(agent.stream(asked, stream_mode=["custom", "values"]))
    phases = {event["phase"] for mode, event in told if mode == "custom"}
    assert {"prepare", "researcher", "runner", "critic", "select"} <= phases
    messages = told[-1][1]["messages"]
    result = messages[-2].artifact["result"]
    assert result["steps"] == 2
    assert Path(result["submission"]).is_file()
    assert result["submission"] in messages[-1].text
    lost = agent_tool.build(agent_tool.StandIn(arguments={"task": str(tmp_path / "gone.csv")}), bare)
    assert "gone.csv: no such file" in lost.invoke({"messages": [("user", "?")]})["messages"][-1].text
    with pytest.raises(GomeError, match="leave run_dir empty"):
        as_tool(RunConfig(run_dir="one"))


def test_twelve_runs_side_by_side(tmp_path: Path, table: Path) -> None:
    """Budgets differ by call: three take one, two or three steps, and every fourth has tokens for one question only."""
    configs = [config(tmp_path, steps=i % 4 or 4, max_tokens=None if i % 4 else 1, seed=i) for i in range(12)]
    graph = build_graph(models=roles(quick_model())).compile(store=InMemoryStore())
    outputs = asyncio.run(side_by_side.run_all(graph, str(table), configs))
    assert len({output["run_dir"] for output in outputs}) == 12
    for given, output in zip(configs, outputs, strict=True):
        run_dir = Path(output["run_dir"])
        steps = 0 if given.max_tokens else given.steps
        records = History(run_dir / "history.jsonl").records()
        assert [r.step for r in records] == list(range(steps))
        ties = sum(r.tie for r in records)
        assert Journal(run_dir / "exchanges.jsonl").usage()["calls"] == (3 * steps + ties or 1)
        assert {e["trace"] for e in read_lines(run_dir / "events.jsonl")} <= {None, 0}
        assert (output["result"]["best"] is None) == (steps == 0)


def test_memories_of_runs_in_one_store_stay_apart(tmp_path: Path, table: Path) -> None:
    """Two runs in folders of the same name, sharing a store: neither sees what the other tried."""
    model, store = quick_model(), InMemoryStore()
    graph = build_graph(models=roles(model)).compile(store=store)
    for parent in ("a", "b"):
        out = str(tmp_path / parent / "same")
        graph.invoke({"task": str(table)}, context=config(tmp_path, run_dir=out, steps=1))
    momentum = [n for n in store.list_namespaces(prefix=("gome",)) if n[-1] == "momentum"]
    assert len(momentum) == 2
    assert all(len(store.search(namespace)) == 1 for namespace in momentum)


def test_inside_a_parent_with_its_own_persistence(tmp_path: Path, table: Path) -> None:
    asked: list[dict[str, Any]] = []

    def answer(question: dict[str, Any]) -> Any:
        asked.append(question)
        if "review" not in question:
            return "the director"
        return "accept" if question["step"] == 0 else {"action": "reject", "reason": "dear"}

    store = InMemoryStore()
    parent = inside_parent.build(config(tmp_path, review="hypotheses"), roles(quick_model()))
    graph = parent.compile(checkpointer=InMemorySaver(), store=store)
    state = inside_parent.answer_all(graph, str(table), answer)
    assert [q.get("step") for q in asked] == [None, 0, 1]
    assert state["approved_by"] == "the director"
    filed = store.search(("office", "runs"))
    assert [row.value for row in filed] == [{"approved_by": "the director", "steps": 2}]
    records = History(Path(state["run_dir"]) / "history.jsonl").records()
    assert [r.verdict for r in records] == ["accepted", "rejected"]
    assert records[1].reviews[0]["reason"] == "dear"
    assert len([n for n in store.list_namespaces(prefix=("gome",)) if n[-1] == "momentum"]) == 1


def test_a_foreign_context_is_refused_in_one_line(table: Path) -> None:
    class State(TypedDict):
        task: str

    graph = StateGraph(State, context_schema=inside_parent.Office)
    graph.add_node("improve", build_graph().compile())
    graph.add_edge(START, "improve")
    graph.add_edge("improve", END)
    with pytest.raises(GomeError, match="the context is a Office: give build_graph"):
        graph.compile().invoke({"task": str(table)}, context=inside_parent.Office("me"))


def test_a_folder_holds_one_run(tmp_path: Path, table: Path, diabetes: Path) -> None:
    given = config(tmp_path, run_dir=str(tmp_path / "out"), steps=1)
    graph = build_graph(models=roles(quick_model())).compile()
    graph.invoke({"task": str(table)}, context=given)
    with pytest.raises(GomeError, match="name another folder"):
        graph.invoke({"task": str(diabetes)}, context=given)


def test_import_gome_loads_nothing_heavy() -> None:
    code = (
        "import sys, gome; heavy = {'langgraph', 'pandas', 'langchain_core', 'sklearn'} & set(sys.modules); "
        "assert not heavy, heavy; assert set(gome.__all__) <= set(dir(gome)); "
        "print([getattr(gome, n).__name__ for n in gome.__all__]); from gome.graph import graph; print(graph.name)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "['GomeClassifier', 'GomeError', 'GomeRegressor', 'Run', 'RunConfig', 'afit', 'as_tool', 'build_graph', "
        "'build_trace', 'fit', 'load']",
        "gome",
    ]
