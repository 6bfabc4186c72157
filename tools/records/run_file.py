"""run.json: what a run was begun with, its task and its configuration."""

import json
from pathlib import Path
from typing import cast

from gome.state.errors import GomeError
from gome.state.plain import JsonObject
from gome.state.result import RunFile

_RENAMED = {"memory": "lessons"}
"""Fields of the configuration: what older versions called them, and their name now."""
_RENAMED_PARTS = {"memory": "momentum"}
"""The same of parts that are left out, in `without`."""


def read_run(run_dir: Path) -> RunFile:
    """run.json of a run folder, an older version's as this one would have written it. GomeError if there is none."""
    try:
        return as_written_now(json.loads((run_dir / "run.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise GomeError(f"{run_dir} is no run folder: it has no readable run.json") from None


def as_written_now(run: JsonObject) -> RunFile:
    """What run.json holds, with the names that this version gives to what its configuration holds."""
    config = {_RENAMED.get(name, name): value for name, value in dict(run.get("config") or {}).items()}
    if config.get("without"):
        config["without"] = [_RENAMED_PARTS.get(part, part) for part in config["without"]]
    if config.get("optimizer") == "auto":
        config["optimizer"] = "gradient"  # is gone: docs/method.md, tried and left out
    return cast(RunFile, {**run, "config": config})
