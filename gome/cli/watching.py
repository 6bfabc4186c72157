"""gome status, gome logs and gome stop: looking at a run and ending it, from another terminal."""

import argparse
import contextlib
import datetime
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

from gome.cli.event_lines import event_line
from gome.cli.summary import print_summary, resume_command
from gome.formatting import one_line
from gome.state.errors import GomeError
from gome.state.event import event_from_json
from gome.state.parts import Score
from gome.tools.records.jsonl import Tail
from gome.tools.records.lock import writer_of
from gome.tools.records.naive_file import read_naive
from gome.tools.records.run_file import read_run
from gome.tools.wording import readable

POLL_S = 0.3


def status_options(parser: argparse.ArgumentParser) -> None:
    """The run."""
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument("--json", action="store_true", help="as one JSON object (docs/runs.md)")


def status(arguments: argparse.Namespace) -> int:
    """Print how a run stands."""
    read_run(arguments.run)
    print_summary(arguments.run, as_json=arguments.json)
    return 0


def logs_options(parser: argparse.ArgumentParser) -> None:
    """The run, and which of its events."""
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument(
        "-f", "--follow", action="store_true", help="go on with new events while the run goes on"
    )
    parser.add_argument(
        "-n", "--last", type=int, default=20, help="how many events to begin with (default: 20)"
    )
    parser.add_argument("--trace", type=int, help="this trace's events only")


def logs(arguments: argparse.Namespace) -> int:
    """Print the run's events, to the last one or until Ctrl-C."""
    read_run(arguments.run)
    lines = log_lines(
        arguments.run, last=max(0, arguments.last), follow=arguments.follow, trace=arguments.trace
    )
    with contextlib.suppress(KeyboardInterrupt):
        for line in lines:
            print(line, flush=True)
    return 0


def stop_options(parser: argparse.ArgumentParser) -> None:
    """The run, and how."""
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument("--now", action="store_true", help="drop the work in flight instead of finishing it")


def stop(arguments: argparse.Namespace) -> int:
    """Stop the run and say so."""
    read_run(arguments.run)
    stop_run(arguments.run, now=arguments.now, say=print)
    return 0


def log_lines(run_dir: Path, *, last: int, follow: bool, trace: int | None = None) -> Iterator[str]:
    """The `last` events of a run as lines, then, with `follow`, each new one until no process runs it any more.

    `trace` leaves out the other traces' events.
    """
    events = Tail(run_dir / "events.jsonl")
    alive = writer_of(run_dir) is not None
    naive = read_naive(run_dir).get("search")
    yield from deque(_lines(events.new(), trace, naive), maxlen=last)
    while follow and alive:
        time.sleep(POLL_S)
        alive = writer_of(run_dir) is not None  # asked first, so that its last events are not missed
        yield from _lines(events.new(), trace, naive)


def _lines(events: Iterable[Mapping[str, Any]], trace: int | None, naive: Score | None) -> Iterator[str]:
    for event in events:
        if trace is None or event.get("trace") == trace:
            line = event_line(readable(event_from_json(event)), naive)
            if line is not None:
                yield f"{_time_of_day(event)}{line}"


def _time_of_day(event: Mapping[str, Any]) -> str:
    try:
        return f"{datetime.datetime.fromisoformat(str(event.get('t'))).astimezone():%H:%M:%S} "
    except ValueError:
        return ""


def stop_run(run_dir: Path, *, now: bool, say: Callable[[str], None]) -> None:
    """Ask the process that runs a run to finish what is in flight and to stop, or with `now` to drop it; wait for that.

    GomeError if no process runs it, or if that one is another user's.
    """
    process = writer_of(run_dir)
    if process is None:
        done = (run_dir / "result.json").is_file()
        hint = "it is finished" if done else f"go on with it: {resume_command(run_dir)}"
        raise GomeError(f"{one_line(run_dir)} is not running; {hint}")
    say(f"asking process {process.pid} to stop" + ("" if now else " when what is in flight is done"))
    try:
        process.terminate()
        while writer_of(run_dir) == process:
            time.sleep(POLL_S)
            if now:
                process.terminate()  # the second one drops what is in flight
    except psutil.NoSuchProcess:
        pass
    except psutil.AccessDenied:
        raise GomeError(f"process {process.pid} is another user's; stop it there") from None
    say("it has stopped")
