"""gome run and gome resume: what they take, checked before what does the work is loaded."""

import argparse
from pathlib import Path

from gome.cli import options
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.state.task_options import TASK_SETTINGS


def run_options(parser: argparse.ArgumentParser) -> None:
    """The task, and an option for each field of RunConfig that a person sets; its help is the field's description."""
    fields = RunConfig.model_fields
    options.add_task(parser)
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


def resume_options(parser: argparse.ArgumentParser) -> None:
    """The run."""
    parser.add_argument("run", type=Path, help="the run's folder")


def run(arguments: argparse.Namespace) -> int:
    """Lay a run out and drive it to its end."""
    roles = dict(_pair(text) for text in arguments.role_model)
    config = options.config_of(arguments, role_models=roles)
    from gome.cli import driving  # seconds to load: after the options are found good

    return driving.begin(arguments.task, config)


def resume(arguments: argparse.Namespace) -> int:
    """Go on with a run."""
    from gome.cli import driving

    return driving.drive(arguments.run.resolve())


def _pair(text: str) -> tuple[str, str]:
    role, _, model = text.partition("=")
    if role not in ("researcher", "coder", "critic") or not model:
        raise GomeError(f"--role-model {text!r}: use researcher=MODEL, coder=MODEL or critic=MODEL")
    return role, model
