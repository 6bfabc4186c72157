"""A conversation with the model of one role: prompts that follow one another in one thread, and the use of tools.

Each reply is journalled by its place, each tool keeps by content what it has brought. So a conversation that a crash has
cut off is gone through again from its beginning, and nothing is asked or run twice.
"""

from collections.abc import Callable, Sequence
from itertools import count
from typing import TYPE_CHECKING

from langchain_core.tools import BaseTool

from gome.state.errors import StepFailed
from gome.tools.models.prompt import Prompt
from gome.tools.models.reply import UNFINISHED, Reply, read_reply, repair_text
from gome.tools.models.thread import Asked, Results, Said, Thread
from gome.tools.models.tool_calls import how_to_call, run_call
from gome.tools.records.journal import ToolCall
from gome.tools.spans import labels

if TYPE_CHECKING:
    from gome.tools.models.ask import Asker

NO_MORE = "not done: no calls of tools are left. Reply now, in the format that was asked for."


class Conversation:
    """One thread with the model of `role`. What was said stays in it: nothing is sent as something new twice.

    Tools that were offered once stay offered in later prompts, though they may not be called: they stand before all
    messages in what providers keep of a prompt. A model that calls them nevertheless is sent none from then on.
    """

    def __init__(self, asker: "Asker", role: str, thread: Thread | None = None) -> None:
        self.asker, self.role, self.thread = asker, role, thread or Thread()
        self._offered: Sequence[BaseTool] = ()

    def ask(
        self,
        prompt: Prompt,
        schema: type[Reply],
        *,
        key: str,
        check: Callable[[Reply], None] | None = None,
        tools: Sequence[BaseTool] = (),
        calls: int = 0,
    ) -> Reply:
        """The reply to `prompt`, as `schema`; before it the model may make so many `calls` of `tools`, in one turn or in
        several. `check` may refuse the reply with a ValueError.

        A reply that does not fit, is cut off, empty or a refusal, or asks for more calls than are left, gets one repair
        turn that says so. `key` is trace:step:call; the number of the turn is added. Raises StepFailed when the repair
        fails too or the model cannot answer, BudgetReached when a cap is used up, GomeError when the endpoint refuses the
        key, RunStopped when the run is stopped while it waits; and what a tool raises that ends more than its call.
        """
        left, repaired = calls if tools else 0, False
        self._offered = tools if left else self._offered
        self.thread.add(Asked(prompt, how_to_call(tools) if left else ""))
        for turn in count():
            said, finish = self._said(f"{key}:{turn}", self._offered)
            if said.calls and left > 0:
                self.thread.add(said, self._results(said.calls, left, tools, f"{key}:{turn}"))
                left -= len(said.calls)
                continue
            try:
                reply = _accepted(said, finish, schema, check)
            except ValueError as error:
                if repaired:
                    raise StepFailed(
                        f"{self.role}: unusable reply after a repair turn: {str(error)[:300]}"
                    ) from None
                self._ask_again(said, finish, str(error))
                repaired = True
                self._offered = self._offered if calls else ()
            else:
                self.thread.add(said)
                return reply
        raise AssertionError("turns have no end")

    def _said(self, key: str, tools: Sequence[BaseTool]) -> tuple[Said, str]:
        exchange, message = self.asker.exchange(self.role, self.thread, key, tools)
        if message and message.invalid_tool_calls:
            message = (
                None  # servers fail on broken arguments in what they wrote themselves: it is sent back mended
            )
        calls = tuple(exchange.get("calls", ()))
        return Said(exchange["reply"], calls, message), exchange.get("finish", "stop")

    def _results(self, calls: Sequence[ToolCall], left: int, tools: Sequence[BaseTool], key: str) -> Results:
        """What the first of the calls bring, as many as are left."""
        trace, step, call, turn = (key.split(":") + [""] * 4)[:4]
        rows = []
        for number, made in enumerate(calls):
            where = labels(made["name"], role=self.role, trace=trace, step=step, call=call, turn=turn)
            rows.append((made, run_call(made, tools, where) if number < left else NO_MORE))
        rest = max(0, left - len(calls))
        return Results(
            tuple(rows), f"Calls of tools left: {rest}." if rest else "No calls of tools are left."
        )

    def _ask_again(self, said: Said, finish: str, problem: str) -> None:
        repair = repair_text(problem, finish)
        if said.calls:
            self.thread.add(said, Results(tuple((call, NO_MORE) for call in said.calls), repair))
            return
        if finish == "stop":  # not half a reply: it would be taken up where it ended
            self.thread.add(said)
        self.thread.add(Asked(Prompt("", repair)))


def _accepted(said: Said, finish: str, schema: type[Reply], check: Callable[[Reply], None] | None) -> Reply:
    if finish in UNFINISHED:
        raise ValueError(UNFINISHED[finish])
    if said.calls and not said.text.strip():
        raise ValueError(NO_MORE)
    reply = read_reply(said.text, schema)
    if check:
        check(reply)
    return reply
