"""Evidence: where a program's errors lie, as `gome.tools.evaluation.evidence` measures it for the next diagnosis."""

from typing import Any, Literal

from typing_extensions import TypedDict

Change = Literal["better", "same", "worse"]


class SliceLoss(TypedDict):
    """A part of the rows with a surely larger loss; `z` says how surely."""

    column: str
    slice: str
    rows: int
    loss: float
    z: float


class Confusion(TypedDict):
    """Rows of class `true` that are taken for `predicted`; `share` of the true class."""

    true: str
    predicted: str
    rows: int
    share: float


class CalibrationBin(TypedDict):
    """Mean predicted chance against observed share over some rows."""

    predicted: float
    observed: float
    rows: int


class ShownRow(TypedDict):
    """A row as a program sees it, and its targets; cells that are empty are left out, long ones cut."""

    row: dict[str, Any]
    truth: dict[str, Any]


class WorstRow(ShownRow):
    """A row that is predicted badly, what was predicted, and its part of the loss."""

    predicted: dict[str, Any]
    loss: float


class RowChange(WorstRow):
    """The same row under another program: what that predicts, and its part of the loss then. In a private run the cells,
    of the row and of both predictions, are left out."""

    after: dict[str, Any]
    loss_after: float
    change: Change


class RowChanges(TypedDict):
    """Rows on which a program is worst, by `metric`, and how the one that follows it does on them."""

    metric: str
    rows: list[RowChange]


ResidualBin = TypedDict(
    "ResidualBin", {"from": float, "to": float, "rows": int, "bias": float, "too_low": float, "rmse": float}
)
"""Residuals over a range of values; `bias` is the mean of predicted - true, `too_low` the share of rows predicted below
the truth (0.5 is what the best median has)."""


class Residuals(TypedDict, total=False):
    """Residuals of all rows, by ranges of the target (`bins`) and of the prediction (`by_prediction`). With a `scale`,
    log1p, `bias` and `rmse` are of values on it; ranges are of the values themselves."""

    target: str
    scale: str
    bias: float
    too_low: float
    rmse: float
    bins: list[ResidualBin]
    by_prediction: list[ResidualBin]


class Evidence(TypedDict, total=False):
    """What the graded rows of all folds say together; keys are left out where nothing is known.

    `pooled` is the loss over them all, which a score, the mean over folds, need not equal. `unread` says why
    predictions could not be looked into.
    """

    loss: str
    pooled: float
    rows: int
    worst_slices: list[SliceLoss]
    worst_rows: list[WorstRow]
    confusion: list[Confusion]
    calibration: list[CalibrationBin]
    residuals: Residuals
    unread: str
