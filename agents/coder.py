"""The coder: the update step. The plan becomes an edit of the incumbent, and failing programs are mended."""

from typing import Any, cast

from gome.agents.edits import apply_blocks
from gome.agents.facts import base_facts, data_facts, incumbent_facts
from gome.agents.forking import fork_of
from gome.agents.prompting import render
from gome.agents.replies import CodeReply
from gome.state.schema import TraceState
from gome.tools.bench import Bench
from gome.tools.execution.crash import relevant_tail

ROLE = "coder"
_SPLIT_WORDS = {
    "smoke": "the smoke split (a few hundred rows)",
    "search": "a search fold (the full-size data)",
}


def coder(state: TraceState, bench: Bench) -> dict[str, Any]:
    """Write the step's program (draft or edit), or mend the one that just failed; returns it in `work`."""
    debugging = bool(state["work"]["errors"])
    fork: dict[str, Any] = {} if debugging else fork_of(state, bench)
    state = cast(TraceState, {**state, **fork})
    work = state["work"]
    program = _debug(state, bench) if debugging else _write(state, bench)
    code = bench.artifacts.put_text(program, "py")
    following = "reviewer" if bench.config.review == "programs" else "runner"
    return {**fork, "work": {**work, "code": code, "rounds": work["rounds"] + debugging}, "next": following}


def updated(reply: CodeReply, program: str | None) -> str:
    """The program that a reply stands for. ValueError if an edit does not fit or the result is no Python."""
    if reply.program is not None:
        text = reply.program
    elif program is None:
        raise ValueError("there is no program to edit yet: give the whole program in one ```python block")
    else:
        text = apply_blocks(program, reply.blocks)
        if text == program:
            raise ValueError("the blocks change nothing")
    try:
        compile(text, "main.py", "exec")
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"the resulting program is not valid Python: {error}") from None
    return text


def _write(state: TraceState, bench: Bench) -> str:
    proposal = bench.artifacts.get_json(state["work"]["proposal"])
    facts = {
        **base_facts(bench, state),
        "hypothesis": proposal["hypothesis"],
        "plan": proposal["plan"],
        "data": data_facts(bench.profile),
    }
    program = None
    if incumbent := state.get("incumbent"):
        program = bench.artifacts.get_text(incumbent["code"])
        facts["incumbent"] = incumbent_facts(bench, incumbent)
    call, texts = "edit" if program else "draft", {}
    if other := proposal.get("other"):
        call, facts["other"] = "merge", other
        texts["other_program"] = bench.artifacts.get_text(other["code"])
    bench.emit("coder", call, state["trace"], state["step"])
    return _ask(state, bench, call, facts, program, **texts)


def _debug(state: TraceState, bench: Bench) -> str:
    work = state["work"]
    error = work["errors"][-1]
    program = bench.artifacts.get_text(work["code"])
    log = bench.artifacts.get_text(error["log"]) if error["log"] else ""
    proposal = bench.artifacts.get_json(work["proposal"])
    facts = {
        **base_facts(bench, state),
        "hypothesis": proposal["hypothesis"],
        "data": data_facts(bench.profile),
        "error": {
            "status": error["status"],
            "problems": error["problems"],
            "seconds": error["seconds"],
            "round": work["rounds"],
        },
    }
    bench.emit("coder", f"debug {work['rounds'] + 1}: {error['problems'][0]}", state["trace"], state["step"])
    return _ask(
        state,
        bench,
        "debug",
        facts,
        program,
        split_words=_SPLIT_WORDS[error["split"]],
        traceback=relevant_tail(log),
        earlier=[e["problems"][0] for e in work["errors"][:-1]],
    )


def _ask(
    state: TraceState, bench: Bench, call: str, facts: dict[str, Any], program: str | None, **texts: Any
) -> str:
    prompt = render(ROLE, call, facts, program=program, description=bench.task.description, **texts)
    reply = bench.asker.ask(
        ROLE,
        prompt,
        CodeReply,
        key=f"{state['trace']}:{state['step']}:{call}{state['work']['rounds']}",
        check=lambda reply: void(updated(reply, program)),
    )
    return updated(reply, program)


def void(_: object) -> None:
    """Take a value and give nothing: a check only has to raise or not."""
