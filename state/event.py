"""Progress events: what a run tells whoever watches it, and what events.jsonl keeps."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from typing_extensions import TypedDict

from gome.state.parts import Verdict


class Event(TypedDict, total=False):
    """Something that happened at time `t`, `elapsed` seconds into the run; `trace` and `step` None: to the run itself.

    `phase` is the node or the part of the run that speaks. Where a step ends, the recorder adds the verdict, the
    score with its standard error, and the step's tokens and US dollars.
    """

    t: str
    trace: int | None
    step: int | None
    phase: str
    text: str
    elapsed: float
    verdict: Verdict
    hypothesis: str
    score: float
    stderr: float
    tokens: int
    usd: float


Observer = Callable[[Event], None]


def event_from_json(row: Mapping[str, Any]) -> Event:
    """The event that a line of events.jsonl holds; version 0.1 called the phase a stage."""
    known = {"phase" if name == "stage" else name: value for name, value in row.items()}
    return cast(Event, known)
