"""Level 'plain': a subprocess with limits and a stripped environment, but with the user's own files and network."""

from collections.abc import Callable
from pathlib import Path

from gome.tools.execution.job import Job, Outcome
from gome.tools.execution.process import prepare, stripped_environment, watch


class PlainExecutor:
    """Runs programs as ordinary processes. Limits hold and the tree is killed whole; files and network are NOT kept
    from the program: a run records this level, and `min_isolation` can refuse it."""

    level = "plain"

    def __init__(self, python: Path) -> None:
        self.python = python

    def run(self, job: Job, *, stop: Callable[[], bool]) -> Outcome:
        """Run the program in its working directory, input/ being a link to the read-only inputs."""
        prepare(job)
        (job.work_dir / "input").symlink_to(job.input_dir.resolve(), target_is_directory=True)
        environment = stripped_environment(job, str(job.work_dir), f"{self.python.parent}:/usr/bin:/bin")
        command = [str(self.python), "main.py"]
        return watch(command, job, environment=environment, cwd=job.work_dir, stop=stop, level=self.level)
