"""Gome as a node: a supervisor that prepares the data before the run and writes a summary after it.

    python -m examples.supervisor [MODEL]

State keys of the same name flow in (`task`) and out (`run_dir`, `result`); nothing else of either graph is shared.
"""

import sys
import tempfile
from pathlib import Path

from langchain_core.language_models import BaseChatModel
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from examples.small import METRIC, TARGET, tidy, write_raw
from gome import RunConfig, build_graph


class State(TypedDict, total=False):
    """`raw`: path of the table as it came; `task`: of the tidy one; `run_dir`, `result`: what Gome gives back."""

    raw: str
    task: str
    run_dir: str
    result: dict
    summary: str


def prepare_data(state: State) -> State:
    """Tidy the table beside the raw one."""
    raw = Path(state["raw"])
    return {"task": str(tidy(raw, raw.with_name("tidy.csv")))}


def summarise(state: State) -> State:
    """What a person wants to know, in a sentence."""
    best, steps = state["result"]["best"], state["result"]["steps"]
    score = best["selection"]
    text = f"{METRIC} {score['value']:.1f} ± {score['stderr']:.1f} on held-back rows after {steps} steps"
    return {"summary": f"{text}; predictions: {state['result']['submission']}"}


def build(config: RunConfig, models: dict[str, BaseChatModel] | None = None) -> "StateGraph[State]":
    """prepare_data -> improve (Gome) -> summarise."""
    graph = StateGraph(State)
    graph.add_node("prepare_data", prepare_data)
    graph.add_node("improve", build_graph(config, models=models).compile())
    graph.add_node("summarise", summarise)
    graph.add_edge(START, "prepare_data")
    graph.add_edge("prepare_data", "improve")
    graph.add_edge("improve", "summarise")
    graph.add_edge("summarise", END)
    return graph


def main(model: str = "offline") -> None:
    """Two steps of one trace, in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        raw = write_raw(Path(folder) / "raw.csv")
        config = RunConfig(
            model=model,
            target=TARGET,
            metric=METRIC,
            traces=1,
            steps=2,
            finalists=1,
            runs_dir=f"{folder}/runs",
        )
        print(build(config).compile().invoke({"raw": str(raw)})["summary"])


if __name__ == "__main__":
    main(*sys.argv[1:2])
