"""The arithmetic of an ensemble, apart from tasks and metrics: an exported solution carries this file as it is."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

How = Literal["mean", "shares", "majority", "vote", "sets", "ranks", "heaviest"]
"""Weighted mean of numbers; the same of lines of shares, each first brought to the sum 1; 0 and 1 by more than half of
the weight; the weighted vote of labels; labels that more than half of the weight names; ranked items by the sum of
weight / place; no blend but what the heaviest says."""


def blended(how: How, values: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """Predictions of several programs put together, (rows, columns); each of `values` is of that shape, floats for
    `mean`, `shares` and `majority`, else text. `weights` need not sum to 1; ties go to the heavier."""
    order = np.argsort(-np.asarray(weights, dtype=float), kind="stable")
    shares = np.asarray(weights, dtype=float)[order]
    shares, heaviest_first = shares / shares.sum(), [values[i] for i in order]
    if how == "heaviest":
        return heaviest_first[0]
    if how in ("mean", "shares", "majority"):
        means = _weighted_mean(np.stack(heaviest_first), shares, to_one=how == "shares")
        return (means > 0.5).astype(int) if how == "majority" else means
    by_column: dict[How, Callable[[list[np.ndarray], np.ndarray], np.ndarray]]
    by_column = {"vote": _vote, "sets": _common_labels, "ranks": _blended_ranks}
    columns = range(heaviest_first[0].shape[1])
    return np.stack([by_column[how]([v[:, c] for v in heaviest_first], shares) for c in columns], axis=1)


def _weighted_mean(values: np.ndarray, shares: np.ndarray, *, to_one: bool) -> np.ndarray:
    if to_one:
        total = values.sum(axis=2, keepdims=True)
        values = values / np.where(total > 0, total, 1)
    # not a matrix product: its rounding differs from row to row, and predictions that are tied have to stay tied
    return np.asarray((shares[:, None, None] * values).sum(axis=0))


def _vote(labels: list[np.ndarray], shares: np.ndarray) -> np.ndarray:
    """The label with the most weight behind it, row by row."""
    votes = np.stack(labels)
    support = np.stack([(shares[:, None] * (votes == mine)).sum(axis=0) for mine in votes])
    support += 1e-9 * (np.arange(len(votes))[::-1, None])  # a tie goes to the heavier
    return np.asarray(votes[support.argmax(axis=0), np.arange(votes.shape[1])])


def _common_labels(texts: list[np.ndarray], shares: np.ndarray) -> np.ndarray:
    """Sets of labels: those that more than half of the weight names, in the order of the heaviest."""
    blends = []
    for row in zip(*texts, strict=True):
        weight: dict[str, float] = {}
        for text, share in zip(row, shares, strict=True):
            for label in dict.fromkeys((text or "").split()):
                weight[label] = weight.get(label, 0.0) + share
        blends.append(" ".join(label for label, w in weight.items() if w > 0.5 + 1e-9))
    return np.array(blends, dtype=object)


def _blended_ranks(lists: list[np.ndarray], shares: np.ndarray) -> np.ndarray:
    """Reciprocal rank fusion, row by row; as long as the longest list."""
    blends = []
    for row in zip(*lists, strict=True):
        ranked = [list(dict.fromkeys((text or "").split())) for text in row]
        worth: dict[str, float] = {}
        for items, share in zip(ranked, shares, strict=True):
            for place, item in enumerate(items, start=1):
                worth[item] = worth.get(item, 0.0) + share / place
        best = sorted(worth, key=lambda item: -worth[item])  # stable: ties stay with the heavier
        blends.append(" ".join(best[: max(len((text or "").split()) for text in row)]))
    return np.array(blends, dtype=object)
