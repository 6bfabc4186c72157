"""gome inspect: what was understood of a task, as text for a person or as JSON."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from gome.cli import options
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.state.task import Task


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
    if task:
        found["run"] = list(_run_lines(task))
    print(json.dumps(found, indent=2, ensure_ascii=False) if arguments.json else "\n".join(lines(found)))
    if task is None:
        raise GomeError(str(found["refused"]))
    if arguments.write is not None:
        print(f"written: {write_task_file(found, task, arguments.write)}", file=sys.stderr)
    return 0


def _run_lines(task: Task) -> Iterator[str]:
    """What a run would do, without a language model and with one."""
    graded = "The harness grades them on labelled units that it holds back."
    if task.is_tabular:
        yield f"Rules write the programs, or a language model (--model). {graded}"
        return
    yield "Without a language model (--model): no program is written, a constant submission is handed over."
    if not task.self_reported:
        yield f"With one: it writes programs. {graded}"
        return
    yield (
        "With one: a surveyor looks at the folder and writes an adapter (docs/adapters.md), by which the harness grades. "
        "If none passes the checks, programs score themselves: SELF-REPORTED."
    )
