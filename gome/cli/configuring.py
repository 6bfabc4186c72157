"""gome config: the settings that a run would have here, and where each came from."""

import argparse
import json
import os
from typing import Any

from gome.cli import options
from gome.cli.columns import columns
from gome.formatting import one_line
from gome.state.plain import JsonObject
from gome.tools.secrets import masked


def config_options(parser: argparse.ArgumentParser) -> None:
    """All settings, as `gome run` takes them, and the form of the answer."""
    options.add_task_settings(parser)
    options.add_run_settings(parser)
    parser.add_argument("--json", action="store_true", help="as one JSON object: name -> value, from")


def config(arguments: argparse.Namespace) -> int:
    """Print each setting with its value and its origin."""
    found = _settings(options.given_by(arguments))
    if arguments.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        rows = [(name, _text(row["value"]), row["from"]) for name, row in found.items()]
        print(*columns(("setting", "value", "from"), rows), sep="\n")
    return 0


def _settings(given: options.Given) -> JsonObject:
    values = given.config.model_dump(mode="json")
    rows = {
        name: {"value": value, "from": given.origins.get(name, "default")} for name, value in values.items()
    }
    if given.origins.get("base_url") == options.BASE_URL:
        rows["base_url"]["value"] = masked(os.environ[options.BASE_URL])
    return rows


def _text(value: Any) -> str:
    if value in (None, "", [], {}):
        return "none"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{k}={v}" for k, v in value.items())
    return one_line(value, 60)
