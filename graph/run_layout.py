"""A run's folder is laid out once: the task checked, its data profiled, the splits made, the configuration kept."""

import datetime
import importlib.metadata
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gome.optimizer.sentence_vectors import check_encoder
from gome.state.config import RunConfig
from gome.state.errors import GomeError, NotUnderstood
from gome.state.profile import DataProfile
from gome.state.task import Task
from gome.tools.adapters.adapter import Limits as AdapterLimits
from gome.tools.adapters.inputs import AdapterInputs
from gome.tools.adapters.profile import profile_files
from gome.tools.adapters.task import find_adapter, prepare_adapter_task
from gome.tools.data.columns import IMAGE_SUFFIXES
from gome.tools.data.inputs import Inputs
from gome.tools.data.mlebench import DESCRIPTIONS
from gome.tools.data.profile import profile
from gome.tools.data.splits import SplitPlan, plan_splits
from gome.tools.data.table_inputs import TableInputs
from gome.tools.data.table_names import stem_of
from gome.tools.data.task_files import laid_files, task_files
from gome.tools.data.task_folder import load_task
from gome.tools.data.task_tables import read_task_table
from gome.tools.evaluation.answers import check_answers
from gome.tools.execution.access import check_access
from gome.tools.execution.environment.runtime import ensure_runtime, keep_runtime
from gome.tools.execution.sandbox.probe import probe
from gome.tools.models.chat import OPENAI, OPENAI_URL, endpoint, split_spec
from gome.tools.models.prices import Prices
from gome.tools.models.replay import lay_in
from gome.tools.previews.kinds import examples_of
from gome.tools.previews.preview import previews
from gome.tools.provisional import lay_naive
from gome.tools.records.jsonl import append_line, write_json
from gome.tools.records.lessons import read_lessons
from gome.tools.records.run_file import read_run
from gome.tools.self_reported import PublicInputs, prepare_self_reported

EARLIER = "earlier.jsonl"
"""The file of lessons as it was at the start: a run that resumes knows what it knew."""
PENDING = "pending"
"""In run.json, of a run that begins as a self-reported one: a model may still write an adapter."""
WRITTEN = "an adapter was written"
"""Likewise, of a run whose adapter is a model's; behind it what a person decided."""
MOST_PICTURES = 48
"""Names of pictures that are kept for prompts; not all of them can be sent."""
_VERSIONS = ("gome", "langgraph", "langchain", "langchain-core", "langchain-openai", "scikit-learn", "pandas")


def prepare_run(task_path: str, config: RunConfig, *, with_model: bool = False) -> Path:
    """Read and check the task, lay out the run folder, profile the data and make the splits. Once: a folder that is
    laid out already for this task is returned as it is. `with_model`: programs are written by a language model, whatever
    the configuration says.

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
    prices = prices_of(config)
    earlier = Path(config.lessons).resolve() if config.lessons else None
    if earlier:
        read_lessons(earlier)
    if config.embedding == "sentences":
        check_encoder()
    prices.check_cap({split_spec(spec)[1] for spec in config.models()}, config.max_usd)
    check_access(config)
    if run_dir is None:
        name = f"{stem_of(source)}-{datetime.datetime.now():%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"
        run_dir = Path(config.runs_dir).resolve() / name
    with _whole_or_not_at_all(run_dir):
        _lay_out(run_dir, task_path, config, earlier, with_model)
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


def _lay_out(
    run_dir: Path, task_path: str, config: RunConfig, earlier: Path | None, with_model: bool
) -> None:
    began = time.monotonic()
    pending = False
    try:
        task, inputs, about = _understood(run_dir, Path(task_path), config)
    except NotUnderstood as why:
        written = with_model or config.model_of("coder") != "offline"
        pending = written and config.has("survey")
        scored = written and not pending
        task, inputs, about = prepare_self_reported(
            Path(task_path), run_dir, str(why), said=config.said, scored=scored
        )
    _lay_task(run_dir, task, inputs, about, config)
    versions = {name: importlib.metadata.version(name) for name in _VERSIONS}
    kept = config.model_copy(update={"run_dir": str(run_dir), **_task_limits(task, config)})
    if config.prices:
        shutil.copyfile(config.prices, run_dir / "prices.yaml")
        kept = kept.model_copy(update={"prices": str(run_dir / "prices.yaml")})
    if config.runtime:
        kept = kept.model_copy(update={"runtime": keep_runtime(config.runtime, run_dir)})
    if earlier:
        kept = kept.model_copy(update={"lessons": str(earlier)})
        (run_dir / EARLIER).write_bytes(earlier.read_bytes() if earlier.exists() else b"")
    run = {
        "id": str(uuid.uuid4()),  # of the checkpoints' thread too: LangGraph's server wants a UUID
        "created": datetime.datetime.now().isoformat(timespec="seconds"),
        "source": str(Path(task_path).resolve()),
        "task": task.model_dump(),
        "config": kept.model_dump(),
        "versions": versions,
        "splits": inputs.plan.reason,
        "input_notes": inputs.notes,
        **({"survey": PENDING} if pending else {}),
    }
    lay_in(config.model, run_dir / "exchanges.jsonl")
    append_line(run_dir / "clock.jsonl", {"session": "prepare", "seconds": time.monotonic() - began})
    write_json(run_dir / "run.json", run)


def _lay_task(run_dir: Path, task: Task, inputs: Inputs, about: DataProfile, config: RunConfig) -> None:
    inputs.plan.save(run_dir / "splits.npz")
    if others := _other_files(task, inputs, about):
        runtime, public = ensure_runtime(config.runtime), inputs.input_dir("final", 0)
        about = {**about, "previews": previews(public, others, probe(runtime.python), shown=inputs.shown)}
        if pictures := examples_of(others, IMAGE_SUFFIXES, MOST_PICTURES):
            about["pictures"] = pictures
    write_json(run_dir / "profile.json", about)
    lay_naive(run_dir, task, inputs, seed=config.seed)


def _other_files(task: Task, inputs: Inputs, about: DataProfile) -> list[str]:
    """Names of what programs find beside description and known tables."""
    known = {*DESCRIPTIONS, task.train, task.test, task.sample, *(t["name"] for t in about.get("tables", []))}
    if not set(task_files(Path(task.root), task.links_root)) - known:
        return []
    return [name for name in laid_files(inputs.input_dir("final", 0)) if name not in known]


def end_survey(run_dir: Path, task: Task, inputs: AdapterInputs) -> None:
    """Make the run that of a task with an adapter. run.json comes last: until then the survey is pending."""
    run = read_run(run_dir)
    _lay_task(run_dir, task, inputs, profile_files(task, inputs), RunConfig(**run["config"]))
    about = {"task": task.model_dump(), "splits": inputs.plan.reason, "input_notes": inputs.notes}
    write_json(run_dir / "run.json", {**run, **about, "survey": WRITTEN})


def give_up_survey(run_dir: Path, why: str) -> None:
    """Let the run stay what it is, self-reported. GomeError if it is not plain which way a score is better."""
    before = str(read_run(run_dir)["task"]["self_reported"])
    reason = f"{before} No adapter was written either: {why.rstrip('.')}."
    _without_adapter(run_dir, reason, f"given up: {why}")


def reject_survey(run_dir: Path, why: str) -> None:
    """Make the run of an adapter a self-reported one. GomeError as `give_up_survey`; then it stays what it is."""
    reason = f"The adapter that a model wrote was rejected in review: {why.rstrip('.')}."
    _without_adapter(run_dir, reason, WRITTEN)


def _without_adapter(run_dir: Path, reason: str, survey: str) -> None:
    run = read_run(run_dir)
    config = RunConfig(**run["config"])
    task, inputs, about = prepare_self_reported(
        Path(run["source"]), run_dir, reason, said=config.said, scored=True
    )
    _lay_task(run_dir, task, inputs, about, config)
    write_json(run_dir / "run.json", {**run, "task": task.model_dump(), "survey": survey})


def open_inputs(run_dir: Path, task: Task, plan: SplitPlan, config: RunConfig) -> Inputs:
    """The inputs of a run by the kind of its task."""
    if task.adapter:
        return AdapterInputs(run_dir, task, plan, _limits(config))
    if task.self_reported:
        return PublicInputs(run_dir, task, plan)
    return TableInputs(run_dir, task, plan, shows=_runs_here(config))


def _understood(run_dir: Path, path: Path, config: RunConfig) -> tuple[Task, Inputs, DataProfile]:
    """The task by the first who knows how to hold some of it back: its adapter, its tables. NotUnderstood: nobody."""
    if adapter := find_adapter(path, config.adapter):
        return _from_adapter(run_dir, path, adapter, config)
    return _from_tables(run_dir, path, config)


def _runs_here(config: RunConfig) -> bool:
    return config.executor == "local" and config.scheduler == "local"


def _limits(config: RunConfig) -> AdapterLimits:
    return AdapterLimits(config.program_time_limit_s, config.memory_limit_mb)


def _from_tables(run_dir: Path, path: Path, config: RunConfig) -> tuple[Task, Inputs, DataProfile]:
    task = load_task(path, **config.said, workspace=run_dir / "task")
    train = read_task_table(task, task.train)
    run_dir.mkdir(parents=True, exist_ok=True)
    plan = plan_splits(train, task, seed=config.seed, folds=config.folds)
    check_answers(task, train, plan)
    return task, TableInputs(run_dir, task, plan, shows=_runs_here(config)), profile(task)


def _from_adapter(
    run_dir: Path, path: Path, adapter: Path, config: RunConfig
) -> tuple[Task, Inputs, DataProfile]:
    limits = _limits(config)
    try:
        task, inputs = prepare_adapter_task(
            path, adapter, run_dir, limits, said=config.said, seed=config.seed, folds=config.folds
        )
    except NotUnderstood as error:
        raise GomeError(*error.args) from error  # somebody has said that the adapter understands it
    return task, inputs, profile_files(task, inputs)


def _task_limits(task: Task, config: RunConfig) -> dict[str, float]:
    """The limits that the task file asks for; what the user has set wins."""
    asked = {"time_limit_s": task.time_limit_s, "program_time_limit_s": task.program_time_limit_s}
    return {k: v for k, v in asked.items() if v is not None and k not in config.model_fields_set}


def prices_of(config: RunConfig) -> Prices:
    """What the models of a configuration cost."""
    named = [split_spec(spec) for spec in config.models()]
    elsewhere = {name for provider, name in named if provider not in ("", OPENAI)}
    return Prices.read(config.prices, hosted=endpoint(config.base_url) == OPENAI_URL, elsewhere=elsewhere)
