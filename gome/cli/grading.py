"""gome grade: a submission graded by a competition's own pack, as MLE-bench grades it."""

import argparse
import json
import sys
from pathlib import Path

from gome.formatting import one_line

INVALID = 1


def grade_options(parser: argparse.ArgumentParser) -> None:
    """The submission, the pack, the answers."""
    parser.add_argument("submission", type=Path, help="CSV file")
    parser.add_argument(
        "--pack",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="the competition's folder in MLE-bench: config.yaml, grade.py, leaderboard.csv",
    )
    parser.add_argument(
        "--answers", type=Path, required=True, metavar="FILE", help="CSV or JSONL file, of prepared/private"
    )
    parser.add_argument("--json", action="store_true", help="the benchmark's report as one JSON object")


def grade(arguments: argparse.Namespace) -> int:
    """Print score, medal and thresholds; 0, or 1 with a line that says why the submission has no score."""
    from gome.tools.evaluation.competition_pack import CompetitionPack  # reads tables: not for help alone

    report, why = CompetitionPack.read(arguments.pack).grade(arguments.submission, arguments.answers)
    if arguments.json:
        print(json.dumps(report, indent=2))
    else:
        medal = next((m for m in ("gold", "silver", "bronze") if report[f"{m}_medal"]), "none")  # type: ignore[literal-required]
        better = "smaller" if report["is_lower_better"] else "larger"
        above = "above" if report["above_median"] else "not above"
        print(f"competition  {report['competition_id']}")
        print(f"score        {'none' if report['score'] is None else report['score']} ({better} is better)")
        print(f"medal        {medal}; {above} the median")
        for name in ("gold", "silver", "bronze", "median"):
            print(f"{name:12} {report[f'{name}_threshold']:g}")  # type: ignore[literal-required]
    if report["score"] is None:
        print(f"gome: {arguments.submission} has no score: {one_line(why)}", file=sys.stderr)
        return INVALID
    return 0
