"""The researcher's hands: probes as a LangChain tool of its conversation."""

from langchain_core.tools import BaseTool, StructuredTool

from gome.agents.choosing import ROLE
from gome.agents.prompts.private import traceback_of
from gome.state.parts import Probe
from gome.state.schema import TraceState
from gome.tools.probes import WALL_S, Probed
from gome.tools.services import RunServices


class Probing:
    """The probes of one step: the tool, how often it may be used, and what it has brought so far."""

    def __init__(self, state: TraceState, services: RunServices) -> None:
        self.trace, self.step, self.services = state["trace"], state["step"], services
        incumbent = state.get("incumbent")
        self.against = services.artifacts.get_json(incumbent["evaluation"]) if incumbent else None
        self.done: list[Probed] = []
        self._private = services.private(ROLE)

    @property
    def allowed(self) -> int:
        """Probes that the step may run; none where nothing is held back to judge on."""
        config = self.services.config
        return config.probes if config.has("probes") and not self.services.task.self_reported else 0

    @property
    def tool(self) -> BaseTool:
        """The tool as a model is offered it."""
        shows = "how its variants were graded" if self._private else "what it prints"
        does = f"Runs a small Python program, a probe, for at most {WALL_S:.0f} s, and shows {shows}."
        return StructuredTool.from_function(self._run, name="probe", description=does)

    @property
    def found(self) -> list[Probe]:
        """What the step's record keeps."""
        return [
            Probe(program=p["program"], log=p["log"], output=p["output"], seconds=p["seconds"])
            for p in self.done
        ]

    def _run(self, program: str) -> str:
        self.services.emit("researcher", f"probe {len(self.done) + 1}", self.trace, self.step)
        probes = self.services.probes
        self.done.append(
            probes.run(
                program,
                self.done,
                trace=self.trace,
                step=self.step,
                against=self.against,
                told=traceback_of if self._private else None,
            )
        )
        return self.done[-1]["output"]
