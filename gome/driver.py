"""Starting and resuming runs from a process: one writer per run, Ctrl-C that drains, progress to an observer."""

import itertools
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphDrained
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import RunControl
from langgraph.types import Command

from gome.graph.persistence.database import go_on_after_the_last, open_persistence
from gome.graph.persistence.postgres import check
from gome.graph.registry import ROLES, THREADS, ServiceRegistry
from gome.graph.run import build_graph
from gome.graph.run_layout import prepare_run, prices_of
from gome.run_folder import RunFolder
from gome.state.config import RunConfig
from gome.state.errors import GomeError, RunStopped
from gome.state.event import Event, Observer
from gome.state.plain import JsonObject
from gome.state.result import RunFile
from gome.state.review import Question, where_of
from gome.stopping import Stopper
from gome.tools.execution.environment.runtime import ensure_runtime
from gome.tools.models.chat import make_model
from gome.tools.models.first_call import NotNow, NotServed, first_call
from gome.tools.models.replay import recorded
from gome.tools.records.journal import Exchange, Journal
from gome.tools.records.lock import one_writer
from gome.tools.records.run_file import read_run
from gome.tools.spans import labels

Models = Mapping[str, BaseChatModel]
"""Chat models by role, in place of those that the configuration names."""
Reviewer = Callable[[Question], JsonObject | None]
"""Answers a question of a run as `gome.state.review.Answer`; None: nobody answers now, the run stops."""
RECURSION_LIMIT = 1_000_000
HEARTBEAT_S = 5.0
THIN_EVERY = 100
"""Steps after which old checkpoints are deleted."""


def prepare(
    task: str,
    config: RunConfig,
    say: Callable[[str], None] = lambda line: None,
    *,
    models: Models | None = None,
) -> Path:
    """Check the task and lay out its run folder, before anything runs; `say` is told what takes long. `models`: as in
    `build_graph`. GomeError for a bad task or configuration, and for a model that is not to be had: the run is laid out
    even so, with a constant submission, to go on from when there is one."""
    _make_sure_models_exist(config)
    if config.checkpoints:
        check(config.checkpoints)
    folder = Path(config.run_dir)
    if config.run_dir and folder.is_dir() and any(folder.iterdir()):
        hint = (
            f"go on with it: gome resume {folder}"
            if (folder / "run.json").is_file()
            else "name another folder"
        )
        raise GomeError(f"--run-dir {folder} is not empty; {hint}")
    asked: list[Exchange] = []  # filled call by call: those before one that is refused were paid for too

    def lay_out() -> Path:
        run_dir = prepare_run(task, config, with_model="coder" in (models or {}))
        journal = Journal(run_dir / "exchanges.jsonl")
        for exchange in asked:
            journal.add(exchange)
        return run_dir

    try:
        asked.extend(_asked_first(config, models or {}, say))
    except NotServed as error:
        run_dir = lay_out()
        with _saying_what_stands(run_dir):
            raise GomeError(f"{error}; then go on with: gome resume {run_dir}") from None
    if config.runtime:
        ensure_runtime(config.runtime, progress=say)
    return lay_out()


def _make_sure_models_exist(config: RunConfig) -> None:
    for spec in config.models() - {"offline"}:
        make_model(spec, config.base_url)


def _asked_first(config: RunConfig, models: Models, say: Callable[[str], None]) -> Iterator[Exchange]:
    """One tiny call to each model that will be asked; `say` is told what it showed. GomeError where none can work."""
    named = {config.model_of(role) for role in ROLES if role not in models} | set(config.role_models.values())
    for spec in sorted(spec for spec in named if spec != "offline" and not recorded(spec)):
        try:
            found = first_call(spec, config.base_url, prices_of(config))
        except NotNow as why:
            say(f"{why}; the run goes on, and asks again")
        else:
            for line in (found.line, *found.notes):
                say(line)
            yield found.exchange


def _make_sure_it_is_where_it_was(run_dir: Path, before: Path) -> None:
    """Checkpoints name the run's folder. A link from the old place to the new one will do."""
    if not (before.exists() and before.samefile(run_dir)):
        raise GomeError(
            f"{run_dir} was moved or copied from {before}: move it back, or link it (ln -s {run_dir} {before})"
        )


def drive(
    run_dir: Path,
    observer: Observer,
    reviewer: Reviewer = lambda question: None,
    *,
    models: Models | None = None,
    stopper: Stopper | None = None,
) -> Path:
    """Run a laid-out run, from its last checkpoint if there is one, until it is finished, drained (by Ctrl-C, TERM or
    `stopper`), or waits for a review that nobody gives. `models`: as in `build_graph`.

    Raises GomeError if another process is at work on it, or if the folder was moved.
    """
    run = read_run(run_dir)
    _make_sure_it_is_where_it_was(run_dir, Path(run["config"]["run_dir"]))
    stopper = stopper or Stopper()

    def say(line: str) -> None:
        observer({"trace": None, "step": None, "phase": "run", "text": line})

    registry = ServiceRegistry(
        models=models, stop=stopper.stop, drain=stopper.drain.is_set, observer=observer
    )
    with (
        one_writer(run_dir),
        _heartbeat(run_dir, registry),
        open_persistence(run_dir, run["config"].get("checkpoints")) as database,
    ):
        graph = build_graph(registry=registry).compile(checkpointer=database.saver, store=database.store)
        observer = thinning(observer, partial(database.thin, run["id"]))
        go_on_after_the_last(database.saver, run["id"])
        try:
            _go_on(graph, run_dir, run, observer, reviewer, stopper, say)
        except (GraphDrained, RunStopped) as end:
            why = str(end) if isinstance(end, RunStopped) else "stopped"
            say(f"{why}; go on with: gome resume {run_dir}")
    return run_dir


def _go_on(
    graph: CompiledStateGraph[Any, RunConfig, Any, Any],
    run_dir: Path,
    run: RunFile,
    observer: Observer,
    reviewer: Reviewer,
    stopper: Stopper,
    say: Callable[[str], None],
) -> None:
    """Stream the run to its end, through its reviews. Raises RunStopped and GraphDrained before that."""
    config: RunnableConfig = {
        **labels("gome", run=run_dir.name, task=run["task"]["name"], model=run["config"]["model"]),
        "configurable": {"thread_id": run["id"]},
        "recursion_limit": RECURSION_LIMIT,
        "max_concurrency": THREADS,
    }
    begun = graph.get_state(config).created_at is not None
    given: Any = None if begun else {"task": run["task"]["root"]}
    context = RunConfig(**run["config"])
    while True:
        with stopper.over(say) as control, _saying_what_stands(run_dir):
            _stream(graph, given, config, context, control, observer)
        if not (waiting := graph.get_state(config).interrupts):
            return
        if stopper.drain.is_set():
            raise RunStopped("stopped")
        given = Command(resume={i.id: _answered(i.value, reviewer) for i in waiting})


def _stream(
    graph: CompiledStateGraph[Any, RunConfig, Any, Any],
    given: Any,
    config: RunnableConfig,
    context: RunConfig,
    control: RunControl,
    observer: Observer,
) -> None:
    """Run until the graph ends or all of its traces wait for a person; events go to the observer."""
    for part in graph.stream(
        given,
        config,
        context=context,
        stream_mode="custom",
        subgraphs=True,
        durability="sync",
        control=control,
    ):
        observer(cast(Any, part)[1])  # (namespace of the sub-graph, event)


@contextmanager
def _saying_what_stands(run_dir: Path) -> Iterator[None]:
    """Where something that only the user can mend ends the work, the error also says what stands by then."""
    try:
        yield
    except GomeError as error:
        said = str(error).replace("`gome resume`", f"gome resume {run_dir}")
        submission = run_dir / "solution" / "submission.csv"
        if not submission.is_file():
            raise GomeError(said) from error
        program = RunFolder.read(run_dir).has_program
        what = "the submission of the best program so far" if program else "a constant prediction"
        raise GomeError(f"{said}; until then {submission} is {what}") from error


def thinning(observer: Observer, thin: Callable[[], None]) -> Observer:
    """The observer, with old checkpoints deleted every so many steps."""
    steps = itertools.count(1)

    def observe(event: Event) -> None:
        observer(event)
        if "verdict" in event and next(steps) % THIN_EVERY == 0:
            thin()

    return observe


def _answered(question: Question, reviewer: Reviewer) -> JsonObject:
    if (answer := reviewer(question)) is None:
        raise RunStopped(f"{where_of(question)} waits for review")
    return answer


@contextmanager
def _heartbeat(run_dir: Path, registry: ServiceRegistry) -> Iterator[None]:
    """Write the time down every few seconds. run.pid is touched as well: readers compare its age with the process's."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(HEARTBEAT_S):
            try:
                os.utime(run_dir / "run.pid")
                registry.beat()
            except OSError:
                continue  # a full disk is said where something is lost by it

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
