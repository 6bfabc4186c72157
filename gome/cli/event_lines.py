"""An event of a run on one line, as `gome logs` and a display without a terminal show it."""

from collections.abc import Mapping
from typing import Any

from gome.formatting import one_line, score_text
from gome.scores import naive_beside
from gome.state.parts import Score

_NOISE = {("critic", "judging"), ("runner", "smoke")}


def event_line(event: Mapping[str, Any], naive: Score | None = None) -> str | None:
    """An event on one line that grep finds: '[trace 0 step 2] runner: search 2/3'. None for noise. `naive` is what the
    best constant scores."""
    phase, text = str(event.get("phase", "")), one_line(event.get("text", ""))
    if (phase, text) in _NOISE:
        return None
    where = " ".join(f"{name} {event[name]}" for name in ("trace", "step") if event.get(name) is not None)
    if "score" not in event:
        return f"[{where or 'run'}] {phase}: {text}"
    score = f"{score_text(event['score'], event.get('stderr'))}{naive_beside(naive)}"
    return f"[{where or 'run'}] {phase}: {text}; score {score}"
