"""Pictures of the compiled graphs: nodes in a row, a line to the next one, arcs above to later ones, below to earlier."""

from html import escape

from langchain_core.runnables.graph import Graph

STEP, WIDTH, HEIGHT = 128, 100, 36
"""Distance of two nodes, and the size of one, in pixels."""
ENDS = {"__start__": "start", "__end__": "end"}


def graphs() -> dict[str, Graph]:
    """The two graphs as LangGraph sees them."""
    from gome.graph.registry import ServiceRegistry
    from gome.graph.run import build_graph
    from gome.graph.trace import build_trace

    trace = build_trace(ServiceRegistry())
    return {"run": build_graph().compile().get_graph(), "trace": trace.compile().get_graph()}


def svg(graph: Graph) -> str:
    """The picture of a graph. Edges that end the graph early are faint."""
    place = {name: i for i, name in enumerate(sorted(graph.nodes, key=_last))}
    spans = [place[e.target] - place[e.source] for e in graph.edges]
    above, below = _rise(max(spans)), _rise(-min([*spans, 0]))
    middle, width = above + HEIGHT / 2 + 8, STEP * (len(place) - 1) + WIDTH + 8
    edges = "".join(
        _edge(place[e.source], place[e.target], middle, e.target == "__end__") for e in graph.edges
    )
    nodes = "".join(_node(name, i, middle) for name, i in place.items())
    size = f'viewBox="0 0 {width} {middle + HEIGHT / 2 + below + 8:.0f}" style="max-width: {width}px"'
    head = '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    arrow = f'<defs>{head}<path d="M0 0 8 4 0 8z"/></marker></defs>'
    return f'<svg class="drawing" role="img" {size} xmlns="http://www.w3.org/2000/svg">{arrow}{edges}{nodes}</svg>'


def _last(name: str) -> bool:
    return name == "__end__"


def _rise(span: int) -> float:
    """How far an arc over so many nodes leaves the row."""
    return 22 + 15 * span if span > 0 else 0


def _node(name: str, i: int, middle: float) -> str:
    x, kind = 4 + STEP * i, "end" if name in ENDS else "node"
    box = f'<rect x="{x}" y="{middle - HEIGHT / 2}" width="{WIDTH}" height="{HEIGHT}" rx="8" class="{kind}"/>'
    label = escape(ENDS.get(name, name))
    return f'{box}<text x="{x + WIDTH / 2}" y="{middle + 5}" text-anchor="middle">{label}</text>'


def _edge(source: int, target: int, middle: float, ends: bool) -> str:
    span, half = target - source, HEIGHT / 2
    kind = ' class="faint"' if ends and span > 1 else ""
    start, stop = 4 + STEP * source + WIDTH / 2, 4 + STEP * target + WIDTH / 2
    if span == 1:
        path = f"M{start + WIDTH / 2} {middle} L{stop - WIDTH / 2} {middle}"
    else:
        side = -1 if span > 0 else 1
        edge, shift = middle + side * half, 12 * (1 if span > 0 else -1)
        peak = edge + side * _rise(abs(span)) * 4 / 3
        path = f"M{start + shift} {edge} C{start + shift} {peak} {stop - shift} {peak} {stop - shift} {edge}"
    return f'<path d="{path}"{kind} marker-end="url(#head)"/>'
