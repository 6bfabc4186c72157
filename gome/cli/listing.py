"""gome list: the runs of a folder, a line each."""

import argparse
import json
import sys
from pathlib import Path

from gome.cli.columns import columns
from gome.cli.summary import kind_of, state_text
from gome.formatting import one_line
from gome.run_folder import RunFolder
from gome.run_summary import runs_in, summary_of
from gome.scores import score_line
from gome.state.config import RunConfig


def list_options(parser: argparse.ArgumentParser) -> None:
    """The folder, the form of the answer."""
    default = RunConfig.model_fields["runs_dir"].default
    parser.add_argument(
        "folder", type=Path, nargs="?", default=Path(default), help=f"folder of runs (default: {default})"
    )
    parser.add_argument("--json", action="store_true", help="as one JSON array (docs/runs.md)")


def list(arguments: argparse.Namespace) -> int:
    """Print the runs, newest first; 0 also where there are none, which is said."""
    runs = runs_in(arguments.folder)
    if arguments.json:
        print(json.dumps([summary_of(run) for run in runs], indent=2, ensure_ascii=False))
    elif runs:
        print(*columns(_HEADER, [_row(run, arguments.folder) for run in runs]), sep="\n")
    else:
        print(f"gome: no runs in {arguments.folder}", file=sys.stderr)
    return 0


_HEADER = ("run", "task", "state", "metric", "best", "held back", "steps", "reasoner")


def _row(folder: RunFolder, where: Path) -> tuple[str, ...]:
    best = folder.best
    kind = f" ({kind_of(best)})" if best else ""
    path = folder.path.relative_to(where) if folder.path != where else folder.path
    return (
        str(path),
        one_line(folder.name, 30),
        state_text(folder),
        folder.metric,
        f"{score_line(best['search'] if best else None)}{kind}",
        score_line(best["selection"] if best else None),
        str(len(folder.records)),
        one_line(folder.config.get("model", "offline"), 30),
    )
