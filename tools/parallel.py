"""Side by side: the same work on several items in threads, the results in the items' order."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(work: Callable[[Item], Result], items: Iterable[Item], most: int) -> list[Result]:
    """`work` on each item, begun in order, at most `most` at a time. Waits for all, then raises what the first raised.

    The threads see the caller's context variables: LangGraph finds there where an event comes from.
    """
    todo = list(items)
    if len(todo) < 2:
        return [work(item) for item in todo]
    with ThreadPoolExecutor(most) as threads:
        futures = [threads.submit(copy_context().run, work, item) for item in todo]
    return [future.result() for future in futures]
