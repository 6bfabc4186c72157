"""What the rules have a program for."""

from gome.state.task import Task

NO_RULES = (
    "the offline reasoner has rules for train and test tables with classes or numbers to predict, and none for this "
    "task; a language model (--model) looks at the files itself"
)
_NO_PARTS = ("detection", "text")
"""Problems that no part of a program of the rules solves."""


def has_rules(task: Task) -> bool:
    """Whether the rules can write programs for the task."""
    return bool(task.train) and task.problem not in _NO_PARTS
