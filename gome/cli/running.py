"""gome run and gome resume: what they take, checked before what does the work is loaded."""

import argparse
from pathlib import Path

from gome.cli import options


def run_options(parser: argparse.ArgumentParser) -> None:
    """The task, an option for each setting, the form of the result."""
    options.add_task(parser)
    options.add_run_settings(parser)
    _add_json(parser)


def resume_options(parser: argparse.ArgumentParser) -> None:
    """The run."""
    parser.add_argument("run", type=Path, help="the run's folder")
    _add_json(parser)


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json",
        action="store_true",
        help="the result as one JSON object (docs/runs.md); progress to standard error",
    )


def run(arguments: argparse.Namespace) -> int:
    """Lay a run out and drive it to its end."""
    config = options.config_of(arguments)
    from gome.cli import driving  # seconds to load: after the options are found good

    return driving.begin(arguments.task, config, as_json=arguments.json)


def resume(arguments: argparse.Namespace) -> int:
    """Go on with a run."""
    from gome.cli import driving

    return driving.drive(arguments.run.resolve(), as_json=arguments.json)
