"""gome predict: predictions of a run's solution for new rows, and their score where the rows have labels."""

import argparse
import sys
import tempfile
from pathlib import Path

from gome.cli import error_lines
from gome.formatting import one_line, score_text
from gome.state.errors import GomeError, RunStopped


def predict_options(parser: argparse.ArgumentParser) -> None:
    """The run, the rows, where predictions go."""
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument(
        "rows",
        type=Path,
        help="CSV or Parquet file with the columns of the task's test table; labels are scored",
    )
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        metavar="FILE",
        help="CSV or Parquet file to write (default: CSV to the terminal)",
    )


def predict(arguments: argparse.Namespace) -> int:
    """Write the predictions, and say their score; 0, or 2 with the line that says why there are none."""
    rows, out = arguments.rows, arguments.out
    from gome.prediction import predict as predicted  # seconds to load
    from gome.stopping import stopped_by_keys
    from gome.tools.data.table_names import SUFFIXES, is_table
    from gome.tools.evaluation.hand_over import write_as_sample

    if out and (not is_table(out) or not out.absolute().parent.is_dir()):
        raise GomeError(
            f"--out {out}: a file in a folder that is there; its name ends in {', '.join(SUFFIXES)}"
        )
    if out and out.exists() and rows.exists() and out.samefile(rows):
        raise GomeError(f"--out {out}: the rows themselves; name another file")
    run = arguments.run.resolve()
    with error_lines.told(run, then="predict again"), stopped_by_keys() as stop:
        try:
            found = predicted(run, rows, say=say, stop=stop.is_set)
        except RunStopped:
            raise GomeError("stopped: nothing was written") from None
        with tempfile.TemporaryDirectory() as scratch:
            path = out or Path(scratch) / "rows.csv"
            write_as_sample(found.task, found.table, path)
            if not out:
                sys.stdout.write(path.read_text(encoding="utf-8"))
    if out:
        print(f"written: {out} ({len(found.table)} rows)")
    if found.score:
        better = "smaller" if found.task.direction == "minimize" else "larger"
        value = score_text(found.score["value"], found.score["stderr"])
        line = f"{found.task.metric} {value} on {found.scored} rows with labels ({better} is better)"
        print(line, file=sys.stdout if out else sys.stderr)
    elif found.unscored:
        say(f"no score: {found.unscored}")
    return 0


def say(line: str) -> None:
    """Tell the person something that is no result."""
    print(f"gome: {one_line(line)}", file=sys.stderr)
