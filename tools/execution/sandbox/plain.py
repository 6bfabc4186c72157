"""The weakest level: a process tree of its own, under limits, and no walls."""

from collections.abc import Callable
from pathlib import Path

from gome.state.config import Isolation
from gome.tools.execution.job import Job, Outcome
from gome.tools.execution.sandbox.watchdog import run_watched
from gome.tools.execution.workspace import environment, make_work_dir


class PlainExecutor:
    """Runs programs as child processes, where nothing better works.

    What holds: all limits, the tree ended whole, none of the agent's environment variables passed on. What does not: the
    program can read and write whatever the user can (input/, which is a link to the input folder, the hidden labels of
    the run, the agent's own environment in /proc), and the network is open.
    """

    def __init__(self, python: Path) -> None:
        self._python = python.absolute()

    @property
    def level(self) -> Isolation:
        """'plain'."""
        return "plain"

    def run(self, job: Job, *, stop: Callable[[], bool]) -> Outcome:
        """See Executor.run."""
        make_work_dir(job)
        work_dir = job.work_dir.resolve()
        (work_dir / "input").symlink_to(job.input_dir.resolve(), target_is_directory=True)
        command = [str(self._python), "main.py"]
        env = environment(job, home=str(work_dir), python=self._python)
        return run_watched(command, job, env=env, level=self.level, stop=stop)
