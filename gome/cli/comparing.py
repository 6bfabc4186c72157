"""gome compare: runs beside one another, and the later ones against the first on the rows that both have graded."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from gome.cli.columns import columns
from gome.cli.summary import kind_of
from gome.formatting import NONE, duration_text, one_line
from gome.run_folder import RunFolder
from gome.run_summary import summary_of
from gome.scores import score_line
from gome.state.errors import GomeError
from gome.state.parts import Comparison
from gome.tools.records.run_file import read_run
from gome.tools.wording import change_words, gain_words, share_words

PART_NAMES = {"search": "search part", "selection": "held-back part", "test": "rows kept aside"}
_HEADER = ("run", "metric", "best", "of", "held back", "kept aside", "steps", "time", "reasoner")


def compare_options(parser: argparse.ArgumentParser) -> None:
    """The runs, the form of the answer."""
    parser.add_argument(
        "runs", type=Path, nargs="+", metavar="run", help="folders of runs; the first is the baseline"
    )
    parser.add_argument("--json", action="store_true", help="as one JSON object (docs/runs.md)")


def compare(arguments: argparse.Namespace) -> int:
    """Print the comparison; 0, also where runs have no rows in common, which is said."""
    runs: list[Path] = arguments.runs
    if len(runs) < 2:
        raise GomeError("compare two runs or more: gome compare RUN RUN")
    for run in runs:
        read_run(run)
    from gome.comparison import compare_runs  # reads tables

    folders = [RunFolder.read(run) for run in runs]
    against = [compare_runs(runs[0], run) for run in runs[1:]]
    if arguments.json:
        found = {"runs": [summary_of(folder) for folder in folders], "against_the_first": against}
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return 0
    print(*columns(_HEADER, [_row(folder) for folder in folders]), sep="\n")
    for folder, one in zip(folders[1:], against, strict=True):
        print(f"\n{one_line(one['run'])} against {one_line(one['baseline'])}, on the same rows:")
        for pair in one["paired"]:
            change = change_words(folder.metric, pair["before"], pair["after"], *_gain(pair["comparison"]))
            print(
                f"  {PART_NAMES[pair['part']]}: {change}, {verdict(pair['comparison'])}; {pair['rows']} rows"
            )
        print(*_unpaired(one["unpaired"]), sep="", end="")
    return 0


def verdict(comparison: Comparison) -> str:
    """What the interval says: '90 % interval worse by 0.1 to better by 0.3: not told apart; better in 62 % of draws'."""
    if comparison["stderr"] == 0 and comparison["gain"] == 0:
        return "the same in every resample"
    low, high = comparison["low"], comparison["high"]
    side = "better" if low > 0 else "worse" if high < 0 else "not told apart"
    bounds = " to ".join(gain_words(bound, comparison["stderr"]).partition(" ± ")[0] for bound in (low, high))
    return f"90 % interval {bounds}: {side}; better in {share_words(comparison['p_better'])} of resamples"


def _gain(comparison: Comparison) -> tuple[float, float]:
    return comparison["gain"], comparison["stderr"]


def _unpaired(reasons: dict[str, str]) -> Iterator[str]:
    """A line for each reason, the parts that it holds for before it."""
    for why in dict.fromkeys(reasons.values()):
        parts = ", ".join(PART_NAMES[part] for part, said in reasons.items() if said == why)
        yield f"  {parts}: not paired: {one_line(why)}\n"


def _row(folder: RunFolder) -> tuple[str, ...]:
    best, test = folder.best, folder.result.get("test")
    return (
        one_line(folder.path),
        folder.metric,
        score_line(best["search"] if best else None),
        kind_of(best) if best else NONE,
        score_line(best["selection"] if best else None),
        score_line(test["score"] if test else None),
        str(len(folder.records)),
        duration_text(folder.seconds),
        one_line(folder.config.get("model", "offline"), 30),
    )
