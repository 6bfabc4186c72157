"""The command line: gome run | resume | advise | status | logs | stop | report | doctor."""

import argparse
import contextlib
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gome import __version__, driver
from gome.cli import error_lines, review
from gome.cli.doctor import diagnose
from gome.cli.progress import Progress
from gome.cli.summary import print_summary
from gome.cli.watching import log_lines, stop_run
from gome.report.page import write_report
from gome.run_folder import RunFolder
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.state.review import Question
from gome.tools.records.advice import Advice
from gome.tracing import keep_content_home

USAGE_ERROR = 2
NO_RESULT = 1


def main(argv: list[str] | None = None) -> int:
    """Run one command; 0 when it did its job, 1 when a run ended without a submission, 2 for bad input."""
    arguments = _parser().parse_args(argv)
    keep_content_home()
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        return command(arguments)
    except GomeError as error:
        print(f"gome: {error}", file=sys.stderr)
        return USAGE_ERROR
    except ValidationError as error:
        for row in error.errors():
            print(
                f"gome: --{'.'.join(map(str, row['loc'])).replace('_', '-')}: {row['msg']}", file=sys.stderr
            )
        return USAGE_ERROR


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gome", description="Machine-learning engineering by directed steps: reasoning as gradient."
    )
    parser.add_argument("--version", action="version", version=f"gome {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser(
        "run", help="run a task: a task folder, an MLE-bench public folder, or one table"
    )
    run.add_argument("task", help="folder, or CSV/Parquet file")
    run.add_argument("--target", help="column to predict (for one table, or where it can't be inferred)")
    run.add_argument("--metric", help="metric, e.g. rmse, roc_auc, log_loss, or module:function")
    run.add_argument("--group", help=f"{RunConfig.model_fields['group'].description}", metavar="COLUMN")
    run.add_argument("--time", help=f"{RunConfig.model_fields['time'].description}", metavar="COLUMN")
    run.add_argument("--run-dir", help="folder of the run (default: runs/<task>-<time>)")
    _add_config_options(run)
    run.set_defaults(command=_run)
    for name, function, text in (
        ("resume", _resume, "go on with a run after a stop or a crash"),
        ("status", _status, "how a run stands"),
        ("report", _report, "write report.html again"),
    ):
        sub = commands.add_parser(name, help=text)
        sub.add_argument("run", type=Path, help="the run's folder")
        sub.set_defaults(command=function)
    advise = commands.add_parser(
        "advise", help="say something to a run: the next diagnosis of every trace reads it"
    )
    advise.add_argument("run", type=Path, help="the run's folder")
    advise.add_argument("advice", help="what to say, in quotes")
    advise.set_defaults(command=_advise)
    _add_watching(commands)
    doctor = commands.add_parser("doctor", help="what this machine offers: sandbox, runtime, hardware, model")
    doctor.add_argument("--runtime", help=RunConfig.model_fields["runtime"].description)
    doctor.set_defaults(command=_doctor)
    return parser


def _add_watching(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    logs = commands.add_parser("logs", help="what happened in a run, one line an event")
    logs.add_argument("run", type=Path, help="the run's folder")
    logs.add_argument(
        "-f", "--follow", action="store_true", help="go on with new events while the run goes on"
    )
    logs.add_argument(
        "-n", "--last", type=int, default=20, help="how many events to begin with (default: 20)"
    )
    logs.add_argument("--trace", type=int, help="this trace's events only")
    logs.set_defaults(command=_logs)
    stop = commands.add_parser("stop", help="stop a run that another terminal runs; resume goes on with it")
    stop.add_argument("run", type=Path, help="the run's folder")
    stop.add_argument("--now", action="store_true", help="drop the work in flight instead of finishing it")
    stop.set_defaults(command=_stop)


def _add_config_options(parser: argparse.ArgumentParser) -> None:
    """An option for each field of RunConfig that a person sets; its help is the field's description."""
    group = parser.add_argument_group("configuration")
    for name, field in RunConfig.model_fields.items():
        if name in ("run_dir", "target", "metric", "group", "time", "role_models"):
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
        help=RunConfig.model_fields["role_models"].description,
    )


def _config(arguments: argparse.Namespace) -> RunConfig:
    given: dict[str, Any] = {
        name: value
        for name in RunConfig.model_fields
        if (value := getattr(arguments, name, None)) is not None
    }
    roles = dict(_pair(text) for text in arguments.role_model)
    return RunConfig(**given, role_models=roles)


def _pair(text: str) -> tuple[str, str]:
    role, _, model = text.partition("=")
    if role not in ("researcher", "coder", "critic") or not model:
        raise GomeError(f"--role-model {text!r}: use researcher=MODEL, coder=MODEL or critic=MODEL")
    return role, model


def _run(arguments: argparse.Namespace) -> int:
    config = _config(arguments)
    with error_lines.told(Path(config.run_dir or config.runs_dir), then="run it again"):
        run_dir = driver.prepare(arguments.task, config, partial(print, file=sys.stderr))
    return _watched(run_dir)


def _resume(arguments: argparse.Namespace) -> int:
    return _watched(arguments.run.resolve())


def _watched(run_dir: Path) -> int:
    """Drive a run under the live display, write the report, and say where everything is."""
    with error_lines.told(run_dir, then=f"go on with: gome resume {run_dir}"):
        try:
            with Progress(run_dir) as progress:

                def reviewer(question: Question) -> dict[str, Any] | None:
                    with progress.paused() as console:
                        return review.ask(question, console)

                driver.drive(run_dir, progress.handle, reviewer)
        finally:
            write_report(run_dir)
    print_summary(run_dir)
    return 0 if (run_dir / "solution" / "submission.csv").is_file() else NO_RESULT


def _status(arguments: argparse.Namespace) -> int:
    driver.read_run(arguments.run)
    print_summary(arguments.run)
    return 0


def _logs(arguments: argparse.Namespace) -> int:
    driver.read_run(arguments.run)
    lines = log_lines(
        arguments.run, last=max(0, arguments.last), follow=arguments.follow, trace=arguments.trace
    )
    with contextlib.suppress(KeyboardInterrupt):
        for line in lines:
            print(line, flush=True)
    return 0


def _stop(arguments: argparse.Namespace) -> int:
    driver.read_run(arguments.run)
    stop_run(arguments.run, now=arguments.now, say=print)
    return 0


def _report(arguments: argparse.Namespace) -> int:
    driver.read_run(arguments.run)
    print(write_report(arguments.run))
    return 0


def _advise(arguments: argparse.Namespace) -> int:
    run, text = driver.read_run(arguments.run), arguments.advice.strip()
    if not text:
        raise GomeError("the advice is empty: say what the next diagnosis shall read")
    if RunFolder.read(arguments.run).state == "finished":
        raise GomeError(f"{arguments.run} is finished: no diagnosis will read the advice")
    Advice(arguments.run / "advice.jsonl").give(text)
    print("noted: the next diagnosis of every trace reads it")
    if RunConfig(**run["config"]).model_of("researcher") == "offline":
        print(
            "note: the offline reasoner is rules, not a language model: it writes advice down and cannot follow it"
        )
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    return diagnose(arguments.runtime)
