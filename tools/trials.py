"""Trials: runs of the coder's program on the smoke split, looked at before it is handed in.

They are ordinary evaluations, kept by the program's text: neither a resumed run nor the runner does one again. Nothing is
graded: on so few rows a score would rank changes wrongly.
"""

from collections.abc import Callable
from statistics import median

from gome.state.parts import Evaluation, Trial
from gome.tools.evaluator import Evaluator
from gome.tools.execution.crash import relevant_tail
from gome.tools.models.tool_calls import capped
from gome.tools.time_limits import SMOKE_LIMIT_S
from gome.tools.wording import waiting_words

OUTPUT_CHARS = 6000


def trial_limit_s(evaluator: Evaluator) -> float:
    """Seconds that a trial may take."""
    return min(SMOKE_LIMIT_S, evaluator.limits.wall_s)


def run_trial(
    evaluator: Evaluator,
    program: str,
    *,
    trace: int,
    step: int,
    told: Callable[[str], str] | None = None,
) -> Trial:
    """Run `program` on the smoke split. `told`: nothing that it prints is shown, and of a problem what this makes of it.

    Raises RunStopped when asked to stop, BudgetReached when the search's time is used up.
    """
    evaluation = evaluator.evaluate(program, "smoke", trace=trace, step=step)
    log = evaluator.artifacts.get_text(evaluation["log"]) if evaluation["log"] else ""
    ran = evaluation["status"] == "ok"
    parts = [_outcome(evaluation, told or str)]
    if ran:
        parts.append(_on_all_data(evaluator, program, evaluation))
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
    seconds = evaluation["seconds"]
    waited = waiting_words(seconds, evaluation.get("fold_cpu_seconds"))
    cost = f"{seconds:.1f} s{waited}, {evaluation['peak_mb']:.0f} MB at its peak"
    if evaluation["status"] == "ok":
        return f"It ran to its end, and submission.csv passes the format check: {cost}."
    return f"It failed with status {evaluation['status']}: {cost}.\n" + "\n".join(
        map(told, evaluation["problems"])
    )


def _on_all_data(evaluator: Evaluator, program: str, evaluation: Evaluation) -> str:
    """What time and memory come to on a search fold: as the figures of the run's earlier programs grew, and at most."""
    if evaluator.task.self_reported:
        return ""
    plan, limits, seconds = evaluator.inputs.plan, evaluator.limits, evaluation["seconds"]
    small, large = (len(plan.folds(split)[0].train_rows) for split in ("smoke", "search"))
    said = [
        f"A search fold has {large:,} rows to learn from, {large / small:.1f} times as many, and may take "
        f"{limits.wall_s:g} s and {limits.memory_mb} MB."
    ]
    if grown := evaluator.results.growth(program, "smoke", "search"):
        times = [max(1.0, growth.seconds) for growth in grown]
        memory = median(growth.memory for growth in grown)
        spread = f" (from {min(times):.3g} to {max(times):.3g})" if max(times) > min(times) else ""
        longer = f"{median(times):.3g} times as long as" if max(times) > 1 else "no longer than"
        said.append(
            f"Forecast by what was measured: the {len(grown)} program{'s' if len(grown) > 1 else ''} that ran there "
            f"before took {longer} in a trial{spread}; "
            f"so this one would take {seconds * median(times):.3g} s and {evaluation['peak_mb'] * memory:.0f} MB."
        )
    return " ".join(
        [
            *said,
            f"At most, if all of the time grows with the rows, none of it start-up: {seconds * large / small:.3g} s.",
        ]
    )
