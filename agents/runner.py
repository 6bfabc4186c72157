"""The runner: the execution tool. First the smoke split, until the program runs; then the search split, graded."""

from collections.abc import Sequence

from gome.optimizer.racing import race_against
from gome.state.in_flight import FailedRun
from gome.state.parts import Evaluation, fold_seconds
from gome.state.schema import TraceState
from gome.tools.services import RunServices


def runner(state: TraceState, services: RunServices) -> TraceState:
    """Run the step's program. A failure goes back to the coder while debug rounds are left, else on to the critic; so
    does what takes too long on the smoke split even after the coder made it cheaper."""
    work, trace, step = state["work"], state["trace"], state["step"]
    program = services.artifacts.get_text(str(work["code"]))
    evaluation: Evaluation | None = None
    incumbent = state.get("incumbent")
    look = race_against(services, incumbent["evaluation"]) if incumbent else None
    for split in ("smoke", "search"):

        def on_fold(done: int, folds: int, split: str = split) -> None:
            part = f"{split} {done}/{folds}" if folds > 1 else split
            services.emit("runner", part, trace, step)

        evaluation = services.evaluator.evaluate(
            program,
            split,
            trace=trace,
            step=step,
            on_fold=on_fold,
            look=look if split == "search" else None,
        )
        if evaluation["status"] != "ok":
            break
    assert evaluation is not None
    ref = services.artifacts.put_json(evaluation)
    spent = work["rounds"] >= services.config.debug_rounds or _too_dear([*work["errors"], evaluation])
    if evaluation["status"] == "ok" or spent:
        return {"work": {**work, "evaluation": ref}, "next": "critic"}
    error = FailedRun(
        split=evaluation["split"],
        status=evaluation["status"],
        problems=evaluation["problems"],
        log=evaluation["log"],
        seconds=fold_seconds(evaluation),
        cpu_seconds=evaluation.get("fold_cpu_seconds"),
        stages=evaluation["facts"].get("stages", {}),
    )
    services.emit("runner", f"failed: {evaluation['problems'][0]}", trace, step)
    return {"work": {**work, "evaluation": ref, "errors": [*work["errors"], error]}, "next": "coder"}


def _too_dear(runs: Sequence[FailedRun | Evaluation]) -> bool:
    """Whether the last of a step's runs is its second that timed out on the smoke split: no repair is the matter."""
    timed_out = [run["split"] == "smoke" and run["status"] == "timeout" for run in runs]
    return timed_out[-1] and sum(timed_out) > 1
