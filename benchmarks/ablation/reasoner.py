"""A reasoner of set reliability: the offline rules, their diagnosis replaced by a random one with probability 1 - p."""

import json
import random
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from gome.offline.case import Case
from gome.offline.model import OfflineReasoner, case_of
from gome.offline.researcher import CHANGES, PROPOSED
from gome.state.parts import SCORE_WEIGHTS


class UnreliableReasoner(OfflineReasoner):
    """With probability 1 - `reliability` a diagnosis names causes at random and foretells their gains with confidence.

    Whether a step is hit depends on the run's seed, the trace and the step alone: the steps that are wrong at one
    reliability are also wrong at every lower one, so that arms differ by nothing else. All other calls (the choice among
    the hypotheses, the code, the judgement, the tree's undirected proposals) are the offline rules' own.
    """

    reliability: float = 1.0

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        prompt = next((str(m.content) for m in messages if isinstance(m, HumanMessage)), "")
        case = case_of(prompt)
        if case and case.context.get("call") == "diagnose" and case.recipe is not None:
            rng = random.Random(f"reliability {case.context['seed']}")
            if rng.random() >= self.reliability:
                message = AIMessage(json.dumps(random_diagnosis(case, rng)))
                return ChatResult(generations=[ChatGeneration(message=message)])
        return super()._generate(messages, stop, run_manager, **kwargs)


def random_diagnosis(case: Case, rng: random.Random) -> dict[str, Any]:
    """A reply to `diagnose` without a look at evidence or history: changes drawn from all that would change the program,
    whether they fit it or were tried, with scores and predicted gains drawn as well."""
    assert case.recipe is not None
    recipe = case.recipe
    changing = [m for m in CHANGES.values() if m.cost <= case.room and m.apply(case, recipe) != recipe]
    changes = rng.sample(changing, min(PROPOSED, len(changing)))
    hypotheses, challenges = [], []
    for number, change in enumerate(changes):
        gain = rng.uniform(0.0, 3.0)
        caption = f"guess {number + 1}: {change.challenge}"
        challenges.append({"caption": caption, "statement": change.challenge, "source": change.source})
        hypotheses.append(
            {
                "statement": f"{change.statement(case)}. [change: {change.tag}]",
                "component": change.component,
                "challenge": caption,
                "scores": {name: rng.uniform(1, 10) for name in SCORE_WEIGHTS},
                "predicted_gain": gain * case.stderr,
                "predicted_low": 0.5 * gain * case.stderr,
                "predicted_high": 1.5 * gain * case.stderr,
            }
        )
    return {"diagnosis": "Drawn at random.", "challenges": challenges, "hypotheses": hypotheses}
