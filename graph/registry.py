"""Opens the services of each run once in a process."""

import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from langchain_core.language_models import BaseChatModel
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore

from gome.agents.line_search import LineSearch
from gome.graph.persistence.momentum_store import StoredMomentum
from gome.graph.run_layout import EARLIER, open_inputs, prices_of
from gome.offline.model import NO_RULES, OFFLINE_NEEDS, OfflineReasoner
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.state.event import Observer
from gome.state.result import RunFile
from gome.state.task import Task
from gome.tools.budget import Budget
from gome.tools.data.splits import SplitPlan
from gome.tools.evaluator import Evaluator
from gome.tools.execution.access import SchedulerMaker, open_scheduler
from gome.tools.execution.environment.runtime import Runtime, ensure_runtime
from gome.tools.execution.job import Executor
from gome.tools.execution.sandbox.control_group import limits_words
from gome.tools.execution.scheduler import LocalScheduler
from gome.tools.execution.workspace import remove_tree
from gome.tools.fold_runs import Limits
from gome.tools.models.ask import Asker
from gome.tools.models.chat import make_model, provider_of
from gome.tools.models.gateway import Gateway
from gome.tools.probes import Probes
from gome.tools.provisional import ProvisionalSubmission
from gome.tools.records.advice import Advice
from gome.tools.records.artifacts import Artifacts
from gome.tools.records.clock import Clock
from gome.tools.records.history import History
from gome.tools.records.journal import Journal
from gome.tools.records.jsonl import write_json
from gome.tools.records.lessons import read_lessons
from gome.tools.records.line_trials import LineTrials
from gome.tools.records.lock import one_writer
from gome.tools.records.run_file import read_run
from gome.tools.services import RunServices

ROLES = ("researcher", "coder", "critic")
SURVEYOR = "surveyor"
THREADS = 256  # asyncio's own number, cores + 4, would let some of many traces wait for others to end


@dataclass(frozen=True)
class _Opened:
    """A services, the event that drops what it has in flight, and what its run holds: the lock, sandboxes."""

    services: RunServices
    closed: threading.Event
    held: ExitStack
    line_search: LineSearch


class ServiceRegistry:
    """Opens the services of each run folder once, and lets go of it when the run is finished.

    `models` replaces the models that the configuration names, by role; `executor` the probed one; `scheduler` makes the
    scheduler out of executor and slots. `stop` drops the work in flight, `drain()` only ends waiting. `observer` is
    told what no node tells: setting up, trouble with a model. `locks` takes the lock of each run that is opened, for
    who does not hold it already.
    """

    def __init__(
        self,
        *,
        models: Mapping[str, BaseChatModel] | None = None,
        executor: Executor | None = None,
        scheduler: SchedulerMaker = LocalScheduler,
        stop: threading.Event | None = None,
        drain: Callable[[], bool] = lambda: False,
        observer: Observer = lambda event: None,
        locks: bool = False,
    ) -> None:
        self._models, self._executor, self._scheduler = models or {}, executor, scheduler
        self._stop, self._drain, self._observer = stop or threading.Event(), drain, observer
        self._opened: dict[Path, _Opened] = {}
        self._locks, self._lock = locks, threading.Lock()
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="gome")  # they start as they are needed

    def services(self, run_dir: Path, store: BaseStore | None, writer: Observer) -> RunServices:
        """The services of a prepared run, its events also sent to `writer`."""
        with self._lock:
            if run_dir not in self._opened:
                self._opened[run_dir] = self._open(run_dir, store)
            return self._opened[run_dir].services.watched_by(writer)

    def beside(self, run_dir: Path) -> AbstractContextManager[None]:
        """Within the block a trace of an opened run is at work: a line search may use slots that it leaves idle."""
        with self._lock:
            return self._opened[run_dir].line_search.beside()

    def close(self, run_dir: Path, *, wait: bool = False) -> None:
        """Let go of a run's services, and drop what it has in flight; opened again if it is asked for again. `wait` until
        trials of its line search are gone: a run that has ended is followed by nothing."""
        with self._lock:
            opened = self._opened.pop(run_dir, None)
        if opened:
            opened.line_search.end()
            opened.closed.set()
            if wait:
                opened.line_search.wait()
            opened.held.close()

    def _open(self, run_dir: Path, store: BaseStore | None) -> "_Opened":
        closed = threading.Event()
        with ExitStack() as held:
            if self._locks:
                held.enter_context(one_writer(run_dir))
                remove_tree(run_dir / "work")  # of programs that were cut off
            services = self._open_services(
                run_dir, store, lambda: self._stop.is_set() or closed.is_set(), held
            )
            return _Opened(services, closed, held.pop_all(), LineSearch(services.watched_by(self._observer)))

    def _open_services(
        self, run_dir: Path, store: BaseStore | None, stop: Callable[[], bool], held: ExitStack
    ) -> RunServices:
        run = read_run(run_dir)
        config, task = RunConfig(**run["config"]), Task(**run["task"])
        runtime = self._runtime(run, config)
        scheduler = open_scheduler(config, run_dir, runtime, held, self._executor, self._scheduler)
        here = self._executor is None and config.scheduler == "local" and scheduler.level != "e2b"
        _note_level(run_dir, run, scheduler.level, limits_words() if here else "", runtime)
        artifacts = Artifacts(run_dir / "artifacts")
        clock = Clock(run_dir / "clock.jsonl")
        budget = Budget(config, clock, run_dir, slots=scheduler.slots, self_reported=bool(task.self_reported))
        evaluator = Evaluator(
            run_dir=run_dir,
            task=task,
            inputs=open_inputs(run_dir, task, SplitPlan.load(run_dir / "splits.npz"), config),
            scheduler=scheduler,
            artifacts=artifacts,
            limits=Limits(config.program_time_limit_s, config.memory_limit_mb),
            budget=budget,
            stop=stop,
            seed=config.seed,
        )
        history = History(run_dir / "history.jsonl")
        services = RunServices(
            run_dir=run_dir,
            task=task,
            config=config,
            profile=json.loads((run_dir / "profile.json").read_text()),
            hardware=scheduler.hardware,
            packages=runtime.packages,
            artifacts=artifacts,
            history=history,
            advice=Advice(run_dir / "advice.jsonl"),
            clock=clock,
            budget=budget,
            asker=self._asker(config, Journal(run_dir / "exchanges.jsonl"), budget, stop),
            evaluator=evaluator,
            probes=Probes(evaluator, history),
            provisional=ProvisionalSubmission(run_dir, evaluator, budget),
            momentum=StoredMomentum(store or InMemoryStore(), run["id"]),
            line_trials=LineTrials(run_dir / "line_trials.jsonl"),
            earlier=read_lessons(run_dir / EARLIER),
            writer=lambda event: None,
        )
        services.asker.say = partial(_say_of_model, services.watched_by(self._observer))
        for record in services.history.accepted():
            services.note_accepted(record)
        return services

    def _runtime(self, run: RunFile, config: RunConfig) -> Runtime:
        """The environment of the run's programs. Told, if it is no longer what the run began with."""
        runtime = ensure_runtime(config.runtime, progress=self._say)
        offline = any(config.model_of(role) == "offline" and role not in self._models for role in ROLES)
        if offline and (lacking := sorted(set(OFFLINE_NEEDS) - set(runtime.packages))):
            raise GomeError(
                f"runtime {config.runtime}: the offline reasoner's programs need {', '.join(lacking)} there; install it, "
                "or name a `model`"
            )
        if changed := runtime.changed(run.get("packages", runtime.packages)):
            self._say(f"the runtime has changed since the run began: {', '.join(changed[:8])}")
        return runtime

    def writes_programs(self, config: RunConfig) -> bool:
        """Whether a language model writes the programs of such a run."""
        return "coder" in self._models or config.model_of("coder") != "offline"

    def not_written(self, services: RunServices) -> str | None:
        """Why nobody here can write a program for a run; None if somebody can."""
        return None if self.writes_programs(services.config) or services.task.is_tabular else NO_RULES

    def beat(self) -> None:
        """Write down the time worked so far, so that a kill loses little of it."""
        with self._lock:
            opened_services = [opened.services for opened in self._opened.values()]
        for services in opened_services:
            services.clock.beat()

    def _say(self, gateway: str) -> None:
        self._observer({"trace": None, "step": None, "phase": "setup", "text": gateway})

    def _asker(self, config: RunConfig, journal: Journal, budget: Budget, stop: Callable[[], bool]) -> Asker:
        """Asks over one gateway to each provider, which all roles and traces share."""
        models = self._chat_models(config)
        gateways: dict[str, Gateway] = {}
        for model in models.values():
            gateways.setdefault(provider_of(model), Gateway(budget, stop=stop, drain=self._drain))
        by_role = {role: gateways[provider_of(model)] for role, model in models.items()}
        asker = Asker(models, journal, gateways=by_role, budget=budget, prices=prices_of(config))
        for gateway in gateways.values():
            gateway.on_probe = asker.note_probe
        return asker

    def _chat_models(self, config: RunConfig) -> dict[str, BaseChatModel]:
        models: dict[str, BaseChatModel] = {}
        for role in ROLES:
            spec = config.model_of(role)
            models[role] = self._models.get(role) or (
                OfflineReasoner() if spec == "offline" else make_model(spec, config.base_url)
            )
        named = config.role_models.get(SURVEYOR)
        models[SURVEYOR] = make_model(named, config.base_url) if named else models["coder"]
        models[SURVEYOR] = self._models.get(SURVEYOR) or models[SURVEYOR]
        return models


def _say_of_model(services: RunServices, key: str, text: str) -> None:
    """An event about a call, which is known by its key, trace:step:call:turn; one of no trace begins with a word."""
    trace, step = key.split(":")[:2]
    where = (int(trace), int(step)) if trace.isdigit() else (None, None)
    services.emit("model", text, *where)


def _note_level(run_dir: Path, run: RunFile, level: str, limits: str, runtime: Runtime) -> None:
    """Write into run.json which isolation was reached, who bounds memory and tasks, and what the runtime holds."""
    found = {"isolation": level, "limits": limits, "packages": runtime.packages, "notes": list(runtime.notes)}
    if any(run.get(k) != v for k, v in found.items()):
        write_json(run_dir / "run.json", {**run, **found})
