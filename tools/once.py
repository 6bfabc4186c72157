"""What rests on graded predictions alone, computed once for a run and not again at each of its steps."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from gome.tools.evaluator import Evaluator

Found = TypeVar("Found")
_found: WeakKeyDictionary[Evaluator, dict[Hashable, Any]] = WeakKeyDictionary()


def once(evaluator: Evaluator, key: Hashable, compute: Callable[[], Found]) -> Found:
    """What `compute` gave when it was first called for this run and key. Several threads may compute it side by side."""
    known = _found.setdefault(evaluator, {})
    if key not in known:
        known[key] = compute()
    return known[key]
