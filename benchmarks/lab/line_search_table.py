"""The table of the line search: with it and without, and by its limits."""

import pandas as pd

from benchmarks.lab.arms import DEFAULT, LIMITS, TUNED, TUNING
from benchmarks.lab.figures import figure, holm, wide
from benchmarks.lab.play import SLOTS, TIME_LIMIT_S
from benchmarks.lab.tables import mark, table, word

HANDED = "3 or an ensemble"


def line_search(runs: pd.DataFrame, worth: pd.DataFrame, handed: pd.DataFrame) -> str:
    """Descent with a line search against the same without, and other limits against the default ones. `handed`: worth of
    what is handed over of HANDED finalists."""
    return f"{_against_none(runs, worth, handed)}\n\n{_by_limits(runs, worth)}"


def _against_none(runs: pd.DataFrame, worth: pd.DataFrame, handed: pd.DataFrame) -> str:
    both = {arm.name: f"gradient {arm.dials.reliability:g}" for arm in TUNING}
    found = {name: figure(worth[name] - worth[without]) for name, without in both.items()}
    found[HANDED] = figure(handed[TUNED] - handed[DEFAULT])
    sure = holm(found)
    rows = []
    for name, gain in found.items():
        shown, at = (handed, TUNED) if name == HANDED else (worth, name)
        alone = both[at]
        pairs = shown[[alone, at]].dropna()
        said = f"{alone.split()[1]}, {HANDED}" if name == HANDED else alone.split()[1]
        means = [figure(pairs[arm]).words() for arm in (alone, at)]
        rows.append([said, *means, f"{gain.words('+')}{mark(sure[name])}", *_done(runs, at), str(len(pairs))])
    head = [
        "reliability",
        "without",
        "with",
        "gain",
        "trials",
        "share of the slots",
        "steps taken over",
        "runs",
    ]
    return table(head, rows)


def _done(runs: pd.DataFrame, arm: str) -> list[str]:
    """What the line search did in a run of this arm."""
    mine = runs[runs["arm"] == arm].groupby("task")[["trials", "trial_s", "tuned"]].mean().mean()
    share = mine["trial_s"] / (SLOTS * TIME_LIMIT_S)
    return [f"{mine['trials']:.1f}", f"{100 * share:.0f} %", f"{mine['tuned']:.2f}"]


def _by_limits(runs: pd.DataFrame, worth: pd.DataFrame) -> str:
    names = [arm.name for arm in LIMITS if arm.name in worth]
    found = {name: figure(worth[name] - worth[TUNED]) for name in names}
    sure = holm(found)
    rows = [
        [
            name.removeprefix("tuning "),
            gain.words("+"),
            f"{sure[name]:.2g}",
            word(gain, sure[name]),
            *_done(runs, name),
            str((worth[name] - worth[TUNED]).count()),
        ]
        for name, gain in found.items()
    ]
    head = [f"instead of the default ({TUNED})", "gain", "p (Holm)", ""]
    return table([*head, "trials", "share of the slots", "steps taken over", "runs"], rows)


def handed_by_arm(runs: pd.DataFrame) -> pd.DataFrame:
    """Worth in percent of what is handed over of HANDED finalists, by (task, seed) and arm."""
    kept = runs[runs["handed"].notna()]
    return 100 * wide(kept.assign(handed=[row[HANDED] for row in kept["handed"]]), "handed")
