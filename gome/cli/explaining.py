"""gome explain: what a run or a step of it did and why, in plain words."""

import argparse
import shutil
import textwrap
from pathlib import Path

from gome.explanation.words import explain_run, explain_step
from gome.run_folder import RunFolder
from gome.tools.records.run_file import read_run

_WIDEST = 100


def explain_options(parser: argparse.ArgumentParser) -> None:
    """The run, the step."""
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument("step", nargs="?", help="one step, TRACE:STEP, such as 0:2 (default: the whole run)")


def explain(arguments: argparse.Namespace) -> int:
    """Print the explanation, wrapped to the terminal."""
    read_run(arguments.run)
    folder = RunFolder.read(arguments.run)
    text = explain_step(folder, arguments.step) if arguments.step else explain_run(folder)
    width = min(_WIDEST, shutil.get_terminal_size().columns)
    print(*(_wrapped(line, width) for line in text.rstrip().splitlines()), sep="\n")
    return 0


def _wrapped(line: str, width: int) -> str:
    """A paragraph on lines of this width; commands, which are indented, as they are."""
    if not line.strip() or line.startswith("    "):
        return line
    return textwrap.fill(line, width, subsequent_indent="  " if line.startswith("- ") else "")
