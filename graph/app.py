"""The graphs as `langgraph dev` and Studio load them (langgraph.json); the server brings the persistence."""

from gome.graph.registry import ServiceRegistry
from gome.graph.run import build_graph
from gome.graph.single_trace import build_single_trace

_registry = ServiceRegistry(locks=True)

graph = build_graph(registry=_registry).compile(name="gome")
"""The run graph: traces side by side."""

trace = build_single_trace(_registry).compile(name="trace")
"""One trace as a run of its own, which can be forked at every step."""
