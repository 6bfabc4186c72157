"""The policy: which program the next step starts from and of which kind the step is."""

from gome.optimizer.gradient import descend
from gome.optimizer.stages import NextStep, Optimizer
from gome.optimizer.tree import grow
from gome.state.schema import TraceState
from gome.tools.services import RunServices

OPTIMIZERS: dict[str, Optimizer] = {"gradient": descend, "tree": grow}


def next_step(state: TraceState, services: RunServices) -> NextStep:
    """The step at hand, by the configured optimizer."""
    return OPTIMIZERS[services.config.optimizer](state, services)
