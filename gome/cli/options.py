"""Options that several commands share, made of the fields of RunConfig: what a person says of a task."""

import argparse
from typing import Any

from pydantic import ValidationError

from gome.cli import error_lines
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.state.plain import JsonObject
from gome.state.task_options import TASK_SETTINGS

_LISTS = ("drop", "keep")
_SHOWN_AS = {
    "task_file": "FILE",
    "description": "FILE",
    "train": "FILE",
    "test": "FILE",
    "sample": "FILE",
    "links_root": "FOLDER",
}
_SHOWN_AS |= {"drop": "COLUMN", "keep": "PATTERN", "id": "COLUMN", "group": "COLUMN", "time": "COLUMN"}


def add_task(parser: argparse.ArgumentParser) -> None:
    """The task, and an option for each thing that can be said of it."""
    parser.add_argument("task", help="folder, or CSV/Parquet file")
    group = parser.add_argument_group("what the task is, where its folder does not say it (docs/tasks.md)")
    for name in TASK_SETTINGS:
        text = str(RunConfig.model_fields[name].description).replace("%", "%%")
        shown = _SHOWN_AS.get(name, name.upper())
        if name == "dates":
            shown = "COLUMN=FORMAT"
            group.add_argument("--date-format", action="append", default=[], help=text, metavar=shown)
        elif name in _LISTS:
            group.add_argument(
                error_lines.option(name), dest=name, action="extend", type=names, help=text, metavar=shown
            )
        else:
            group.add_argument(error_lines.option(name), dest=name, help=text, metavar=shown)
    adapter = RunConfig.model_fields["adapter"].description
    group.add_argument(error_lines.option("adapter"), metavar="FILE", help=adapter)


def config_of(arguments: argparse.Namespace, **more: Any) -> RunConfig:
    """The configuration that the options give. GomeError, a line for each bad option."""
    given: JsonObject = {
        name: value
        for name in RunConfig.model_fields
        if (value := getattr(arguments, name, None)) is not None
    }
    dates = dict(_date_format(text) for text in arguments.date_format)
    try:
        return RunConfig(**given, dates=dates, **more)
    except ValidationError as error:
        raise error_lines.of_options(error) from None


def names(text: str) -> list[str]:
    """The names that an option lists with commas between them."""
    return [name.strip() for name in text.split(",") if name.strip()]


def _date_format(text: str) -> tuple[str, str]:
    column, _, form = text.rpartition("=")
    if not column or not form:
        raise GomeError(f'--date-format {text!r}: use COLUMN=FORMAT, e.g. "sold=%d/%m/%Y"')
    return column, form
