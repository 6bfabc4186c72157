"""Trials: runs of the coder's program on the smoke split, looked at before it is handed in.

They are ordinary evaluations, kept by the program's text: neither a resumed run nor the runner does one again. Nothing is
graded: on so few rows a score would rank changes wrongly.
"""

from collections.abc import Callable

from gome.state.parts import Evaluation, Trial
from gome.tools.evaluator import SMOKE_LIMIT_S, Evaluator
from gome.tools.execution.crash import relevant_tail
from gome.tools.models.tool_calls import capped

OUTPUT_CHARS = 6000
MOMENT_S = 0.05
"""Seconds below which a run's time says nothing."""


def trial_limit_s(evaluator: Evaluator) -> float:
    """Seconds that a trial may take."""
    return min(SMOKE_LIMIT_S, evaluator.limits.wall_s)


def run_trial(
    evaluator: Evaluator,
    program: str,
    *,
    trace: int,
    step: int,
    before: str | None,
    told: Callable[[str], str] | None = None,
) -> Trial:
    """Run `program` on the smoke split; `before` is the program of the incumbent, whose figures tell how cost grows.
    `told`: nothing that it prints is shown, and of a problem what this makes of it.

    Raises RunStopped when asked to stop, BudgetReached when the search's time is used up.
    """
    evaluation = evaluator.evaluate(program, "smoke", trace=trace, step=step)
    log = evaluator.artifacts.get_text(evaluation["log"]) if evaluation["log"] else ""
    ran = evaluation["status"] == "ok"
    parts = [_outcome(evaluation, told or str)]
    if ran:
        parts.append(_on_all_data(evaluator, evaluation, before))
    elif not told and (stages := evaluation["facts"].get("stages")):
        parts.append(
            f"Seconds of the stages that it finished: {', '.join(f'{k} {v}' for k, v in stages.items())}."
        )
    printed = log.strip() if ran else relevant_tail(log)
    if not told:
        parts.append(f"What it printed:\n{capped(printed or '(nothing)', OUTPUT_CHARS)}")
    return Trial(
        program=evaluator.artifacts.put_text(program, "py"),
        log=evaluation["log"],
        problems=evaluation["problems"],
        output="\n\n".join(filter(None, parts)),
        seconds=round(evaluation["seconds"], 2),
    )


def _outcome(evaluation: Evaluation, told: Callable[[str], str]) -> str:
    cost = f"{evaluation['seconds']:.1f} s, {evaluation['peak_mb']:.0f} MB at its peak"
    if evaluation["status"] == "ok":
        return f"It ran to its end, and submission.csv passes the format check: {cost}."
    return f"It failed with status {evaluation['status']}: {cost}.\n" + "\n".join(
        map(told, evaluation["problems"])
    )


def _on_all_data(evaluator: Evaluator, evaluation: Evaluation, before: str | None) -> str:
    """What time and memory come to on a search fold, judged by the rows and by how the incumbent's figures grew."""
    if evaluator.task.self_reported:
        return ""
    plan, limits = evaluator.inputs.plan, evaluator.limits
    small, large = (len(plan.folds(split)[0].train_rows) for split in ("smoke", "search"))
    linear = evaluation["seconds"] * large / small
    said = [
        f"A search fold has {large:,} rows to learn from, {large / small:.1f} times as many, and may take "
        f"{limits.wall_s:g} s and {limits.memory_mb} MB. If all of the time grows with the rows: {linear:.3g} s."
    ]
    smoke, search = (evaluator.results.first_fold(before, s) if before else None for s in ("smoke", "search"))
    if smoke and search:
        seconds = evaluation["seconds"] * search["seconds"] / max(smoke["seconds"], MOMENT_S)
        megabytes = evaluation["peak_mb"] * search["peak_mb"] / max(smoke["peak_mb"], 1.0)
        said.append(f"If it grows as the incumbent's did: {seconds:.3g} s and {megabytes:.0f} MB.")
    return " ".join(said)
