"""The coder's hands: trials as a LangChain tool of its conversation, and the program that it hands in after them."""

from langchain_core.tools import BaseTool, StructuredTool, ToolException

from gome.agents.prompts.edits import MAX_PROGRAM, apply_blocks
from gome.agents.prompts.private import said_of
from gome.agents.prompts.replies import TRY, CodeReply, HandIn
from gome.state.parts import Trial
from gome.state.schema import TraceState
from gome.tools.services import RunServices
from gome.tools.trials import run_trial, trial_limit_s


class Trying:
    """The trials of one conversation: the tool, how often it may be used, and the program as it stands after them.

    `program` is the one to be changed, None for a first draft.
    """

    def __init__(self, state: TraceState, services: RunServices, program: str | None) -> None:
        self.trace, self.step, self.services = state["trace"], state["step"], services
        earlier = state["work"].get("trials")
        self.trials: list[Trial] = services.artifacts.get_json(earlier) if earlier else []
        self.given = self.program = program
        self.runs: str | None = None  # the last that ran to its end and has the form
        self.made = 0
        config = services.config
        self.allowed = max(0, config.trials - len(self.trials)) if config.has("trials") else 0

    @property
    def seconds(self) -> int:
        """What one trial may take."""
        return round(trial_limit_s(self.services.evaluator))

    @property
    def schema(self) -> type[CodeReply]:
        """What the coder replies at last: with trials it may hand in what it has tried, without a word of code."""
        return HandIn if self.allowed else CodeReply

    @property
    def tool(self) -> BaseTool:
        """The tool as a model is offered it."""
        does = (
            "Changes the program by search/replace blocks (or takes a whole one), runs it on a small part of the data,"
            f" at most {self.seconds} s, and shows what it prints, the format check, time and memory."
        )
        return StructuredTool.from_function(self._run, name=TRY, description=does)

    def handed_in(self, reply: CodeReply) -> str:
        """The program that the last reply stands for. ValueError if there is none in it and none was tried."""
        if reply.program is None and not reply.blocks:
            if not self.made or self.program is None:
                raise ValueError(
                    "no search/replace block and no whole program in a ```python block was found"
                )
            return self.program
        try:
            return updated(reply, self.program)
        except ValueError:
            # the change that was tried, said once more as a change of the program that was given
            if self.made and self._was_tried(reply):
                return str(self.program)
            raise

    def check(self, reply: CodeReply) -> None:
        """Raises ValueError where `handed_in` would."""
        self.handed_in(reply)

    def _was_tried(self, reply: CodeReply) -> bool:
        try:
            return updated(reply, self.given) == self.program
        except ValueError:
            return False

    def _run(self, edit: str) -> str:
        self.services.emit("coder", f"trial {len(self.trials) + 1}", self.trace, self.step)
        try:
            program = updated(CodeReply.from_call(edit), self.program)
        except ValueError as error:
            raise ToolException(f"not run: {error}") from None
        trial = run_trial(
            self.services.evaluator,
            program,
            trace=self.trace,
            step=self.step,
            told=said_of if self.services.private("coder") else None,
        )
        self.program, self.made = program, self.made + 1
        self.runs = self.runs if trial["problems"] else program
        self.trials.append(trial)
        return trial["output"]


def updated(reply: CodeReply, program: str | None) -> str:
    """The program that a reply stands for. ValueError if an edit does not fit or the result is no Python, or more of it
    than an interpreter can take."""
    if reply.program is not None:
        text = reply.program
    elif program is None:
        raise ValueError("there is no program to edit yet: give the whole program in one ```python block")
    else:
        text = apply_blocks(program, reply.blocks)
        if text == program:
            raise ValueError("the blocks change nothing")
    if len(text) > MAX_PROGRAM:
        raise ValueError(f"the program has more than {MAX_PROGRAM:,} characters: make it shorter")
    try:
        compile(text, "main.py", "exec")
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"the resulting program is not valid Python: {error}") from None
    except (MemoryError, RecursionError):  # what Python's own parser says of expressions nested too deep
        raise ValueError(
            "the resulting program has an expression nested deeper than Python can read"
        ) from None
    return text
