"""Progress events: what a run tells whoever watches it, and what events.jsonl keeps."""

from collections.abc import Callable

from typing_extensions import TypedDict

from gome.state.parts import Verdict


class Event(TypedDict, total=False):
    """Something that happened at time `t`, `elapsed` seconds into the run; `trace` and `step` None: to the run itself.

    Where a step ends, the recorder adds the verdict, the score with its standard error, and the step's tokens.
    """

    t: str
    trace: int | None
    step: int | None
    stage: str
    text: str
    elapsed: float
    verdict: Verdict
    hypothesis: str
    score: float
    stderr: float
    tokens: int


Observer = Callable[[Event], None]
