"""What comes before the traces and after them, in the graph of a run and in that of one trace."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from langgraph.runtime import Runtime

from gome.agents import selector, surveyor, task_review
from gome.graph.node_call import Work
from gome.graph.registry import ServiceRegistry
from gome.graph.run_layout import (
    PENDING,
    WRITTEN,
    end_survey,
    give_up_survey,
    prepare_run,
    reject_survey,
)
from gome.optimizer.line_search import is_installed
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.state.in_flight import TraceSummary
from gome.state.review import Answer
from gome.state.schema import RunState
from gome.tools.data.leak_advice import leak_line
from gome.tools.data.mlebench import shortened
from gome.tools.data.uploads import write_rows
from gome.tools.records.jsonl import write_json
from gome.tools.records.lessons import add_run
from gome.tools.records.naive_file import naive_line, read_naive
from gome.tools.records.run_file import read_run
from gome.tools.services import RunServices
from gome.tools.wording import self_reported_line


def surveying(registry: ServiceRegistry, bound: RunConfig | None, **fixed: Any) -> Work:
    """The node that lays out the run's folder. `bound` counts where the context is no `RunConfig`, `fixed` always."""

    def survey(state: Mapping[str, Any], runtime: Runtime[RunConfig]) -> RunState:
        """Lay out the run folder, and let a model write an adapter where nobody else understands the task."""
        config = _config(runtime.context, bound).model_copy(update=fixed)
        run_dir = prepare_run(_task(state, config), config, with_model=registry.writes_programs(config))
        if read_run(run_dir).get("survey") == PENDING:
            _survey(registry.services(run_dir, runtime.store, runtime.stream_writer))
            registry.close(run_dir)  # they were those of another task
        return {
            "run_dir": str(run_dir),
            "rows": None,
        }  # rows are in a file now, and would be in every checkpoint

    return survey


def _survey(services: RunServices) -> None:
    try:
        with services.clock.working():
            found = surveyor.survey(services, services.task.self_reported)
    except surveyor.GivenUp as why:
        services.emit("survey", f"given up: {why}")
        surveyor.clear(services.run_dir)
        give_up_survey(services.run_dir, str(why))
    else:
        services.emit("survey", f"the adapter passed all checks: {found[0].adapter}")
        end_survey(services.run_dir, *found)


def _review(services: RunServices) -> None:
    """Let a person decide on the adapter that a model has written, and write the decision down."""
    run_dir = services.run_dir

    def carry_out(answer: Answer) -> None:
        if answer.action == "reject":
            reject_survey(run_dir, answer.reason)
            surveyor.clear(run_dir)
        elif answer.action != "accept":
            end_survey(run_dir, *task_review.with_changes(services, answer))

    decided = task_review.decide(services, carry_out)
    run = read_run(run_dir)
    write_json(run_dir / "run.json", {**run, "survey": f"{run['survey']}; {decided}"})
    services.emit("reviewer", f"task {decided}")


def preparing(registry: ServiceRegistry) -> Work:
    """The node that says what a run rests on, and begins its traces."""

    def prepare(state: Mapping[str, Any], runtime: Runtime[RunConfig]) -> RunState:
        """Say what the run rests on: the metric, the splits, what the data warn of."""
        run_dir = Path(state["run_dir"])
        services = registry.services(run_dir, runtime.store, runtime.stream_writer)
        if services.config.review == "task" and read_run(run_dir).get("survey") == WRITTEN:
            _review(services)
            registry.close(run_dir)  # the task may be another one now
            services = registry.services(run_dir, runtime.store, runtime.stream_writer)
        for line in _opening_lines(services):
            services.emit("prepare", line)
        if services.task.drop:
            services.emit("prepare", f"left out of train and test: {', '.join(services.task.drop)}")
        services.emit("naive", naive_line(services.task.metric, read_naive(run_dir)))
        for warning in services.profile.get("warnings", []):
            services.emit("data", warning["text"])
        for note in services.evaluator.inputs.notes:
            services.emit("input", note)
        for leak in services.profile.get("leaks", []):
            services.emit("leak", leak_line(leak))
        if ended := registry.not_written(services):
            services.emit("ended", ended)
        summary = TraceSummary(step=0, accepted=0, rejected=0, failed=0, incumbent=None, ended=ended)
        return {
            "traces": {str(k): summary for k in range(services.config.traces)},
            "until": services.config.epoch_steps,
        }

    return prepare


def _opening_lines(services: RunServices) -> Iterator[str]:
    """What a run rests on, said before anything runs: metric, positive class, splits, caps."""
    task = services.task
    about = (task.metric, task.says_positive, services.evaluator.inputs.plan.reason)
    yield f"{task.name}: {', '.join(filter(None, about))}"
    if task.self_reported:
        yield self_reported_line(task.self_reported)
    if task.metric_from:
        yield f'metric: {task.metric}, from "{shortened(task.metric_from)}"'
    if task.conventions:
        yield f"read by convention: {'; '.join(task.conventions)}"
    yield services.config.caps
    if services.config.has("tuning") and not is_installed():
        yield "no line search of step sizes while slots are idle: install gome[tuning]"


def _config(context: Any, bound: RunConfig | None) -> RunConfig:
    """The run's configuration: the caller's context if it is one, else what the graph was built with."""
    if isinstance(context, RunConfig):
        return context
    if bound:
        return bound
    if context is None or isinstance(context, dict):
        return RunConfig(**(context or {}))
    raise GomeError(f"the context is a {type(context).__name__}: give build_graph(config=RunConfig(...))")


def _task(state: Mapping[str, Any], config: RunConfig) -> str:
    """The path of the task; rows that were sent instead become a table in the folder of runs, named by its content."""
    path, rows = state.get("task"), state.get("rows")
    absent = rows is None or (isinstance(rows, str | list | dict) and not rows)
    if bool(path) != absent:
        raise GomeError(
            "give either `task`, the path of a task folder or of a table, or `rows`, the table itself"
        )
    return str(path) if path else str(write_rows(rows, Path(config.runs_dir) / "uploads"))


def ensembling(registry: ServiceRegistry) -> Work:
    """The node that weighs accepted programs."""

    def ensemble(state: Mapping[str, Any], runtime: Runtime[RunConfig]) -> RunState:
        """Weights over the accepted programs of all traces, from their stored predictions."""
        services = registry.services(Path(state["run_dir"]), runtime.store, runtime.stream_writer)
        with services.clock.working():
            return {"ensemble": selector.ensemble(services)}

    return ensemble


def selecting(registry: ServiceRegistry) -> Work:
    """The node that makes the last choice and ends the run."""

    def select(state: Mapping[str, Any], runtime: Runtime[RunConfig]) -> RunState:
        """Finalists on the held-back part, the choice, the fit on all of the data, the submission; where the finalists
        took less time than was kept for them, the search goes on."""
        services = registry.services(Path(state["run_dir"]), runtime.store, runtime.stream_writer)
        ended = {k: t["ended"] or "steps" for k, t in state["traces"].items()}
        more = _cut_off(state)
        with services.clock.working():
            result = selector.select(services, state["ensemble"], ended, may_go_on=bool(more))
            if result is None:
                services.emit("select", "the end takes less time than was kept for it: the search goes on")
                return {"traces": more}
            _remember(services)
        registry.close(services.run_dir, wait=True)
        return {"result": result}

    return select


def _cut_off(state: Mapping[str, Any]) -> dict[str, TraceSummary]:
    """The traces that would go on if there was time, as they begin again."""
    return {
        k: {**t, "ended": None, "out_of_time": False}
        for k, t in state["traces"].items()
        if t.get("out_of_time")
    }


def _remember(services: RunServices) -> None:
    """Add the run's steps to its file of lessons, if it has one."""
    if services.config.lessons:
        path, run = Path(services.config.lessons), read_run(services.run_dir)["id"][:8]
        count = add_run(path, run, services.task, services.momentum.entries())
        services.emit("lessons", f"{count} steps added to {path}")
