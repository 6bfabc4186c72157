"""Where benches are made: a run folder is laid out once, and its services are opened once in a process."""

import datetime
import importlib.metadata
import json
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore

from gome.agents.offline.model import OfflineReasoner
from gome.graph.memory import StoreMemory
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.bench import Bench
from gome.tools.budget import Budget
from gome.tools.data.inputs import Inputs
from gome.tools.data.profile import profile
from gome.tools.data.splits import SplitPlan, plan_splits
from gome.tools.data.tables import read_table
from gome.tools.data.task_folder import load_task
from gome.tools.evaluator import Evaluator, Limits
from gome.tools.execution.e2b_access import check_e2b, open_e2b
from gome.tools.execution.gpus import find_gpus
from gome.tools.execution.hardware import hardware
from gome.tools.execution.job import Executor
from gome.tools.execution.probe import choose_executor
from gome.tools.execution.runtime import Runtime, ensure_runtime
from gome.tools.execution.scheduler import LocalScheduler, Scheduler
from gome.tools.execution.slots import Slots, default_slots
from gome.tools.memory.earlier import read_memory
from gome.tools.memory.sentences import check_encoder
from gome.tools.models.ask import Asker
from gome.tools.models.chat import OPENAI_URL, endpoint, make_model, provider_of
from gome.tools.models.line import Line
from gome.tools.models.prices import Prices
from gome.tools.models.recorded import lay_in
from gome.tools.records.advice import Advice
from gome.tools.records.artifacts import Artifacts
from gome.tools.records.clock import Clock
from gome.tools.records.history import History
from gome.tools.records.journal import Journal
from gome.tools.records.jsonl import append_line, write_json
from gome.tools.standing import Standing

EARLIER = "earlier.jsonl"
"""The memory file as it was at the start: a run that resumes knows what it knew."""
SANDBOXES_PER_SLOT = 2  # one has seen the smoke part, the other the search part
SchedulerMaker = Callable[[Executor, Slots], Scheduler]
ROLES = ("researcher", "coder", "critic")
_VERSIONS = ("gome", "langgraph", "langchain-core", "langchain-openai", "scikit-learn", "pandas")


def prepare_run(task_path: str, config: RunConfig) -> Path:
    """Read and check the task, lay out the run folder, profile the data and make the splits. Once: a folder that is
    laid out already for this task is returned as it is.

    Raises GomeError for a bad task. A folder that could not be laid out whole is taken away again.
    """
    run_dir, source = Path(config.run_dir).resolve() if config.run_dir else None, Path(task_path).resolve()
    if run_dir and (run_dir / "run.json").is_file():
        run = read_run(run_dir)
        if str(source) not in (run.get("source"), run["task"]["root"]):
            raise GomeError(
                f"{run_dir} holds a run of {run['task']['root']}; name another folder for {source}"
            )
        return run_dir
    prices = _prices(config)
    earlier = Path(config.memory).resolve() if config.memory else None
    if earlier:
        read_memory(earlier)
    if config.embedding == "sentences":
        check_encoder()
    prices.check_cap({_name(spec) for spec in (config.model, *config.role_models.values())}, config.max_usd)
    if config.executor == "e2b":
        check_e2b()
    if run_dir is None:
        name = f"{source.stem}-{datetime.datetime.now():%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"
        run_dir = Path(config.runs_dir).resolve() / name
    with _whole_or_not_at_all(run_dir):
        _lay_out(run_dir, task_path, config, earlier)
    return run_dir


@contextmanager
def _whole_or_not_at_all(folder: Path) -> Iterator[None]:
    """Take the folder away if it was not there before, or empty, and is not finished."""
    had = folder.is_dir() and any(folder.iterdir())
    try:
        yield
    except BaseException:
        if not had:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _lay_out(run_dir: Path, task_path: str, config: RunConfig, earlier: Path | None) -> None:
    began = time.monotonic()
    task = load_task(Path(task_path), target=config.target, metric=config.metric, workspace=run_dir / "task")
    train = read_table(Path(task.root) / task.train)
    run_dir.mkdir(parents=True, exist_ok=True)
    plan = plan_splits(train, task, seed=config.seed)
    plan.save(run_dir / "splits.npz")
    write_json(run_dir / "profile.json", profile(task))
    versions = {name: importlib.metadata.version(name) for name in _VERSIONS}
    kept = config.model_copy(update={"run_dir": str(run_dir), **_task_limits(task, config)})
    if config.prices:
        shutil.copyfile(config.prices, run_dir / "prices.yaml")
        kept = kept.model_copy(update={"prices": str(run_dir / "prices.yaml")})
    if earlier:
        kept = kept.model_copy(update={"memory": str(earlier)})
        (run_dir / EARLIER).write_bytes(earlier.read_bytes() if earlier.exists() else b"")
    run = {
        "id": str(uuid.uuid4()),  # of the checkpoints' thread too: LangGraph's server wants a UUID
        "created": datetime.datetime.now().isoformat(timespec="seconds"),
        "source": str(Path(task_path).resolve()),
        "task": task.model_dump(),
        "config": kept.model_dump(),
        "versions": versions,
        "splits": plan.reason,
    }
    lay_in(config.model, run_dir / "exchanges.jsonl")
    append_line(run_dir / "clock.jsonl", {"session": "prepare", "seconds": time.monotonic() - began})
    write_json(run_dir / "run.json", run)


def _task_limits(task: Task, config: RunConfig) -> dict[str, float]:
    """The limits that the task file asks for; what the user has set wins."""
    asked = {"time_limit_s": task.time_limit_s, "program_time_limit_s": task.program_time_limit_s}
    return {k: v for k, v in asked.items() if v is not None and k not in config.model_fields_set}


def _prices(config: RunConfig) -> Prices:
    return Prices.read(config.prices, hosted=endpoint(config.base_url) == OPENAI_URL)


def _name(spec: str) -> str:
    """The model's own name: 'gpt-5' of 'openai:gpt-5'."""
    return spec.partition(":")[2] or spec


def read_run(run_dir: Path) -> dict[str, Any]:
    """run.json of a run folder. GomeError if there is none."""
    try:
        return dict(json.loads((run_dir / "run.json").read_text()))
    except (OSError, ValueError):
        raise GomeError(f"{run_dir} is no run folder: it has no readable run.json") from None


class Workshop:
    """Opens the bench of each run folder once, and lets go of it when the run is finished.

    `models` replaces the models that the configuration names, by role; `executor` the probed one; `scheduler` makes the
    scheduler out of executor and slots. `stop` drops the work in flight, `drain()` only ends waiting. `observer` is
    told what no node tells: setting up, trouble with a model.
    """

    def __init__(
        self,
        *,
        models: dict[str, BaseChatModel] | None = None,
        executor: Executor | None = None,
        scheduler: SchedulerMaker = LocalScheduler,
        stop: threading.Event | None = None,
        drain: Callable[[], bool] = lambda: False,
        observer: Callable[[dict[str, Any]], None] = lambda event: None,
    ) -> None:
        self._models, self._executor, self._scheduler = models or {}, executor, scheduler
        self._stop, self._drain, self._observer = stop or threading.Event(), drain, observer
        self._benches: dict[Path, Bench] = {}
        self._lock = threading.Lock()

    def bench(
        self, run_dir: Path, store: BaseStore | None, writer: Callable[[dict[str, Any]], None]
    ) -> Bench:
        """The bench of a prepared run, its events also sent to `writer`."""
        with self._lock:
            if run_dir not in self._benches:
                self._benches[run_dir] = self._open(run_dir, store)
            return self._benches[run_dir].watched_by(writer)

    def close(self, run_dir: Path) -> None:
        """Let go of a run's bench; opened again if it is asked for again."""
        with self._lock:
            self._benches.pop(run_dir, None)

    def _open(self, run_dir: Path, store: BaseStore | None) -> Bench:
        run = read_run(run_dir)
        config, task = RunConfig(**run["config"]), Task(**run["task"])
        runtime = ensure_runtime(progress=self._say)
        machine = hardware()
        slots = config.slots or default_slots(machine["cpus"], config.traces)
        executor = self._executor or (
            open_e2b(run_dir, SANDBOXES_PER_SLOT * slots)
            if config.executor == "e2b"
            else choose_executor(config.min_isolation, runtime.python)
        )
        _note_level(run_dir, run, executor.level, runtime)
        artifacts = Artifacts(run_dir / "artifacts")
        clock = Clock(run_dir / "clock.jsonl")
        budget = Budget(config, clock, run_dir, slots=slots)
        evaluator = Evaluator(
            run_dir=run_dir,
            task=task,
            inputs=Inputs(run_dir, task, SplitPlan.load(run_dir / "splits.npz")),
            scheduler=self._scheduler(executor, Slots(slots, gpus=find_gpus())),
            artifacts=artifacts,
            limits=Limits(config.program_time_limit_s, config.memory_limit_mb),
            budget=budget,
            stop=self._stop,
            seed=config.seed,
        )
        bench = Bench(
            run_dir=run_dir,
            task=task,
            config=config,
            profile=json.loads((run_dir / "profile.json").read_text()),
            hardware=machine,
            packages=runtime.packages,
            artifacts=artifacts,
            history=History(run_dir / "history.jsonl"),
            advice=Advice(run_dir / "advice.jsonl"),
            clock=clock,
            budget=budget,
            asker=self._asker(config, Journal(run_dir / "exchanges.jsonl"), budget),
            evaluator=evaluator,
            standing=Standing(run_dir, evaluator, budget),
            memory=StoreMemory(store or InMemoryStore(), run["id"]),
            earlier=read_memory(run_dir / EARLIER),
            writer=lambda event: None,
        )
        bench.asker.say = partial(_say_of_model, bench.watched_by(self._observer))
        for record in bench.history.records():
            if record["verdict"] == "accepted":
                bench.note_accepted(record)
        return bench

    def beat(self) -> None:
        """Write down the time worked so far, so that a kill loses little of it."""
        with self._lock:
            benches = list(self._benches.values())
        for bench in benches:
            bench.clock.beat()

    def _say(self, line: str) -> None:
        self._observer({"trace": None, "step": None, "stage": "setup", "text": line})

    def _asker(self, config: RunConfig, journal: Journal, budget: Budget) -> Asker:
        """Asks over one line to each provider, which all roles and traces share."""
        models = self._chat_models(config)
        lines: dict[str, Line] = {}
        for model in models.values():
            lines.setdefault(provider_of(model), Line(budget, stop=self._stop.is_set, drain=self._drain))
        by_role = {role: lines[provider_of(model)] for role, model in models.items()}
        asker = Asker(models, journal, lines=by_role, budget=budget, prices=_prices(config))
        for line in lines.values():
            line.on_probe = asker.note_probe
        return asker

    def _chat_models(self, config: RunConfig) -> dict[str, BaseChatModel]:
        models: dict[str, BaseChatModel] = {}
        for role in ROLES:
            spec = config.role_models.get(role, config.model)
            models[role] = self._models.get(role) or (
                OfflineReasoner() if spec == "offline" else make_model(spec, config.base_url)
            )
        return models


def _say_of_model(bench: Bench, key: str, text: str) -> None:
    """An event about a call, which is known by its key, trace:step:call:turn."""
    trace, step = map(int, key.split(":")[:2])
    bench.emit("model", text, trace, step)


def _note_level(run_dir: Path, run: dict[str, Any], level: str, runtime: Runtime) -> None:
    """Write into run.json which isolation was reached and what the solutions' environment holds."""
    found = {"isolation": level, "packages": runtime.packages, "notes": list(runtime.notes)}
    if any(run.get(k) != v for k, v in found.items()):
        write_json(run_dir / "run.json", {**run, **found})
