"""Where the programs of a run are run once more, after it: in its sandbox and environment, on other inputs."""

import math
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gome.graph.run_layout import open_inputs
from gome.run_folder import RunFolder
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.budget import Budget
from gome.tools.data.inventory import Inventory
from gome.tools.data.new_rows.files import file_owners
from gome.tools.data.new_rows.inputs import NewRowInputs
from gome.tools.data.new_rows.rows import NewRows
from gome.tools.data.splits import SplitPlan
from gome.tools.evaluator import Evaluator, Limits
from gome.tools.execution.access import open_scheduler
from gome.tools.execution.environment.runtime import ensure_runtime
from gome.tools.execution.scheduler import Scheduler
from gome.tools.execution.workspace import remove_tree
from gome.tools.records.artifacts import Artifacts
from gome.tools.records.clock import Clock
from gome.tools.records.run_file import read_run
from gome.tools.time_limits import longest_s


@dataclass(frozen=True)
class Rerun:
    """A run's task, configuration and scheduler. `own` is the input that the solution has learned from, that of `split`
    ('final', or 'reduced'), with links into the folders `shown`; `work` a folder on the same disk that is gone
    afterwards; `limits` those of a program in the run, with the time that its fit at the end had; `say` is told in lines
    what a person should know, `stop` asked whether to end."""

    run_dir: Path
    task: Task
    config: RunConfig
    plan: SplitPlan
    split: str
    own: Path
    shown: tuple[Path, ...]
    work: Path
    limits: Limits
    scheduler: Scheduler
    say: Callable[[str], None]
    stop: Callable[[], bool]

    @cached_property
    def file_owners(self) -> dict[str, list[str]]:
        """See `new_rows.files.file_owners`."""
        return file_owners(self.task, Inventory.load(self.run_dir / "inventory.json"), self.own)

    @property
    def here(self) -> bool:
        """Whether programs run on this machine, so that what they leave can be looked at."""
        return self.config.scheduler == "local" and self.scheduler.level != "e2b"

    def evaluator(self, rows: NewRows, models: Mapping[str, Path], *, train: bool) -> Evaluator:
        """An evaluator like the run's own whose split 'final' has these rows. The run's time is no matter of its."""
        folder = Path(tempfile.mkdtemp(dir=self.work))
        endless = self.config.model_copy(update={"time_limit_s": math.inf})
        return Evaluator(
            run_dir=folder,
            task=self.task,
            inputs=NewRowInputs(folder, self.task, self.plan, self.own, rows, train=train, shown=self.shown),
            scheduler=self.scheduler,
            artifacts=Artifacts(folder / "artifacts"),
            limits=self.limits,
            budget=Budget(endless, Clock(folder / "clock.jsonl"), folder, slots=self.scheduler.slots),
            stop=self.stop,
            seed=self.config.seed,
            models=models,
        )


@contextmanager
def open_rerun(run_dir: Path, say: Callable[[str], None], stop: Callable[[], bool]) -> Iterator[Rerun]:
    """Open a run whose task has train and test tables. GomeError: another task, no environment."""
    run = read_run(run_dir)
    task, config = Task(**run["task"]), RunConfig(**run["config"])
    if not task.train:
        raise GomeError(
            f"{run_dir}: the task has no train and test tables ({task.adapter_name or 'self-reported'}), so rows of a "
            "table cannot stand in for its test part"
        )
    plan = SplitPlan.load(run_dir / "splits.npz")
    inputs = open_inputs(run_dir, task, plan, config)
    split = _fitted_on(run_dir)
    own = inputs.input_dir(split, 0)
    runtime = ensure_runtime(config.runtime, progress=say)
    if changed := runtime.changed(run.get("packages", runtime.packages)):
        say(f"the runtime has changed since the run, and so may predictions: {', '.join(changed[:8])}")
    work = Path(tempfile.mkdtemp(prefix=".rerun-", dir=run_dir))
    with ExitStack() as held:
        held.callback(remove_tree, work)
        scheduler = open_scheduler(config, run_dir, runtime, held)
        limits = Limits(longest_s(inputs, split, config.program_time_limit_s), config.memory_limit_mb)
        yield Rerun(run_dir, task, config, plan, split, own, inputs.shown, work, limits, scheduler, say, stop)


def _fitted_on(run_dir: Path) -> str:
    """The split whose training rows the solution has learned from."""
    best = RunFolder.read(run_dir).result.get("best")
    return best.get("fitted_on", "final") if best else "final"
