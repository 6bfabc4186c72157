"""Who goes when: the trace sub-graph, the run graph, persistence. `from gome.graph import graph` is the compiled run."""

from typing import Any


def __getattr__(name: str) -> Any:
    if name != "graph":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gome.graph.app import graph  # on first use: it loads LangGraph and pandas

    return graph
