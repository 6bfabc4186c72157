"""Measures of libraries that take longer to load than all of ours: they are loaded when the first program is graded."""

from collections.abc import Callable
from importlib import import_module
from typing import Any


def late(module: str, function: str) -> Callable[..., Any]:
    """A function of a module that is loaded when it is called first."""

    def call(*given: Any, **options: Any) -> Any:
        return getattr(import_module(module), function)(*given, **options)

    return call
