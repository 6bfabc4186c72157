"""Whether the metric is defined for the hidden answers of every fold: what no program can mend is told at the start."""

import pandas as pd

from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.data.splits import SplitPlan
from gome.tools.evaluation.chance import perfect_submission
from gome.tools.evaluation.grading import metric_of
from gome.tools.evaluation.metric import AnswersError, GradingError, Metric


def check_answers(task: Task, train: pd.DataFrame, plan: SplitPlan) -> None:
    """Grade the truth itself on each part of `train` that will be graded. Raises GomeError where the metric is not
    defined for such answers; a grader of one's own is not asked."""
    metric = metric_of(task)
    if metric.own:
        return
    for split in (split for name in ("search", "selection") for split in plan.folds(name)):
        answers = train[task.answer_columns].iloc[split.test_rows].reset_index(drop=True)
        answers.insert(0, task.id, range(len(answers)))
        text = metric.form in ("ranking", "detection", "text") or (
            metric.form == "label" and not task.classes
        )
        nothing = dict.fromkeys(task.prediction, "" if text else 0.0)
        plain = pd.DataFrame({task.id: answers[task.id], **nothing})
        if fault := answers_fault(metric, task, answers, plain):
            raise GomeError(
                f"{task.root}/{task.train}: {fault} in fold {split.fold} of the {split.name} part, and no program can "
                "change that; choose another metric."
            )


def answers_fault(metric: Metric, task: Task, answers: pd.DataFrame, plain: pd.DataFrame) -> str:
    """Why the metric is not defined for such answers, whatever is predicted; '' if it is, or if that cannot be told.
    `plain` is any submission for them."""
    truth = perfect_submission(metric, task, answers, plain)
    try:
        metric(answers, plain if truth is None else truth, task)
    except AnswersError as error:
        return str(error)
    except GradingError:  # of the stand-in for predictions
        return ""
    return ""
