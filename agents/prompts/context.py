"""The context that prompts carry: one builder per part, all of it measured by the harness or read from records."""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, cast

from gome.agents.prompts.render import answer_words
from gome.optimizer.line_search import is_searching
from gome.optimizer.stages import binding_cap, stage_of, step_seed
from gome.optimizer.traces import has_stalled
from gome.state.in_flight import Incumbent, MergedProgram
from gome.state.parts import fold_seconds
from gome.state.plain import JsonObject
from gome.state.profile import ColumnProfile, DataProfile
from gome.state.prompt_context import (
    IncumbentContext,
    PromptContext,
    SplitContext,
    StepContext,
    TaskContext,
)
from gome.state.schema import TraceState
from gome.state.step import StepBrief, brief_from_json
from gome.tools.evaluation.answer_form import answer_form
from gome.tools.evaluation.grading import metric_of
from gome.tools.records.by_step import last_of_each
from gome.tools.records.naive_file import read_naive
from gome.tools.services import RunServices
from gome.tools.wording import readable

SHOWN_STEPS, SHOWN_SIBLINGS, SHOWN_CLASSES = 8, 8, 50
SLIGHT_DRIFT, COMMON = 0.1, 0.1
_OLDER_KEYS = ("step", "hypothesis", "component", "verdict", "gain")
_SIBLING_KEYS = (
    "trace",
    "step",
    "hypothesis",
    "component",
    "verdict",
    "gain_se",
    "score",
    "lesson",
    "findings",
)
_MEMORY_KEYS = (
    "id",
    "trace",
    "step",
    "hypothesis",
    "component",
    "verdict",
    "gain",
    "gain_se",
    "score",
    "lesson",
)
_EARLIER_KEYS = ("run", "task", "metric", "direction")
_IDEA_KEYS = ("trace", "hypothesis", "component", "gain", "gain_se", "score", "lesson")
_UNSAID = ("id", "code")
_OF_ITS_STEP = ("hypothesis", "component", "feedback")
_CODERS_FACTS = ("folds", "train_score", "valid_score", "importance", "stages")


def base_context(services: RunServices, state: TraceState) -> PromptContext:
    """The context of every call: where in the run we are, the task, the machine, what is left."""
    trace, step = state["trace"], state["step"]
    base: PromptContext = {
        "trace": trace,
        "traces": services.config.traces,
        "step": step,
        "stage": stage_of(services, state),
        "seed": step_seed(services.config.seed, trace, step),
        "task": _task_context(services),
        "hardware": services.hardware,
        "budget": {
            "steps_left": None if services.config.steps is None else int(services.allowance(trace) - step),
            "seconds_left": round(max(0.0, services.budget.search_seconds_left())),
            "used": binding_cap(services, trace, step)[1],
            "program_time_limit_s": services.config.program_time_limit_s,
        },
        "splits": _splits_context(services),
        "stalled": _stalled(state, services),
        "packages": services.packages,
    }
    if is_searching(services):
        base["tuning"] = True
    if previews := services.profile.get("previews"):
        base["previews"] = previews
    return base


def _task_context(services: RunServices) -> TaskContext:
    """The task without what is the harness's alone, and how its answers are to be written."""
    task = services.task
    shown = task.model_dump(
        exclude={
            "root",
            "description",
            "metric_from",
            "metric_columns",
            "more_ids",
            "direction_known",
            "drop",
            "numbered",
            "adapter",
            "adapter_name",
            *([] if task.self_reported else ["self_reported"]),
            "time_limit_s",
            "program_time_limit_s",
        }
    )
    shown["dates"] = {name: written.format for name, written in task.dates.items()}
    shown |= {"ids": task.ids, "text_columns": task.text_columns}
    if tree := services.profile.get("tree"):
        shown["tree"] = tree
    shown["classes"] = task.classes[:SHOWN_CLASSES]
    several = task.problem == "multilabel"
    shown["form"] = answer_words(
        answer_form(task), cell=metric_of(task).cell, several=several, positive=task.says_positive
    )
    return cast(TaskContext, shown)


def _stalled(state: TraceState, services: RunServices) -> int | None:
    """How many steps in a row the trace gained nothing, once they are `patience` or more."""
    return state["traces"][str(state["trace"])]["stalled"] if has_stalled(state, services) else None


def data_context(services: RunServices) -> DataProfile:
    """The data profile without what says nothing: absent gaps, slight drift, moments of flags, rare values; a few whole
    rows, and what the best constant prediction scores."""
    profile = cast(
        DataProfile, {k: v for k, v in services.profile.items() if k not in ("previews", "pictures")}
    )
    columns = [_telling(column, profile["rows"]) for column in profile["columns"]]
    shown: DataProfile = {**profile, "columns": columns, "examples": services.evaluator.examples}
    if naive := read_naive(services.run_dir).get("search"):
        shown["naive_score"] = float(f"{naive['value']:.5g}")
    return shown


def _splits_context(services: RunServices) -> dict[str, SplitContext]:
    """How many rows, or units, a program is given and graded on in each of its runs; nothing where they all get all."""
    if services.task.self_reported:
        return {}
    plan = services.evaluator.inputs.plan
    return {
        name: {
            "folds": len(folds),
            "trains_on": len(folds[0].train_rows),
            "graded": len(folds[0].test_rows),
        }
        for name in ("smoke", "search", "selection")
        if (folds := plan.folds(name))
    }


def _telling(column: ColumnProfile, rows: int) -> ColumnProfile:
    silent = {"dtype"}  # the harness's own pandas says it, and the runtime's may say otherwise
    silent |= {key for key in ("missing", "test_missing") if not column.get(key)}
    if column["kind"] == "boolean":
        silent |= {"min", "max", "std", "skew"}
    commonest = (column.get("top") or [[None, 0]])[0][1]
    if column["kind"] in ("number", "integer") and commonest < COMMON * rows:
        silent |= {"top"}
    if (column.get("drift") or 0) < SLIGHT_DRIFT:
        silent |= {"drift"}
    return cast(ColumnProfile, {key: value for key, value in column.items() if key not in silent})


def incumbent_context(services: RunServices, incumbent: Incumbent) -> IncumbentContext:
    """What is known of the trace's current best program."""
    evaluation = services.artifacts.get_json(incumbent["evaluation"])
    score = incumbent["score"]
    return {
        "step": incumbent["step"],
        "score": score["value"],
        "stderr": score["stderr"],
        "folds": score["folds"],
        "fold_seconds": fold_seconds(evaluation),
        "fold_cpu_seconds": evaluation.get("fold_cpu_seconds"),
        "peak_mb": evaluation["peak_mb"],
        "gpu_peak_mb": evaluation.get("gpu_peak_mb"),
        "component": incumbent["component"],
        "hypothesis": incumbent["hypothesis"],
        "facts": evaluation["facts"],
        "problems": evaluation["problems"],
        "feedback": incumbent["feedback"],
    }


def history_context(state: TraceState) -> list[StepContext]:
    """The steps of this trace, newest last: the last ones in full, what was tried before them and came of it in brief."""
    rows = [brief_from_json(r) for r in state.get("records", []) if r["trace"] == state["trace"]]
    older = [_part(row, _OLDER_KEYS) for row in rows[:-SHOWN_STEPS]]
    last = (_part(row, [k for k in row if k not in _UNSAID]) for row in rows[-SHOWN_STEPS:])
    return [*older, *map(_said_once, last)]


def sibling_context(services: RunServices, state: TraceState) -> list[StepContext]:
    """What the other traces tried last and are trying now."""
    steps = sibling_steps(services, state)
    past = sorted((row for row in steps if row["verdict"] != "running"), key=itemgetter("step"))
    return [*past[-SHOWN_SIBLINGS:], *(row for row in steps if row["verdict"] == "running")]


def sibling_steps(services: RunServices, state: TraceState) -> list[StepContext]:
    """The last steps of each other trace, and the one that it has claimed and not finished, as `running`; without
    momentum the latter alone, as a trace knows nothing then of what came of steps."""
    tried = last_of_each(services.momentum.entries(), SHOWN_SIBLINGS)
    done = {(e["trace"], e["step"]) for e in tried}
    open_claims = (row for row in services.momentum.claims() if (row["trace"], row["step"]) not in done)
    running: list[StepContext] = [{**row, "verdict": "running"} for row in open_claims]
    past = [_said_once(_part(e, _SIBLING_KEYS)) for e in tried] if services.config.has("momentum") else []
    return [row for row in (*past, *running) if row["trace"] != state["trace"]]


def momentum_context(entries: Iterable[StepBrief]) -> list[StepContext]:
    """Remembered steps as the choice among hypotheses is shown them."""
    return [_said_once(_part(e, (*_MEMORY_KEYS, *_EARLIER_KEYS))) for e in entries]


def shown_ids(context: PromptContext) -> set[str]:
    """Which steps a prompt with this context tells in full."""
    rows = [*context.get("history", []), *context.get("siblings", []), *context.get("momentum", [])]
    return {row.get("id") or f"{row['trace']}:{row['step']}" for row in rows if "trace" in row}


def without_history(incumbent: IncumbentContext, history: Sequence[StepContext]) -> IncumbentContext:
    """The incumbent without what the line of its step in `history` says, where it is there."""
    told = {row["hypothesis"] for row in history if row["step"] == incumbent["step"]}
    if incumbent["hypothesis"] not in told:
        return incumbent
    left = {k: v for k, v in incumbent.items() if k not in _OF_ITS_STEP}
    return cast(IncumbentContext, left)


def incumbent_in_short(incumbent: IncumbentContext) -> IncumbentContext:
    """The incumbent for the coder: its scores, what it costs and where its time goes. The plan was made of the rest."""
    facts = {k: v for k, v in incumbent["facts"].items() if k in _CODERS_FACTS}
    left = {k: v for k, v in incumbent.items() if k not in _OF_ITS_STEP}
    return cast(IncumbentContext, {**left, "facts": facts})


def merge_context(other: MergedProgram) -> JsonObject:
    """The program to be merged in, with the accepted ideas that led to it and those that either side refuted."""
    rows = {"accepted": other["accepted"], "refuted": other.get("refuted", [])}
    return {**other, **{name: [_part(e, _IDEA_KEYS) for e in found] for name, found in rows.items()}}


def _said_once(row: StepContext) -> StepContext:
    """The step without what its lesson repeats while no diagnosis has drawn one: its hypothesis, and its feedback."""
    begin = f"{readable(row['hypothesis']).rstrip('.')}: "
    if not row.get("lesson", "").startswith(begin):
        return row
    if "feedback" in row:
        return cast(StepContext, {k: v for k, v in row.items() if k != "lesson"})
    return {**row, "lesson": row["lesson"].removeprefix(begin)}


def _part(row: Mapping[str, Any], keys: Iterable[str]) -> StepContext:
    return cast(StepContext, {key: row[key] for key in keys if key in row})
