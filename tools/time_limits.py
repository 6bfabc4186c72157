"""How long a program may run on a split, by what it may or does take on a search fold, and by the rows."""

from gome.tools.data.inputs import Inputs
from gome.tools.data.splits import UNGRADED

SMOKE_LIMIT_S = 300.0


def usual_s(inputs: Inputs, split: str, search_s: float) -> float:
    """The limit, in seconds. That of a search fold is `search_s`; where a program has more rows, on which it was not
    chosen for its time, it has so much more."""
    if split == "smoke":
        return min(search_s, SMOKE_LIMIT_S)
    if split not in ("selection", *UNGRADED):
        return search_s
    return search_s * _rows_beside_search(inputs, split)


def longest_s(inputs: Inputs, split: str, search_s: float) -> float:
    """What takes `search_s` on a search fold, if its time grows with the cube of the rows, as that of a Gaussian process
    does."""
    return search_s * _rows_beside_search(inputs, split) ** 3


def _rows_beside_search(inputs: Inputs, split: str) -> float:
    fold, whole = (_rows(inputs, name) for name in ("search", split))
    return max(1.0, whole / fold)


def _rows(inputs: Inputs, split: str) -> int:
    """Rows that a program learns from and predicts in the first fold of a split."""
    return len(inputs.plan.folds(split)[0].train_rows) + len(inputs.sample(split, 0))
