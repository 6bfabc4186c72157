"""Blocking work awaited: in a thread of its own, so that the event loop goes on."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T], stop: Callable[[], None] | None = None) -> T:
    """The result of the work. Cancelled, it calls `stop`, if there is one, waits for the work to end, and is cancelled
    then: nothing goes on behind the caller's back."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        if stop:
            stop()
        await asyncio.wait([running])
        raise
