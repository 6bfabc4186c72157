"""The compiled run graph, as `langgraph dev` and Studio load it (langgraph.json); the server brings the persistence."""

from gome.graph.run import build_graph

graph = build_graph().compile(name="gome")
