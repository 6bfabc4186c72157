"""What the rules read: the context of a prompt and the recipe of its program, under the names that rules use."""

import re
from dataclasses import dataclass
from functools import cached_property

from gome.offline.error_analysis import ErrorAnalysis
from gome.offline.recipe import BOOSTERS, Recipe
from gome.offline.scoring import metric_form
from gome.state.plain import JsonObject
from gome.state.profile import ColumnProfile, DataProfile, TargetProfile
from gome.state.prompt_context import PromptContext, TaskContext

TAG = re.compile(r"\[(?:change|move): ([a-z0-9-]+)\]")
_PACKAGES = {"lightgbm": ("lightgbm",), "xgboost": ("xgboost", "xgboost-cpu"), "cnn": ("torch",)}
IMBALANCE, FEW_STEPS = 0.3, 3
WIDE_GAP = {
    "maximize": 0.08,
    "minimize": 0.6,
}  # errors fall to nothing on learned rows sooner than scores rise


def tag_of(text: str) -> str | None:
    """The change that a hypothesis names at its end, as in 'Average five seeds. [change: bagging]'."""
    found = TAG.findall(text or "")
    return found[-1] if found else None


@dataclass(frozen=True)
class Case:
    """What one prompt says. `recipe` is the incumbent's (or the failing program's), None for a draft."""

    context: PromptContext
    recipe: Recipe | None

    @property
    def task(self) -> TaskContext:
        """The task as the prompt tells it."""
        return self.context["task"]

    @cached_property
    def form(self) -> str:
        """What is graded: label, probability, value or ranking."""
        return metric_form(self.task)

    @property
    def metric(self) -> str:
        """The metric's name without its parameter."""
        return str(self.task["metric"]).split("@")[0]

    @property
    def is_regression(self) -> bool:
        """Numbers are predicted, not classes."""
        return self.task["problem"] == "regression"

    @property
    def rows(self) -> int:
        """Rows of the whole train table."""
        return int(self.data.get("rows", 1000))

    @property
    def data(self) -> DataProfile:
        """The data profile."""
        return self.context.get("data") or {}

    def columns(self, *kinds: str) -> list[ColumnProfile]:
        """The profile's rows of columns of these kinds."""
        return [c for c in self.data.get("columns", []) if c["kind"] in kinds]

    @property
    def target(self) -> TargetProfile:
        """The profile of the first target."""
        return next(iter(self.data.get("target", {}).values()), TargetProfile())

    @property
    def minority(self) -> float:
        """Share of the rarest class; 1 for regression."""
        counts = list(self.target.get("counts", {}).values())
        return min(counts) / sum(counts) if len(counts) > 1 else 1.0

    @cached_property
    def errors(self) -> ErrorAnalysis:
        """Where the incumbent's errors lie."""
        return ErrorAnalysis(self.context.get("evidence") or {})

    @property
    def incumbent(self) -> JsonObject:
        """The incumbent's context, {} for a draft."""
        return dict(self.context.get("incumbent") or {})

    @property
    def stderr(self) -> float:
        """Standard error of the incumbent's score, never 0."""
        return float(self.incumbent.get("stderr") or 0) or max(
            1e-6, abs(float(self.incumbent.get("score") or 1)) * 0.01
        )

    @property
    def gap(self) -> float | None:
        """How much worse the program is on its own validation rows than on its training rows, relative to the former.

        None where the program logged no scores.
        """
        logged = self.incumbent.get("facts") or {}
        train, valid = logged.get("train_score"), logged.get("valid_score")
        if not isinstance(train, int | float) or not isinstance(valid, int | float) or not valid:
            return None
        return abs(train - valid) / max(abs(valid), 1e-9)

    @property
    def overfits(self) -> bool:
        """Whether the program does far better on the rows it learned from."""
        return self.gap is not None and self.gap > WIDE_GAP[self.task.get("direction", "minimize")]

    @property
    def statement(self) -> str:
        """The hypothesis that is being carried out, "" while none is chosen."""
        return str((self.context.get("hypothesis") or {}).get("statement", ""))

    @property
    def importance(self) -> dict[str, float]:
        """Logged feature importance, largest first."""
        found = (self.incumbent.get("facts") or {}).get("importance") or {}
        numbers = {k: float(v) for k, v in found.items() if isinstance(v, int | float)}
        return dict(sorted(numbers.items(), key=lambda item: -item[1]))

    @property
    def families(self) -> set[str]:
        """Model families of the recipe."""
        return {m.family for m in self.recipe.models} if self.recipe else set()

    def has(self, family: str) -> bool:
        """Whether the runtime holds the family's package."""
        packages = _PACKAGES.get(family)
        return packages is None or any(name in self.context.get("packages", {}) for name in packages)

    @property
    def booster(self) -> str:
        """The best boosting family at hand."""
        return next(f for f in BOOSTERS if self.has(f))

    @cached_property
    def tried(self) -> dict[str, str]:
        """Changes of this trace and the last verdict on each, from its history and from the momentum."""
        own = [
            row for row in self.context.get("momentum", []) if row.get("trace") == self.context.get("trace")
        ]
        rows = [*own, *self.context.get("history", [])]
        return {tag: row["verdict"] for row in rows if (tag := tag_of(row["hypothesis"]))}

    @cached_property
    def claimed(self) -> set[str]:
        """Changes that other traces have claimed or measured since the question was put: it is put once more."""
        return {tag for row in self.context.get("claimed", []) if (tag := tag_of(row.get("hypothesis", "")))}

    @cached_property
    def underway(self) -> set[str]:
        """Changes that other traces are measuring now."""
        rows = [row for row in self.context.get("siblings", []) if row.get("verdict") == "running"]
        return {tag for row in rows if (tag := tag_of(row.get("hypothesis", "")))} | self.claimed

    @cached_property
    def elsewhere(self) -> dict[str, float]:
        """Changes of other traces and the largest gain they brought there, in standard errors; failures count as -1."""
        found: dict[str, float] = {}
        for row in [*self.context.get("siblings", []), *self.context.get("momentum", [])]:
            tag = tag_of(row.get("hypothesis", ""))
            if tag and row.get("trace") != self.context.get("trace") and row.get("verdict") != "running":
                accepted = row.get("verdict") == "accepted"
                gain = float(row.get("gain_se") or 0) if accepted else -1.0
                found[tag] = max(gain, found.get(tag, -1.0))
        return found

    def better_than(self, tags: set[str]) -> bool:
        """Whether the incumbent beats all programs that these changes gave on other traces; False where none is known."""
        rows = [row for row in self.context.get("siblings", []) if tag_of(row.get("hypothesis", "")) in tags]
        scores = [float(value) for row in rows if (value := row.get("score")) is not None]
        if not scores or self.incumbent.get("score") is None:
            return False
        sign = 1 if self.task.get("direction") == "maximize" else -1
        return sign * float(self.incumbent["score"]) > max(sign * score for score in scores)

    @cached_property
    def trust(self) -> float:
        """How much of what was predicted came true on this trace: realised over predicted gain, from 0.5 to 1.5."""
        pairs = [
            (said, gain)
            for r in self.context.get("history", [])
            if (said := r.get("predicted_gain")) and (gain := r.get("gain")) is not None
        ]
        predicted = sum(said for said, _ in pairs)
        if predicted <= 0:
            return 1.0
        return min(1.5, max(0.5, sum(max(0.0, gain) for _, gain in pairs) / predicted))

    @property
    def room(self) -> float:
        """How many times longer than now the program may take, at least once: within half of its limit, and such that
        the run's time holds a few more steps. Fewer directed steps are worth more than many that change nothing."""
        budget, folds = self.context["budget"], len(self.incumbent.get("folds") or [1])
        steps = min(FEW_STEPS, max(1, int(budget.get("steps_left") or FEW_STEPS)))
        left = float(budget.get("seconds_left") or 1e9) / steps / folds
        seconds = float(self.incumbent.get("fold_seconds") or 1.0)
        return max(1.0, min(left, 0.5 * float(budget["program_time_limit_s"])) / max(seconds, 0.1))
