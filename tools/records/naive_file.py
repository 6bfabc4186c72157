"""naive.json: what the best constant prediction scores, read and told without any table."""

import json
from pathlib import Path
from typing import cast

from gome.state.result import Naive
from gome.tools.records.jsonl import write_json
from gome.tools.wording import score_text

_NAME = "naive.json"


def write_naive(run_dir: Path, naive: Naive) -> None:
    """Write the file, whole or not at all."""
    write_json(run_dir / _NAME, naive)


def read_naive(run_dir: Path) -> Naive:
    """The file's content; {} for a run that has none."""
    try:
        found = json.loads((run_dir / _NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return cast(Naive, found) if isinstance(found, dict) else {}


def naive_line(metric: str, naive: Naive) -> str:
    """'rmse 77.1 ± 2.3 (the mean for every row)', or why there is no such score."""
    found = naive.get("search")
    if not found:
        return f"no constant prediction has a score: {naive.get('why') or 'none was tried'}"
    score = score_text(found["value"], found["stderr"])
    return f"{metric} {score} (a constant prediction: {naive.get('what')})"
