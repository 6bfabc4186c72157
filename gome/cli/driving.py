"""A run driven under the live display, from its task or from where it stopped."""

import sys
from functools import partial
from pathlib import Path

from rich.console import Console

from gome import driver
from gome.cli import error_lines, review
from gome.cli.progress import Progress
from gome.cli.summary import print_summary
from gome.report.page import write_report
from gome.run_folder import RunFolder
from gome.state.config import RunConfig
from gome.state.plain import JsonObject
from gome.state.review import Question
from gome.tracing import keep_content_home

NO_RESULT = 1


def begin(task: str, config: RunConfig, *, as_json: bool = False) -> int:
    """Lay a run out and drive it to its end; 0, or 1 if no program was accepted. GomeError for a bad task."""
    keep_content_home()
    with error_lines.told(Path(config.run_dir or config.runs_dir), then="run it again"):
        run_dir = driver.prepare(task, config, partial(print, file=sys.stderr))
    return drive(run_dir, as_json=as_json)


def drive(run_dir: Path, *, as_json: bool = False) -> int:
    """Drive a run that is laid out, write the report, and say where everything is; 0, or 1 if no program was accepted.

    `as_json`: the one thing on standard output is the summary as JSON.
    """
    keep_content_home()
    with error_lines.told(run_dir, then=f"go on with: gome resume {run_dir}"):
        try:
            with Progress(run_dir, Console(stderr=as_json)) as progress:

                def reviewer(question: Question) -> JsonObject | None:
                    with progress.paused() as console:
                        return review.ask(question, console)

                driver.drive(run_dir, progress.handle, reviewer)
        finally:
            write_report(run_dir)
    print_summary(run_dir, as_json=as_json)
    return 0 if RunFolder.read(run_dir).has_program else NO_RESULT
