"""Somebody's own grader, in the signature of MLE-bench: grade(submission, answers) -> float."""

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from gome.state.errors import GomeError
from gome.state.task import Problem, Task
from gome.tools.evaluation.metric import GradingError, Metric
from gome.tools.evaluation.parse import true_codes

_KINDS: tuple[Problem, ...] = ("binary", "multiclass", "multilabel", "regression", "ranking", "detection")


def load(name: str, root: str | Path | None = None) -> Metric:
    """The metric of `module:function` or `path/to/file.py:function`, looked up in folder `root`, then in `sys.path`.

    It is called with the submission and with the answers: id and target columns and, where the submission has a
    column a class, these columns as 0 and 1. `direction` of the result stands for nothing; the task says it.
    Raises GomeError if there is no such module or function or if the module fails to import.
    """
    where, _, function = name.rpartition(":")
    grade = getattr(_module(where, None if root is None else str(root)), function, None)
    if not callable(grade):
        raise GomeError(f"metric {name!r}: {where} has no function {function!r}.")
    return Metric(name, "maximize", _KINDS, "value", _frames, _measure(name, grade), own=True)


def _frames(answers: pd.DataFrame, submission: pd.DataFrame, task: Task) -> tuple[pd.DataFrame, pd.DataFrame]:
    if task.problem in ("binary", "multiclass") and len(task.prediction) > 1:
        truth = true_codes(answers, task)
        classes = {c: (truth == i).astype(int) for i, c in enumerate(task.prediction) if c not in answers}
        answers = answers.assign(**classes)
    return answers, submission


def _measure(name: str, grade: Callable[..., Any]) -> Callable[[pd.DataFrame, pd.DataFrame], float]:
    def measure(answers: pd.DataFrame, submission: pd.DataFrame) -> float:
        try:
            return float(grade(submission.reset_index(drop=True), answers.reset_index(drop=True)))
        except Exception as error:  # whatever a stranger's code raises is a fact about these predictions
            reason = (str(error).strip() or "no reason given").splitlines()[0][:300]
            raise GradingError(f"{name}: {type(error).__name__}: {reason}") from error

    return measure


@cache
def _module(where: str, root: str | None) -> ModuleType:
    path = _file(where, root)
    try:
        if path is None:
            return importlib.import_module(where)
        spec = importlib.util.spec_from_file_location(
            f"gome_own_grader_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}", path
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module
    except (Exception, SystemExit) as error:
        reason = (str(error).strip() or "no reason given").splitlines()[0][:300]
        raise GomeError(
            f"metric: {path or where} cannot be imported: {type(error).__name__}: {reason}"
        ) from error


def _file(where: str, root: str | None) -> Path | None:
    """The file of a grader; None for a module that Python has to find."""
    base = Path(root or ".")
    if where.endswith(".py"):
        path = base / where
        if not path.is_file():
            raise GomeError(f"metric: {path}: no such file.")
        return path.resolve()
    path = base.joinpath(*where.split(".")).with_suffix(".py") if where else base
    return path.resolve() if path.is_file() else None
