"""The graphs as `langgraph dev` and Studio load them (langgraph.json); the server brings the persistence."""

from gome.graph.lone import build_lone_trace
from gome.graph.run import build_graph
from gome.graph.workshop import Workshop

_workshop = Workshop(locks=True)

graph = build_graph(workshop=_workshop).compile(name="gome")
"""The run graph: traces side by side."""

trace = build_lone_trace(_workshop).compile(name="trace")
"""One trace as a run of its own, which can be forked at every step."""
