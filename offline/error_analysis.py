"""What the measured errors say: weak parts of the rows, growing residuals, lost classes, over-confidence."""

from statistics import median
from typing import NamedTuple

from gome.state.evidence import Confusion, Evidence, ResidualBin, SliceLoss

LOST_SHARE, GROWN, SKEWED_BIAS = 0.25, 2.0, 0.15
OVER, UNDER = 1.15, 0.87


class ErrorAnalysis(NamedTuple):
    """Reads `gome.tools.evaluation.evidence`; every part of it may be missing."""

    found: Evidence

    @property
    def slices(self) -> list[SliceLoss]:
        """Parts of the rows with a surely larger error, the surest first."""
        return list(self.found.get("worst_slices") or [])

    @property
    def weak_columns(self) -> list[str]:
        """Columns of those parts, each once."""
        return list(dict.fromkeys(str(part["column"]) for part in self.slices))

    @property
    def bins(self) -> list[ResidualBin]:
        """Residuals by ranges of the target, from its lowest to its highest."""
        return list((self.found.get("residuals") or {}).get("bins") or [])

    @property
    def growth(self) -> float:
        """Error on the highest range of the target over the median range's; 1 where that is not known."""
        errors = [float(part["rmse"]) for part in self.bins]
        return errors[-1] / max(median(errors), 1e-12) if len(errors) > 2 else 1.0

    @property
    def lean(self) -> float:
        """Mean residual over its spread: the whole prediction lies too high (> 0) or too low (< 0)."""
        residuals = self.found.get("residuals") or {}
        return float(residuals.get("bias") or 0) / max(float(residuals.get("rmse") or 0), 1e-12)

    @property
    def confused(self) -> list[Confusion]:
        """Pairs of classes taken for one another, the most rows first."""
        return list(self.found.get("confusion") or [])

    @property
    def lost(self) -> list[str]:
        """Classes of which a large share is taken for another one."""
        return list(dict.fromkeys(str(p["true"]) for p in self.confused if p["share"] >= LOST_SHARE))

    @property
    def confidence(self) -> float:
        """Spread of predicted over observed shares: above 1 the probabilities are too extreme, below too timid."""
        parts = self.found.get("calibration") or []
        if len(parts) < 2:
            return 1.0
        observed = float(parts[-1]["observed"]) - float(parts[0]["observed"])
        said = float(parts[-1]["predicted"]) - float(parts[0]["predicted"])
        return said / observed if observed > 0.02 else 1.0

    def sentences(self) -> list[str]:
        """The same in words, a sentence each, figures as they were measured."""
        said = []
        if self.slices:
            said.append(self._slice_words())
        if self.growth > GROWN:
            top = self.bins[-1]
            said.append(
                f"Errors grow with the target: rmse {top['rmse']} from {top['from']} up, "
                f"{self.growth:.1f} times the middle range's, with a bias of {top['bias']}."
            )
        if abs(self.lean) > SKEWED_BIAS:
            side = "above" if self.lean > 0 else "below"
            scale = f" of {self.found['residuals']['scale']}" if "scale" in self.found["residuals"] else ""
            said.append(
                f"Predictions lie {side} the truth by {abs(self.found['residuals']['bias'])}{scale} on average."
            )
        if self.confused:
            worst = self.confused[0]
            said.append(
                f"Most often {worst['true']} is taken for {worst['predicted']}: {worst['rows']} rows, "
                f"{worst['share']:.0%} of {worst['true']}."
            )
        if self.confidence > OVER or self.confidence < UNDER:
            word = "too extreme" if self.confidence > OVER else "too timid"
            said.append(
                f"Probabilities are {word}: their spread is {self.confidence:.2f} times the observed one."
            )
        return said

    def _slice_words(self) -> str:
        """The overall loss is named because the slices' own metric may differ from the task's."""
        parts = [f"{p['column']} {p['slice']} ({p['loss']} over {p['rows']} rows)" for p in self.slices[:2]]
        overall = f"{self.found['loss']} overall is {self.found['pooled']}"
        return f"Errors are largest where {' and where '.join(parts)}; {overall}."
