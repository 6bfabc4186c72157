"""gome inspect: what was understood of a task, as text for a person or as JSON."""

import argparse
import json
import sys
from pathlib import Path

from gome.cli import options
from gome.state.config import RunConfig
from gome.state.errors import GomeError


def inspect_options(parser: argparse.ArgumentParser) -> None:
    """The task and what is said of it; the form of the answer; where to write a task file."""
    options.add_task(parser)
    parser.add_argument("--json", action="store_true", help="as one JSON object (docs/tasks.md)")
    parser.add_argument(
        "--write",
        nargs="?",
        const="",
        metavar="FILE",
        help="write what was understood as task.yaml: into the task folder, or to FILE (use it by --task FILE)",
    )
    parser.add_argument("--seed", help=RunConfig.model_fields["seed"].description)


def inspect(arguments: argparse.Namespace) -> int:
    """Print what was understood; 0, or 2 with the line that says why a run would be refused."""
    config = options.config_of(arguments)
    from gome.cli.inspection_text import lines  # these read tables: not before the options are found good
    from gome.tools.data.task_yaml import write_task_file
    from gome.tools.inspection import inspect_task

    found, task = inspect_task(Path(arguments.task), config)
    print(json.dumps(found, indent=2, ensure_ascii=False) if arguments.json else "\n".join(lines(found)))
    if task is None:
        raise GomeError(str(found["refused"]))
    if arguments.write is not None:
        print(f"written: {write_task_file(found, task, arguments.write)}", file=sys.stderr)
    return 0
