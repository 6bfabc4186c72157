"""The command line: gome run | resume | list | status | report | predict | export | compare | explain | inspect | advise
| logs | grade | stop | config | doctor | completion.

A command's module is loaded when it is called, so that looking at a run does not wait for what driving one needs.
"""

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence

from gome import __version__
from gome.state.errors import GomeError

USAGE_ERROR = 2
CUT_OFF = 128 + signal.SIGPIPE
ALL = "all"

_COMMANDS = {
    "run": ("running", "run a task: a task folder, an MLE-bench public folder, or one table"),
    "resume": ("running", "go on with a run after a stop or a crash"),
    "list": ("listing", "the runs of a folder, a line each"),
    "status": ("watching", "how a run stands"),
    "report": ("report", "write report.html again"),
    "predict": ("predicting", "predictions of a run's solution for new rows, and their score"),
    "export": ("exporting", "a run's solution as a folder that stands alone"),
    "compare": ("comparing", "runs beside one another, by the same rows where they have them"),
    "explain": ("explaining", "in plain words what a run did, or one of its steps, and why"),
    "inspect": ("inspecting", "what Gome understands of a task, and from where, without running anything"),
    "advise": ("advise", "say something to a run: the next diagnosis of every trace reads it"),
    "logs": ("watching", "what happened in a run, one line an event"),
    "grade": ("grading", "a submission's score and medal in an MLE-bench competition"),
    "stop": ("watching", "stop a run that another terminal runs; resume goes on with it"),
    "config": ("configuring", "the settings that a run would have here, and where each came from"),
    "doctor": ("doctor", "what this machine offers: sandbox, runtime, hardware, model"),
    "completion": ("completing", "a script for your shell that completes commands and options"),
}
"""Command -> module of gome.cli, help. In the module, `COMMAND_options(parser)` adds what the command takes, and
`COMMAND(arguments)` does its work and returns the exit code."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did its job, 1 when no program of a run was accepted, 2 for bad input."""
    given = sys.argv[1:] if argv is None else argv
    called = next((word for word in given if not word.startswith("-")), None)
    try:
        arguments = parser_of(called).parse_args(given)
        command: Callable[[argparse.Namespace], int] = arguments.command
        code = command(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read it has ended, as `head` does: that is no fault, and Python shall not try again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CUT_OFF
    except GomeError as error:
        from gome.cli.error_lines import as_options  # not before: the version is printed without it

        for line in as_options(str(error)).splitlines():
            print(f"gome: {line}", file=sys.stderr)
        return USAGE_ERROR


def parser_of(called: str | None = ALL) -> argparse.ArgumentParser:
    """The parser, with all commands by name and the options of the one that is called, or of all."""
    parser = argparse.ArgumentParser(
        prog="gome", description="Machine-learning engineering by directed steps: reasoning as gradient."
    )
    parser.add_argument("--version", action="version", version=f"gome {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (module, text) in _COMMANDS.items():
        command = commands.add_parser(name, help=text, allow_abbrev=False)
        if called in (name, ALL):
            home = importlib.import_module(f"gome.cli.{module}")
            getattr(home, f"{name}_options")(command)
            command.set_defaults(command=getattr(home, name))
    return parser
