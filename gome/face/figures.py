"""Figures of a run as Python takes them: its score, and a table of all that it has scored."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from gome.formatting import score_only, score_text
from gome.run_folder import RunFolder
from gome.state.parts import Score

PARTS = {
    "test": "rows that Gome kept aside",
    "selection": "rows held back from the search",
    "search": "rows by which steps were chosen",
    "rows": "the rows given",
}


@dataclass(frozen=True)
class RunScore:
    """A score with its standard error, the metric, and the `part` of the rows that it is of (a key of `PARTS`).
    `naive`: what the best constant prediction scores there, None where that is not known. `self_reported`: nobody has
    checked it. `float(score)` is its value."""

    value: float
    stderr: float
    metric: str
    part: str
    naive: float | None = None
    self_reported: bool = False

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        naive = f" (naive {score_only(self.naive, self.stderr)})" if self.naive is not None else ""
        told = "SELF-REPORTED " if self.self_reported else ""
        return f"{told}{self.metric} {score_text(self.value, self.stderr)}{naive}, on {PARTS[self.part]}"


def score_of(folder: RunFolder) -> RunScore | None:
    """The score of what the run hands over, on the rows that fewest choices were made by; None: no program."""
    best, test = folder.best, folder.result.get("test")
    if not best:
        return None
    known: list[tuple[str, Score | None, Score | None]] = [
        ("test", test["score"] if test else None, test["naive"] if test else None),
        ("selection", best["selection"], folder.naive.get("selection")),
        ("search", best["search"], folder.naive.get("search")),
    ]
    for part, score, naive in known:
        if score:
            return RunScore(
                value=score["value"],
                stderr=score["stderr"],
                metric=str(folder.task.get("metric")),
                part=part,
                naive=naive["value"] if naive else None,
                self_reported=bool(folder.self_reported),
            )
    return None


def leaderboard_of(folder: RunFolder) -> pd.DataFrame:
    """A row for each step, the ensemble, and the naive prediction, best search score first; what is void stands last.

    `search` and `held_back` are scores with standard errors behind them (NaN: none); `gain` that over the program before
    on the same rows, above 0 is better; `weight` the share in what is handed over.
    """
    finalists = {f["id"]: f for f in folder.result.get("finalists") or []}
    weights = {m["id"]: m["weight"] for m in folder.best["members"]} if folder.best else {}
    rows: list[dict[str, Any]] = [
        {
            "id": r.id,
            "kind": r.kind,
            "verdict": "void" if r.evaluation and r.evaluation["status"] == "void" else r.verdict,
            **_scores(r.score, finalists[r.id]["selection"] if r.id in finalists else None),
            "gain": r.gain,
            "gain_stderr": r.comparison["stderr"] if r.comparison else None,
            "weight": weights.get(r.id, 0.0),
            "seconds": r.evaluation["seconds"] if r.evaluation else None,
            "hypothesis": r.statement,
        }
        for r in folder.records
    ]
    if several := finalists.get("ensemble"):
        rows.append(
            {"id": "ensemble", "kind": "ensemble", **_scores(several["search"], several["selection"])}
        )
    if folder.naive:
        rows.append(
            {
                "id": "naive",
                "kind": "naive",
                **_scores(folder.naive.get("search"), folder.naive.get("selection")),
                "hypothesis": folder.naive.get("what"),
            }
        )
    table = pd.DataFrame(rows, columns=_COLUMNS)
    table["weight"] = table["weight"].fillna(0.0)
    place = (-folder.sign * table["search"].astype(float)).where(table["verdict"] != "void")
    return table.iloc[place.fillna(float("inf")).argsort(kind="stable")].reset_index(drop=True)


_COLUMNS = [
    "id",
    "kind",
    "verdict",
    "search",
    "search_stderr",
    "held_back",
    "held_back_stderr",
    "gain",
    "gain_stderr",
    "weight",
    "seconds",
    "hypothesis",
]


def _scores(search: Score | None, held_back: Score | None) -> dict[str, float | None]:
    return {
        "search": search["value"] if search else None,
        "search_stderr": search["stderr"] if search else None,
        "held_back": held_back["value"] if held_back else None,
        "held_back_stderr": held_back["stderr"] if held_back else None,
    }
