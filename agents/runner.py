"""The runner: the execution tool. First the smoke split, until the program runs; then the search split, graded."""

from gome.state.in_flight import FailedRun
from gome.state.parts import Evaluation
from gome.state.schema import TraceState
from gome.tools.services import RunServices


def runner(state: TraceState, services: RunServices) -> TraceState:
    """Run the step's program. A failure goes back to the coder while debug rounds are left, else on to the critic."""
    work, trace, step = state["work"], state["trace"], state["step"]
    program = services.artifacts.get_text(str(work["code"]))
    evaluation: Evaluation | None = None
    for split in ("smoke", "search"):

        def on_fold(done: int, folds: int, split: str = split) -> None:
            part = f"{split} {done}/{folds}" if folds > 1 else split
            services.emit("runner", part, trace, step)

        evaluation = services.evaluator.evaluate(program, split, trace=trace, step=step, on_fold=on_fold)
        if evaluation["status"] != "ok":
            break
    assert evaluation is not None
    ref = services.artifacts.put_json(evaluation)
    if evaluation["status"] == "ok" or work["rounds"] >= services.config.debug_rounds:
        return {"work": {**work, "evaluation": ref}, "next": "critic"}
    error = FailedRun(
        split=evaluation["split"],
        status=evaluation["status"],
        problems=evaluation["problems"],
        log=evaluation["log"],
        seconds=evaluation["seconds"],
    )
    services.emit("runner", f"failed: {evaluation['problems'][0]}", trace, step)
    return {"work": {**work, "evaluation": ref, "errors": [*work["errors"], error]}, "next": "coder"}
