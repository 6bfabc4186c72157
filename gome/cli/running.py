"""gome run and gome resume: what they take, checked before what does the work is loaded."""

import argparse
from pathlib import Path

from pydantic import ValidationError

from gome.cli import error_lines
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.state.plain import JsonObject


def run_options(parser: argparse.ArgumentParser) -> None:
    """The task, and an option for each field of RunConfig that a person sets; its help is the field's description."""
    fields = RunConfig.model_fields
    parser.add_argument("task", help="folder, or CSV/Parquet file")
    parser.add_argument("--target", help="column to predict (for one table, or where it can't be inferred)")
    parser.add_argument("--metric", help="metric, e.g. rmse, roc_auc, log_loss, or module:function")
    parser.add_argument("--group", help=fields["group"].description, metavar="COLUMN")
    parser.add_argument("--time", help=fields["time"].description, metavar="COLUMN")
    parser.add_argument(
        "--date-format",
        action="append",
        default=[],
        help="how a column writes its dates, where that is not clear, e.g. sold=%%d/%%m/%%Y",
        metavar="COLUMN=FORMAT",
    )
    parser.add_argument(
        "--drop",
        help="column to leave out of train and test; several: comma between them, or the option again",
        metavar="COLUMN",
        action="extend",
        type=_names,
    )
    parser.add_argument("--run-dir", help="folder of the run (default: runs/<task>-<time>)")
    group = parser.add_argument_group("configuration")
    for name, field in fields.items():
        if name in ("run_dir", "target", "metric", "group", "time", "dates", "drop", "role_models"):
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


def resume_options(parser: argparse.ArgumentParser) -> None:
    """The run."""
    parser.add_argument("run", type=Path, help="the run's folder")


def run(arguments: argparse.Namespace) -> int:
    """Lay a run out and drive it to its end."""
    config = _config(arguments)
    from gome.cli import driving  # seconds to load: after the options are found good

    return driving.begin(arguments.task, config)


def resume(arguments: argparse.Namespace) -> int:
    """Go on with a run."""
    from gome.cli import driving

    return driving.drive(arguments.run.resolve())


def _config(arguments: argparse.Namespace) -> RunConfig:
    given: JsonObject = {
        name: value
        for name in RunConfig.model_fields
        if (value := getattr(arguments, name, None)) is not None
    }
    roles = dict(_pair(text) for text in arguments.role_model)
    dates = dict(_date_format(text) for text in arguments.date_format)
    try:
        return RunConfig(**given, role_models=roles, dates=dates)
    except ValidationError as error:
        raise error_lines.of_options(error) from None


def _date_format(text: str) -> tuple[str, str]:
    column, _, form = text.rpartition("=")
    if not column or not form:
        raise GomeError(f'--date-format {text!r}: use COLUMN=FORMAT, e.g. "sold=%d/%m/%Y"')
    return column, form


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _pair(text: str) -> tuple[str, str]:
    role, _, model = text.partition("=")
    if role not in ("researcher", "coder", "critic") or not model:
        raise GomeError(f"--role-model {text!r}: use researcher=MODEL, coder=MODEL or critic=MODEL")
    return role, model
