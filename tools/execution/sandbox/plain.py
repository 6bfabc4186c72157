"""The weakest level: a process tree of its own, under limits, and no walls."""

from gome.tools.execution.job import Job
from gome.tools.execution.sandbox.executor import LocalExecutor


class PlainExecutor(LocalExecutor):
    """Runs programs as child processes, where nothing better works.

    What holds: all limits, the tree ended whole, none of the agent's environment variables passed on. What does not: the
    program can read and write whatever the user can (input/, which is a link to the input folder, the hidden labels of
    the run, the agent's own environment in /proc), and the network is open.
    """

    LEVEL = "plain"

    def command(self, job: Job) -> list[str]:
        """See LocalExecutor.command: nothing."""
        return []
