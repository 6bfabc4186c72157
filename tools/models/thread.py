"""What was said in one conversation with a model, and how it is sent: each part once, the oldest first."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from gome.tools.models.pictures import Picture
from gome.tools.models.prompt import Prompt
from gome.tools.models.tool_calls import as_text, capped
from gome.tools.records.journal import ToolCall
from gome.tools.text import fenced

SHORT_OUTPUT = 600
"""Characters that are left of an older output when a conversation outgrows the model's context."""


@dataclass(frozen=True)
class Asked:
    """A prompt; `how` tells a model whose endpoint knows no tool calls how to make one."""

    prompt: Prompt
    how: str = ""


@dataclass(frozen=True)
class Said:
    """A reply. `message` is the provider's own, with what it wants to see again; None after a resume."""

    text: str
    calls: tuple[ToolCall, ...] = ()
    message: AIMessage | None = None


@dataclass(frozen=True)
class Results:
    """What the calls of the reply before it brought, and what is to be said about them."""

    rows: tuple[tuple[ToolCall, str], ...]
    note: str

    @property
    def short(self) -> "Results":
        """The same with the middle of long outputs left out."""
        return Results(tuple((call, capped(output, SHORT_OUTPUT)) for call, output in self.rows), self.note)


Turn = Asked | Said | Results


@dataclass
class Thread:
    """The turns of a conversation. It begins with a prompt, whose system text holds for all of it.

    `journalled` is the key under which it was sent last, and the messages as they were written down then.
    """

    turns: list[Turn] = field(default_factory=list)
    journalled: tuple[str, list[dict[str, str]]] | None = None

    def add(self, *turns: Turn) -> None:
        """Say more."""
        self.turns += turns

    def messages(self, *, native: bool) -> list[BaseMessage]:
        """As LangChain has it: calls in the provider's form if it is to see them so (`native`), else as text."""
        made: list[BaseMessage] = []
        for turn in self.turns:
            if isinstance(turn, Asked):
                system = [SystemMessage(turn.prompt.system)] if turn.prompt.system and not made else []
                how = "" if native or not turn.how else f"\n{turn.how}\n"
                made += [*system, _asked(turn.prompt.user + how, turn.prompt.pictures)]
            elif isinstance(turn, Said):
                made.append(_reply(turn, native))
            else:
                made += _results(turn, native)
        return made

    def shorten(self) -> bool:
        """Make one part shorter: pictures first; outputs of tools, the oldest before others and the newest never; then
        what prompts can do without. False when nothing is left that may be left out."""
        if self.drop_pictures():
            return True
        outputs = [at for at, turn in enumerate(self.turns) if isinstance(turn, Results)]
        for at in outputs[:-1]:
            turn = self.turns[at]
            if isinstance(turn, Results) and turn.short != turn:
                self.turns[at] = turn.short
                return True
        for at, turn in enumerate(self.turns):
            if isinstance(turn, Asked) and (shorter := turn.prompt.shorter()) is not None:
                self.turns[at] = Asked(shorter, turn.how)
                return True
        return False

    def drop_pictures(self) -> bool:
        """Leave out the pictures of all prompts. False if there are none."""
        shown = [at for at, turn in enumerate(self.turns) if isinstance(turn, Asked) and turn.prompt.pictures]
        for at in shown:
            turn = self.turns[at]
            assert isinstance(turn, Asked)
            self.turns[at] = replace(turn, prompt=replace(turn.prompt, pictures=()))
        return bool(shown)


def _asked(text: str, pictures: Sequence[Picture]) -> HumanMessage:
    if not pictures:
        return HumanMessage(text)
    blocks = [block for picture in pictures for block in picture.blocks]
    return HumanMessage(content=[{"type": "text", "text": text}, *blocks])


def _native(call: ToolCall) -> bool:
    return call["id"] is not None


def _reply(said: Said, native: bool) -> AIMessage:
    own = [call for call in said.calls if _native(call)]
    if not own:
        return AIMessage(said.text)
    if native and said.message is not None:
        return said.message
    if native:
        calls = [{"name": c["name"], "args": c["args"], "id": c["id"], "type": "tool_call"} for c in own]
        return AIMessage(said.text, tool_calls=calls)
    return AIMessage("\n\n".join([*filter(None, [said.text]), *map(as_text, own)]))


def _results(turn: Results, native: bool) -> list[BaseMessage]:
    """Outputs are evidence, and fenced where they stand in a message that else is ours."""
    if native and all(_native(call) for call, _ in turn.rows):
        *before, (call, output) = turn.rows
        return [
            *(ToolMessage(output, tool_call_id=call["id"]) for call, output in before),
            ToolMessage(f"{output}\n\n{turn.note}".strip(), tool_call_id=call["id"]),
        ]
    parts = [f"What `{call['name']}` brought:\n\n{fenced(output, 'text')}" for call, output in turn.rows]
    return [HumanMessage("\n\n".join([*parts, turn.note]).strip())]
