"""What a submission scores in an MLE-bench competition, under the benchmark's own names."""

from typing import Literal

from typing_extensions import TypedDict

Medal = Literal["gold", "silver", "bronze"]


class CompetitionReport(TypedDict):
    """The fields of MLE-bench's report of one submission. A medal is the best one alone; `score` has five decimals."""

    competition_id: str
    score: float | None
    gold_threshold: float
    silver_threshold: float
    bronze_threshold: float
    median_threshold: float
    any_medal: bool
    gold_medal: bool
    silver_medal: bool
    bronze_medal: bool
    above_median: bool
    submission_exists: bool
    valid_submission: bool
    is_lower_better: bool
    created_at: str
    submission_path: str
