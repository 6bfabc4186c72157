"""gome.fit and gome.load: a run begun from a table or a folder, and one that is there."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from gome.cli.error_lines import setting_lines
from gome.driver import Models, Reviewer, prepare
from gome.face.run import Run
from gome.face.threads import in_thread
from gome.face.watching import Watch, said
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.stopping import Stopper
from gome.tools.data.uploads import write_rows
from gome.tracing import keep_content_home

Data = pd.DataFrame | Mapping[str, Sequence[Any]] | str | Path
"""A table: a DataFrame or a mapping of columns; or the path of a task folder, or of a CSV or Parquet file."""


def fit(
    data: Data,
    target: str | Sequence[str] | None = None,
    *,
    metric: str | None = None,
    time_limit: float | None = None,
    models: Models | None = None,
    progress: Watch = True,
    reviewer: Reviewer | None = None,
    stopper: Stopper | None = None,
    **settings: Any,
) -> Run:
    """Make a run of a task and drive it to its end; Ctrl-C, or a kernel's interrupt, lets what is in flight finish, and
    the run comes back as it stands: `run.resume()` goes on with it.

    `data` is what `gome run` takes, or a table in memory, which is written as CSV into the folder of runs. Of one table
    a fifth of the labelled rows is kept aside for an honest score, unless some rows have no label: those are the test
    part then. `target` is the column to predict, or several; `time_limit` seconds. `settings` are the fields of
    `RunConfig` (`model="openai:gpt-5"`, `traces=4`, `group="patient"`, ...); gome.yaml is not read. `models` are chat
    models by role in place of those that are named; `progress`: see `Watch`; `reviewer` answers where `review` is set.

    Raises GomeError for a bad task or setting, in one line that says what to do.
    """
    keep_content_home()
    if time_limit is not None:
        settings = {"time_limit_s": time_limit, **settings}
    columns = target if target is None or isinstance(target, str) else ",".join(target)
    in_memory = not isinstance(data, str | Path)
    config = _config(
        {"target": columns, "metric": metric, "name": columns if in_memory else None, **settings}
    )
    source = str(_written(data, config) if in_memory else data)
    run_dir = prepare(source, config, said(progress), models=models)
    return Run(run_dir).resume(models=models, progress=progress, reviewer=reviewer, stopper=stopper)


async def afit(data: Data, target: str | Sequence[str] | None = None, **options: Any) -> Run:
    """`fit` without blocking the event loop. Cancelling it lets what is in flight finish before it is cancelled."""
    stopper = options.pop("stopper", None) or Stopper()
    return await in_thread(partial(fit, data, target, stopper=stopper, **options), stopper)


def load(path: str | Path) -> Run:
    """The run in a folder, finished or not. GomeError if there is none."""
    return Run(path)


def _config(given: Mapping[str, Any]) -> RunConfig:
    """The configuration. GomeError, a line for each setting that is wrong."""
    try:
        return RunConfig(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise GomeError(setting_lines(error, str)) from None


def _written(data: Any, config: RunConfig) -> Path:
    """The table as a file among the runs, called after what it is about."""
    about = re.sub(r"[^A-Za-z0-9]+", "-", config.name or "rows").strip("-")[:40]
    return write_rows(data, Path(config.runs_dir) / "uploads", about or "rows")
