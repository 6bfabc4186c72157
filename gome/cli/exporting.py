"""gome export: a run's solution as a folder that stands alone."""

import argparse
from pathlib import Path

from gome.cli import error_lines
from gome.cli.predicting import say
from gome.state.errors import GomeError, RunStopped


def export_options(parser: argparse.ArgumentParser) -> None:
    """The run, and the new folder."""
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument("folder", type=Path, help="a new folder")


def export(arguments: argparse.Namespace) -> int:
    """Write the folder; 0, or 2 with the line that says why there is none."""
    from gome.export.folder import export as exported  # seconds to load
    from gome.stopping import stopped_by_keys

    run = arguments.run.resolve()
    with error_lines.told(run, then="export again"), stopped_by_keys() as stop:
        try:
            folder = exported(run, arguments.folder, say=say, stop=stop.is_set)
        except RunStopped:
            raise GomeError("stopped: nothing was written") from None
    print(f"written: {folder}; {folder / 'README.md'} says how to fit it and predict")
    return 0
