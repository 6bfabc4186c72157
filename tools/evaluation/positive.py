"""Which of two classes is the positive one: the one that a probability, f1 and the like are about."""

import re

from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.data.columns import nearest
from gome.tools.evaluation.answer_form import answer_form
from gome.tools.evaluation.metrics import get

# (negative, positive) in lower case. Only what everybody reads the same way: of other pairs the user is asked.
_KNOWN = (
    ("0", "1"),
    ("-1", "1"),
    ("false", "true"),
    ("f", "t"),
    ("no", "yes"),
    ("n", "y"),
    ("off", "on"),
    ("negative", "positive"),
    ("neg", "pos"),
    ("-", "+"),
    ("absent", "present"),
)
_NEGATION = re.compile(r"(?:not|no|non)[\s_-]+(.+)")


def with_positive(task: Task, said: str) -> Task:
    """`task` with its positive class: as `said` by the user, else as everybody knows it; None where nothing depends on
    it. Raises GomeError: `said` is no class, or it is not said and not known.
    """
    if said:
        return task.model_copy(update={"positive": _class_called(task, said)})
    if not depends_on_positive(task):
        return task
    positive = _known(task.classes) or _named_by_column(task)
    if positive is None:
        one, other = task.classes
        raise GomeError(
            f"{task.root}/{task.train}: which class of {task.target[0]!r} is the positive one, {one!r} or {other!r}? "
            f"The score by {task.metric!r} depends on it; give `positive`."
        )
    return task.model_copy(update={"positive": positive})


def depends_on_positive(task: Task) -> bool:
    """Whether a score of the task is another one if the two classes change places."""
    if task.problem != "binary":
        return False
    one_column = len(task.prediction) == 1
    return get(task.metric, root=task.grader_root).one_sided or (one_column and answer_form(task) != "label")


def _class_called(task: Task, said: str) -> str:
    if task.problem != "binary":
        raise GomeError(f"`positive` is for two classes; the target {task.target[0]!r} is {task.problem}.")
    if said not in task.classes:
        raise GomeError(
            f"{task.root}/{task.train}: {said!r} is no class of {task.target[0]!r}{nearest(said, task.classes)}."
        )
    return said


def _known(classes: list[str]) -> str | None:
    by_text = {label.strip().lower(): label for label in classes}
    for negative, positive in _KNOWN:
        if set(by_text) == {negative, positive}:
            return by_text[positive]
    for text, label in by_text.items():
        if (denied := _NEGATION.fullmatch(text)) and denied[1] in by_text and by_text[denied[1]] != label:
            return by_text[denied[1]]
    return None


def _named_by_column(task: Task) -> str | None:
    """The class that the one prediction column is named after."""
    return task.prediction[0] if len(task.prediction) == 1 and task.prediction[0] in task.classes else None
