"""run.json: what a run was begun with, its task and its configuration."""

import json
from pathlib import Path
from typing import Any

from gome.state.errors import GomeError


def read_run(run_dir: Path) -> dict[str, Any]:
    """run.json of a run folder. GomeError if there is none."""
    try:
        return dict(json.loads((run_dir / "run.json").read_text()))
    except (OSError, ValueError):
        raise GomeError(f"{run_dir} is no run folder: it has no readable run.json") from None
