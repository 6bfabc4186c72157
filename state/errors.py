"""Errors that are meant to be read by the person at the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class GomeError(Exception):
    """Something the user can mend: one line that says what is wrong, where, and what to do.

    What has to be set is named by its field of `RunConfig`, in backticks: "give `metric`". That is its name in a program
    and on a server; the command line prints it as its option, without a traceback, and exits with code 2.
    """


class NotUnderstood(GomeError):
    """A task's files are no train and test tables that belong together, and nobody has said that they were: somebody else
    may know what they are. Where nobody does, its line is the one that is told."""


class NoSample(NotUnderstood):
    """A task folder has no sample submission."""


class BudgetReached(Exception):
    """A cap (tokens, money, time) is used up: the run ends with its best result. Not an error of the user's."""


class TimeReached(BudgetReached):
    """The time of the search is used up. What the end of the run does not need of the rest goes back to the search."""


class GaveWay(Exception):
    """A program that ran in an idle slot was ended: it was in a step's way, or the search is over. What it has finished
    is kept."""


class StepFailed(Exception):
    """A model's reply could not be used even after the repair turn: the step is lost, the run goes on."""


class RunStopped(Exception):
    """Somebody asked the run to stop now: the work in flight is dropped and starts over when the run resumes."""


@contextmanager
def named_as(known: Path, made: Path) -> Iterator[None]:
    """What a GomeError from within says of the path `made`, it says of the one `known`, which the user has given."""
    try:
        yield
    except GomeError as error:
        raise type(error)(str(error).replace(str(made), str(known))) from error
