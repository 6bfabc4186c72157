"""Gome inside a parent that has a checkpointer, a store, a context and an interrupt of its own.

    python -m examples.inside_parent

The parent asks for the budget; Gome, with review="hypotheses", asks about each step. Both questions come out of the
parent, are answered there, and wait in the parent's checkpoints as long as need be.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command, interrupt
from typing_extensions import TypedDict

from examples.small import METRIC, TARGET, tidy, write_raw
from gome import RunConfig, build_graph


@dataclass
class Office:
    """The parent's own context; Gome's configuration is given to `build_graph` instead."""

    asked_by: str


class State(TypedDict, total=False):
    """`approved_by` is the parent's own; the rest is shared with Gome."""

    approved_by: str
    task: str
    run_dir: str
    result: dict


def approve(state: State, runtime: Runtime[Office]) -> State:
    """Ask a person before anything is spent."""
    return {"approved_by": interrupt({"question": f"{runtime.context.asked_by} wants a run; who approves?"})}


def file_away(state: State, runtime: Runtime[Office]) -> None:
    """Keep the result in the parent's store, beside the steps that Gome keeps there."""
    assert runtime.store is not None
    kept = {"approved_by": state["approved_by"], "steps": state["result"]["steps"]}
    runtime.store.put(("office", "runs"), Path(state["run_dir"]).name, kept)


def build(config: RunConfig, models: dict[str, BaseChatModel] | None = None) -> "StateGraph[State, Office]":
    """approve -> improve (Gome) -> file_away."""
    graph = StateGraph(State, context_schema=Office)
    graph.add_node("approve", approve)
    graph.add_node("improve", build_graph(config, models=models).compile())
    graph.add_node("file_away", file_away)
    graph.add_edge(START, "approve")
    graph.add_edge("approve", "improve")
    graph.add_edge("improve", "file_away")
    graph.add_edge("file_away", END)
    return graph


def answer_all(graph: Any, task: str, answer: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """Run to the end, every question answered by `answer`; returns the final state."""
    thread: Any = {"configurable": {"thread_id": "1"}}
    graph.invoke({"task": task}, thread, context=Office("the lab"))
    while waiting := graph.get_state(thread).interrupts:
        graph.invoke(
            Command(resume={i.id: answer(i.value) for i in waiting}), thread, context=Office("the lab")
        )
    return dict(graph.get_state(thread).values)


def main() -> None:
    """Accepts whatever is asked, and shows it."""

    def accept(question: dict[str, Any]) -> Any:
        print(question.get("question") or f"step {question['step']}: {question['hypothesis']['statement']}?")
        return "accept" if "review" in question else "the director"

    with tempfile.TemporaryDirectory() as folder:
        table = tidy(write_raw(Path(folder) / "raw.csv"), Path(folder) / "patients.csv")
        config = RunConfig(
            target=TARGET,
            metric=METRIC,
            traces=1,
            steps=2,
            finalists=1,
            review="hypotheses",
            runs_dir=f"{folder}/runs",
        )
        store = InMemoryStore()
        graph = build(config).compile(checkpointer=InMemorySaver(), store=store)
        answer_all(graph, str(table), accept)
        print(store.search(("office", "runs"))[0].value)


if __name__ == "__main__":
    main()
