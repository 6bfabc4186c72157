"""Options that several commands share, made of the fields of RunConfig, and the configuration that they give."""

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from gome.cli import error_lines
from gome.cli.settings_file import SETTINGS_FILE, read_settings
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.state.plain import JsonObject
from gome.state.task_options import TASK_SETTINGS

BASE_URL = "OPENAI_BASE_URL"
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


@dataclass(frozen=True)
class Given:
    """A configuration, and where each setting that is not the default came from."""

    config: RunConfig
    origins: dict[str, str]


def add_task(parser: argparse.ArgumentParser) -> None:
    """The task, and an option for each thing that can be said of it."""
    parser.add_argument("task", help="folder, or CSV/Parquet file")
    add_task_settings(parser)


def add_task_settings(parser: argparse.ArgumentParser) -> None:
    """An option for each thing that can be said of a task."""
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


def add_run_settings(parser: argparse.ArgumentParser) -> None:
    """An option for each field of RunConfig that is not of the task; its help is the field's description."""
    fields = RunConfig.model_fields
    parser.add_argument("--run-dir", help="folder of the run (default: runs/<task>-<time>)")
    group = parser.add_argument_group("configuration")
    for name, field in fields.items():
        if name in ("run_dir", "role_models", "adapter", *TASK_SETTINGS):
            continue
        default = "none" if field.default in (None, ()) else field.default
        text = f"{field.description} (default: {default})".replace("%", "%%")
        option = f"--{name.replace('_', '-')}"
        if field.annotation is bool:
            group.add_argument(option, action="store_const", const=True, help=field.description)
        else:
            group.add_argument(option, default=None, help=text, metavar=name.split("_")[-1].upper())
    group.add_argument(
        "--role-model",
        action="append",
        default=[],
        metavar="ROLE=MODEL",
        help=fields["role_models"].description,
    )


def config_of(arguments: argparse.Namespace) -> RunConfig:
    """The configuration by options and gome.yaml; what that file says is told. GomeError, a line for each bad one."""
    given = given_by(arguments)
    if said := [name for name, origin in given.origins.items() if origin == SETTINGS_FILE]:
        print(f"gome: from {SETTINGS_FILE}: {', '.join(said)}", file=sys.stderr)
    return given.config


def given_by(arguments: argparse.Namespace) -> Given:
    """The configuration: by options, else by the environment, else by gome.yaml in the working folder, else by default.

    GomeError, a line for each bad option, or that names the file's key.
    """
    options: JsonObject = {
        name: value
        for name in RunConfig.model_fields
        if (value := getattr(arguments, name, None)) is not None
    }
    if dates := dict(_date_format(text) for text in getattr(arguments, "date_format", [])):
        options["dates"] = dates
    if roles := dict(_role_model(text) for text in getattr(arguments, "role_model", [])):
        options["role_models"] = roles
    file = read_settings(Path.cwd())
    origins = dict.fromkeys(file, SETTINGS_FILE)
    if os.environ.get(BASE_URL):
        file.pop("base_url", None)
        origins["base_url"] = BASE_URL
    origins |= {name: error_lines.option(name) for name in options}
    try:
        return Given(RunConfig(**{**file, **options}), origins)
    except ValidationError as error:
        raise error_lines.of_options(error) from None


def names(text: str) -> list[str]:
    """The names that an option lists with commas between them."""
    return [name.strip() for name in text.split(",") if name.strip()]


def _role_model(text: str) -> tuple[str, str]:
    role, _, model = text.partition("=")
    if role not in ("researcher", "coder", "critic", "surveyor") or not model:
        raise GomeError(
            f"--role-model {text!r}: use researcher=MODEL, coder=MODEL, critic=MODEL or surveyor=MODEL"
        )
    return role, model


def _date_format(text: str) -> tuple[str, str]:
    column, _, form = text.rpartition("=")
    if not column or not form:
        raise GomeError(f'--date-format {text!r}: use COLUMN=FORMAT, e.g. "sold=%d/%m/%Y"')
    return column, form
