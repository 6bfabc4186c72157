"""The lineage of the programs as a drawing: which program was made of which, over all traces, merges and restarts too.

A trace is a lane, a step a column: accepted programs lie on the lane's line, what was rejected or failed hangs below it.
Pixels, origin at the top left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gome.formatting import score_only
from gome.report.charts import TONES, mark_kind, mark_title
from gome.state.result import Best
from gome.state.step import StepRecord
from gome.tools.records.ancestry import parents

SHOWN_STEPS = 240
"""Columns at most; of a longer run the last ones are drawn."""
_LANE, _BELOW, _TOP, _LEFT, _RIGHT = 64, 24, 34, 76, 96
_NARROW, _BROAD, _BROAD_STEPS = 26, 64, 24


@dataclass(frozen=True)
class Node:
    """A step; `value` is the score of an accepted one where there is room for it, '' elsewhere."""

    id: str
    x: float
    y: float
    kind: str
    tone: int
    title: str
    anchor: str = ""
    value: str = ""


@dataclass
class Lineage:
    """The drawing: `edges` are (class, tone, path), `lanes` (y, tone, name), `ticks` (x, step)."""

    width: int
    height: int
    description: str
    nodes: list[Node] = field(default_factory=list)
    edges: list[tuple[str, int, str]] = field(default_factory=list)
    lanes: list[tuple[float, int, str]] = field(default_factory=list)
    ticks: list[tuple[float, str]] = field(default_factory=list)
    hidden: int = 0


def lineage(records: Sequence[StepRecord], best: Best | None) -> Lineage | None:
    """The programs of `records` and where each came from; None if there is no more than one step."""
    if len(records) < 2:
        return None
    steps = sorted({r.step for r in records})
    shown = steps[-SHOWN_STEPS:]
    rows = [r for r in records if r.step >= shown[0]]
    traces = sorted({r.trace for r in rows})
    wide = _BROAD if len(shown) <= _BROAD_STEPS else _NARROW
    drawn = Lineage(
        width=_LEFT + wide * (len(shown) - 1) + _RIGHT,
        height=_TOP + _LANE * len(traces) + _BELOW,
        description=_description(records, best),
        hidden=steps.index(shown[0]),
    )
    drawn.lanes = [(_TOP + _LANE * i, t % TONES, f"trace {t}") for i, t in enumerate(traces)]
    every = 1 if wide == _BROAD else 5
    drawn.ticks = [(_LEFT + wide * i, str(s)) for i, s in enumerate(shown) if i % every == 0]
    nodes = {
        r.id: _node(r, _LEFT + wide * shown.index(r.step), drawn.lanes[traces.index(r.trace)][0], wide)
        for r in rows
    }
    drawn.nodes = list(nodes.values())
    for parent, record, merged in _links(records):
        if parent.id in nodes and record.id in nodes:
            line = "merge" if merged else "kept" if record.accepted else "tried"
            drawn.edges.append((line, record.trace % TONES, _curve(nodes[parent.id], nodes[record.id])))
    _add_ensemble(drawn, nodes, best)
    return drawn


def _node(record: StepRecord, x: float, lane: float, wide: int) -> Node:
    score = record.score
    return Node(
        id=record.id,
        x=x,
        y=lane if record.accepted else lane + _BELOW,
        kind=mark_kind(record),
        tone=record.trace % TONES,
        title=mark_title(record),
        anchor=f"step-{record.trace}-{record.step}",
        value=score_only(score["value"], score["stderr"])
        if score and record.accepted and wide == _BROAD
        else "",
    )


def _links(records: Sequence[StepRecord]) -> list[tuple[StepRecord, StepRecord, bool]]:
    """(parent, step, whether a second parent was merged in) for each step that was made of another."""
    made_of, by_id = parents(records), {r.id: r for r in records}
    links = []
    for record in records:
        parent, source = made_of.get(record.id), by_id.get(record.source or "")
        if parent:
            links.append((parent, record, False))
        if source and source is not parent:
            links.append((source, record, True))
    return links


def _curve(parent: Node, child: Node) -> str:
    """A path that leaves its parent, and reaches its child, level."""
    middle = (parent.x + child.x) / 2
    return f"M{parent.x} {parent.y}C{middle} {parent.y} {middle} {child.y} {child.x} {child.y}"


def _add_ensemble(drawn: Lineage, nodes: Mapping[str, Node], best: Best | None) -> None:
    """The ensemble at the right, joined to its members."""
    if not best or best.get("kind") != "ensemble":
        return
    members = [nodes[m["id"]] for m in best["members"] if m["id"] in nodes]
    search = best.get("search")
    value = score_only(search["value"], search["stderr"]) if search else ""
    y = sum(m.y for m in members) / len(members) if members else _TOP
    end = Node(
        "ensemble", drawn.width - _RIGHT / 2, y, "ensemble", 0, f"ensemble: {value}", "selection", value
    )
    drawn.edges += [("merge", m.tone, _curve(m, end)) for m in members]
    drawn.nodes.append(end)


def _description(records: Sequence[StepRecord], best: Best | None) -> str:
    traces = len({r.trace for r in records})
    merges = sum(r.kind == "merge" for r in records)
    said = f"{len(records)} steps of {traces} {'trace' if traces == 1 else 'traces'}, {merges} merged from a sibling"
    members = [m["id"] for m in best["members"]] if best and best.get("kind") == "ensemble" else []
    return f"{said}; the ensemble is made of {', '.join(members)}" if members else said
