"""Progress of a run for whoever called it from Python: a live table in a terminal, one in a notebook, else lines."""

import importlib
import io
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from gome.cli.predicting import say
from gome.cli.progress import Progress
from gome.state.event import Event, Observer

Watch = bool | Callable[[Event], Any]
"""True: show progress; False: be silent; or a function that is told each event (`gome.state.event.Event`)."""
_REFRESH_S = 0.5
_COLUMNS = 118


@contextmanager
def watched(run_dir: Path, watch: Watch) -> Iterator[Observer]:
    """An observer of the run as `watch` says."""
    if watch is False:
        yield lambda event: None
    elif callable(watch):
        yield watch
    elif in_notebook():
        with _cell_output(run_dir) as observer:
            yield observer
    else:
        with Progress(run_dir, Console(stderr=True)) as progress:
            yield progress.handle


def said(watch: Watch) -> Callable[[str], None]:
    """Who is told lines that are no events."""
    return (lambda line: None) if watch is False else say


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this, so that output is a cell's."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return getattr(shell, "kernel", None) is not None


@contextmanager
def _cell_output(run_dir: Path) -> Iterator[Observer]:
    """The live table as one output of the cell, which is replaced as the run goes on; no widgets are needed."""
    page = importlib.import_module("IPython.display")  # a kernel's, no dependency of ours
    progress = Progress(run_dir, Console(file=io.StringIO(), force_terminal=True, force_jupyter=False))
    shown = page.display(page.HTML(_as_html(progress)), display_id=True)
    last = time.monotonic()

    def observe(event: Event) -> None:
        nonlocal last
        progress.handle(event)
        if time.monotonic() - last > _REFRESH_S:
            last = time.monotonic()
            shown.update(page.HTML(_as_html(progress)))

    try:
        yield observe
    finally:
        shown.update(page.HTML(_as_html(progress)))


def _as_html(progress: Progress) -> str:
    """The frame as preformatted text in the page's own colours."""
    console = Console(file=io.StringIO(), width=_COLUMNS, record=True, force_jupyter=False)
    console.print(progress.frame())
    return console.export_html(
        inline_styles=True, code_format='<pre style="line-height:1.3;overflow-x:auto">{code}</pre>'
    )
