"""naive.json: what the best constant prediction scores, read and told without any table."""

import json
from pathlib import Path
from typing import Any

from typing_extensions import TypedDict

from gome.state.parts import Score
from gome.tools.records.jsonl import write_json
from gome.tools.wording import score_text

_NAME = "naive.json"


class Naive(TypedDict):
    """The best constant in words, its scores on the search and the selection part, and, where it has none, why."""

    what: str
    search: Score | None
    selection: Score | None
    why: str


def write_naive(run_dir: Path, naive: Naive) -> None:
    """Write the file, whole or not at all."""
    write_json(run_dir / _NAME, naive)


def read_naive(run_dir: Path) -> dict[str, Any]:
    """The file's content; {} for a run that has none."""
    try:
        found = json.loads((run_dir / _NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def naive_line(metric: str, naive: dict[str, Any]) -> str:
    """'rmse 77.1 ± 2.3 (the mean for every row)', or why there is no such score."""
    found = naive.get("search") or {}
    if not found:
        return f"no constant prediction has a score: {naive.get('why') or 'none was tried'}"
    score = score_text(found.get("value"), found.get("stderr"))
    return f"{metric} {score} (a constant prediction: {naive.get('what')})"
