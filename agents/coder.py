"""The coder: the update step. The plan becomes an edit of the incumbent, and failing programs are mended."""

from typing import Any, cast

from gome.agents.forking import fork_of
from gome.agents.prompts.context import base_context, data_context, incumbent_context, merge_context
from gome.agents.prompts.edits import MAX_PROGRAM, apply_blocks
from gome.agents.prompts.render import render
from gome.agents.prompts.replies import CodeReply
from gome.state.prompt_context import PromptContext
from gome.state.schema import TraceState
from gome.tools.execution.crash import relevant_tail
from gome.tools.services import RunServices

ROLE = "coder"


def coder(state: TraceState, services: RunServices) -> TraceState:
    """Write the step's program (draft or edit), or mend the one that just failed; returns it in `work`."""
    debugging = bool(state["work"]["errors"])
    fork: TraceState = {} if debugging else fork_of(state, services)
    state = cast(TraceState, {**state, **fork})
    work = state["work"]
    program, said = _debug(state, services) if debugging else _write(state, services)
    code = services.artifacts.put_text(program, "py")
    following = "reviewer" if services.config.review == "programs" else "runner"
    repairs = [*work.get("repairs", []), *([said] if debugging and said else [])]
    rounds = work["rounds"] + debugging
    return {**fork, "work": {**work, "code": code, "rounds": rounds, "repairs": repairs}, "next": following}


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


def _write(state: TraceState, services: RunServices) -> tuple[str, str]:
    proposal = services.artifacts.get_json(state["work"]["proposal"])
    context: PromptContext = {
        **base_context(services, state),
        "hypothesis": proposal["hypothesis"],
        "plan": proposal["plan"],
        "data": data_context(services),
    }
    program = None
    if incumbent := state.get("incumbent"):
        program = services.artifacts.get_text(incumbent["code"])
        context["incumbent"] = incumbent_context(services, incumbent)
    call, texts = "edit" if program else "draft", {}
    if other := proposal.get("other"):
        call, context["other"] = "merge", merge_context(other)
        texts["other_program"] = services.artifacts.get_text(other["code"])
    services.emit("coder", call, state["trace"], state["step"])
    return _ask(state, services, call, context, program, **texts)


def _debug(state: TraceState, services: RunServices) -> tuple[str, str]:
    work = state["work"]
    error = work["errors"][-1]
    program = services.artifacts.get_text(str(work["code"]))
    log = services.artifacts.get_text(error["log"]) if error["log"] else ""
    proposal = services.artifacts.get_json(work["proposal"])
    context: PromptContext = {
        **base_context(services, state),
        "hypothesis": proposal["hypothesis"],
        "data": data_context(services),
        "error": {
            "status": error["status"],
            "problems": error["problems"],
            "seconds": error["seconds"],
            "round": work["rounds"],
            "stages": error.get("stages", {}),
        },
    }
    services.emit(
        "coder", f"debug {work['rounds'] + 1}: {error['problems'][0]}", state["trace"], state["step"]
    )
    return _ask(
        state,
        services,
        "debug",
        context,
        program,
        split=error["split"],
        traceback=relevant_tail(log),
        earlier=[e["problems"][0] for e in work["errors"][:-1]],
    )


def _ask(
    state: TraceState,
    services: RunServices,
    call: str,
    context: PromptContext,
    program: str | None,
    **texts: Any,
) -> tuple[str, str]:
    """The program, and what the coder said of it."""
    prompt = render(ROLE, call, context, program=program, description=services.task.description, **texts)
    reply = services.asker.ask(
        ROLE,
        prompt,
        CodeReply,
        key=f"{state['trace']}:{state['step']}:{call}{state['work']['rounds']}",
        check=lambda reply: void(updated(reply, program)),
    )
    return updated(reply, program), reply.said


def void(_: object) -> None:
    """Take a value and give nothing: a check only has to raise or not."""
