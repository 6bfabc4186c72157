"""The line to one provider, shared by all traces: calls that can be cut, backoff, and waiting out an outage."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.runnables import Runnable, RunnableConfig

from gome.state.errors import BudgetReached, GomeError, RunStopped, StepFailed, TimeReached
from gome.tools.models.background import BackgroundCall
from gome.tools.models.faults import Fault, fault_of

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0
TRIES = 4
"""Failures of one call after which it is asked whether the provider answers at all."""
OUTAGES = 3
"""Outages that one call may meet: a prompt that brings the server down each time is given up."""
REQUEST_TIMEOUT_S = 600.0
POLL_S = 0.1
OUR_OWN = (BudgetReached, GomeError, RunStopped, StepFailed)
_TRANSIENT = {"busy", "down", "odd"}
_PROBE = "Reply with the word OK."


class PromptTooLong(Exception):
    """The prompt does not fit into the model's context."""


class RequestRefused(StepFailed):
    """The provider cannot take this request: something in it, tools for instance, is none of its."""


class Allowance(Protocol):
    """How long a call may take and wait."""

    def search_seconds_left(self) -> float:
        """Seconds until nothing more may be asked."""


@dataclass
class Call:
    """One request on its way: to whom, what, who is told of trouble, and what has befallen it so far."""

    model: BaseChatModel
    messages: list[BaseMessage]
    say: Callable[[str], None]
    tries: int = 0
    outages: int = 0
    answered_before: int = 0


class Gateway:
    """Calls to one provider.

    A call that fails for the provider's sake is tried again: after the time the provider asks for, else after growing
    pauses, which hold for all callers. After `TRIES` failures of one call, and if no other call was answered meanwhile, a
    tiny request finds out whose fault it is. If that is answered the prompt is to blame, and after one more try its step
    is lost. If not, it is an outage: all callers are parked, one asks now and then, and all go on when it is over.

    `stop()` drops a call in flight, `drain()` ends waiting alone.
    """

    def __init__(
        self,
        allowance: Allowance,
        *,
        stop: Callable[[], bool] = lambda: False,
        drain: Callable[[], bool] = lambda: False,
        on_probe: Callable[[BaseChatModel, AIMessage], None] = lambda model, reply: None,
    ) -> None:
        self.allowance, self.stop, self.drain, self.on_probe = allowance, stop, drain, on_probe
        self._lock = threading.Lock()
        self._probing = threading.Lock()
        self._failures, self._answered, self._ready_at = 0, 0, 0.0
        self._fault = ""

    def send(
        self,
        model: BaseChatModel,
        messages: list[BaseMessage],
        say: Callable[[str], None],
        config: RunnableConfig | None = None,
        bound: Runnable[Any, AIMessage] | None = None,
    ) -> AIMessage:
        """The answer to `messages`. `say` is told of every wait, `config` goes to the model; `bound` is the model with
        tools bound to it.

        Raises PromptTooLong; RequestRefused when the provider can't take it as it is; StepFailed when the provider
        answers, but not this; BudgetReached when the time ends first; RunStopped when asked to stop while waiting;
        GomeError when the key, the name, the URL or the account is refused.
        """
        call = Call(model, messages, say, answered_before=self._answered)
        while True:
            self._wait_until_ready()
            try:
                reply = self._within_limits(lambda: (bound or model).invoke(messages, config))
            except OUR_OWN:
                raise
            except Exception as error:  # providers raise their own classes
                self._failed(call, fault_of(error))
            else:
                self._succeeded()
                return reply

    def _failed(self, call: Call, fault: Fault) -> None:
        """Prepare the next try, or raise what the fault amounts to."""
        if fault.kind == "too_long":
            raise PromptTooLong(fault.text) from None  # what the provider raised may quote the key
        if fault.kind == "forbidden":
            raise GomeError(
                f"the model refused the request ({fault.text}); mend that, then `gome resume`"
            ) from None
        if fault.kind not in _TRANSIENT:
            lost = RequestRefused if fault.kind == "bad" else StepFailed
            raise lost(f"the model did not answer ({fault.text})") from None
        pause = self._back_off(fault)
        call.tries += fault.kind != "busy"
        call.say(f"{fault.text}; next try in {pause:.3g} s")
        if call.tries >= TRIES:
            self._find_the_culprit(call, fault)

    def _back_off(self, fault: Fault) -> float:
        """Hold all callers back for as long as the provider asks for, or for growing pauses; returns the seconds. Callers
        that fail together make the pause grow once."""
        with self._lock:
            now, self._fault = time.monotonic(), fault.text
            if fault.retry_after_s is not None:
                self._ready_at = max(self._ready_at, now + fault.retry_after_s + random.uniform(0.0, 0.1))
            elif now >= self._ready_at:
                self._failures += 1
                grown = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(self._failures - 1, 16))
                self._ready_at = now + grown * random.uniform(0.5, 1.0)
            return self._ready_at - now

    def _find_the_culprit(self, call: Call, fault: Fault) -> None:
        """Return when the call may be tried again; raise StepFailed when it is the call's own fault."""
        lost = StepFailed(f"the model did not answer ({fault.text}; {call.tries} tries)")
        if self._answered > call.answered_before or call.tries > TRIES or call.outages >= OUTAGES:
            raise lost from None
        began = time.monotonic()
        if self._probe_until_answered(call):
            call.outages, call.tries = call.outages + 1, 0
            call.say(f"the model answers again after {time.monotonic() - began:.0f} s")
        call.answered_before = self._answered

    def _probe_until_answered(self, call: Call) -> bool:
        """Wait until the provider answers a tiny request, one caller asking for all; True if it did not at once."""
        before, parked = self._answered, False
        while self._answered == before:
            with self._turn_to_probe() as mine:
                if not mine or self._answered != before:
                    continue
                self._wait_until_ready()
                try:
                    reply = self._within_limits(lambda: call.model.invoke([HumanMessage(_PROBE)]))
                except OUR_OWN:
                    raise
                except Exception as error:
                    fault = fault_of(error)
                    if fault.kind not in _TRANSIENT:
                        self._failed(call, fault)
                    if fault.kind == "odd":  # it is there, and answers nothing of use
                        raise StepFailed(f"the model did not answer ({fault.text})") from None
                    pause = self._back_off(fault)
                    if not parked:
                        call.say(f"parked: no answer ({fault.text}); asking again in {pause:.3g} s and on")
                    parked = True
                else:
                    self._succeeded()
                    self.on_probe(call.model, reply)
        return parked

    @contextmanager
    def _turn_to_probe(self) -> Iterator[bool]:
        """Whether it is this caller's turn to probe; waits a moment for it."""
        mine = self._probing.acquire(timeout=POLL_S)
        try:
            if not mine:
                self._check()
            yield mine
        finally:
            if mine:
                self._probing.release()

    def _succeeded(self) -> None:
        with self._lock:
            self._failures, self._answered, self._ready_at = 0, self._answered + 1, 0.0

    def _wait_until_ready(self) -> None:
        while (pause := self._ready_at - time.monotonic()) > 0:
            if pause > self.allowance.search_seconds_left():
                raise TimeReached(
                    f"the model did not answer ({self._fault}), and the time is used up before it may be asked again, "
                    f"in {pause:.0f} s"
                )
            self._check()
            time.sleep(min(pause, POLL_S))
        self._check()

    def _check(self, *, waiting: bool = True) -> None:
        if self.stop() or (waiting and self.drain()):
            raise RunStopped("stopped while waiting for the model")
        if self.allowance.search_seconds_left() <= 0:
            raise TimeReached("the time is used up")

    def _within_limits(self, ask: Callable[[], AIMessage]) -> AIMessage:
        """`ask()` in a thread of its own, which is left to itself when the time is up or the run is stopped: a client's
        own timeout does not end a reply that trickles in."""
        call = BackgroundCall(ask, "model call")
        deadline = time.monotonic() + REQUEST_TIMEOUT_S
        while not call.ends_within(POLL_S):
            self._check(waiting=False)
            if time.monotonic() > deadline:
                raise TimeoutError(f"no answer in {REQUEST_TIMEOUT_S:.0f} s")
        return call.result()
