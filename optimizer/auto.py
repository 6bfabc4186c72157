"""Descent or tree search, drawn step by step by how often the steps of each gained in this run."""

from collections.abc import Sequence

import numpy as np

from gome.optimizer.ranking import known_records
from gome.optimizer.reliability import gains
from gome.optimizer.stages import step_seed
from gome.state.schema import TraceState
from gome.state.step import StepRecord
from gome.tools.services import RunServices

PRIOR = {"gradient": (1.6, 2.4), "tree": (0.9, 3.1)}
"""(steps that gained, steps that did not) believed in before the first: four steps with the shares of the paper's
ablation, 41 % with structured reasoning and 23 % without (docs/method.md)."""


def trusted_optimizer(state: TraceState, services: RunServices) -> str:
    """'gradient' or 'tree' for the step at hand. The first step is descent's."""
    if not state.get("incumbent"):
        return "gradient"
    rng = np.random.default_rng(step_seed(services.config.seed, state["trace"], state["step"]))
    return draw_optimizer(known_records(state, services), rng)


def draw_optimizer(records: Sequence[StepRecord], rng: np.random.Generator) -> str:
    """'gradient' or 'tree' for the next step, by Thompson's rule: a draw from what is believed of each share of gaining
    steps, and the larger draw wins. So steps go where gains were, and the other is never quite forgotten."""
    drawn = {}
    for optimizer, (yes, no) in PRIOR.items():
        seen = gains(records, optimizer)
        drawn[optimizer] = rng.beta(yes + seen["gained"], no + seen["steps"] - seen["gained"])
    return max(drawn, key=lambda name: drawn[name])
