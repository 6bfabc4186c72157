"""The merge of two traces: which program is worth taking in, and what taking it in is expected to bring."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from gome.optimizer.acceptance import clear_of_luck, measured_verdict
from gome.optimizer.ensemble import combine
from gome.state.in_flight import MergedProgram, Proposal
from gome.state.parts import Comparison, Hypothesis, gain_se
from gome.state.step import StepRecord
from gome.state.task import Direction
from gome.tools.evaluation.bootstrap import compare
from gome.tools.once import once
from gome.tools.records.best_first import by_score
from gome.tools.services import RunServices
from gome.tools.wording import share_words

WEIGHTS = (0.25, 0.5, 0.75)
SHOWN_REFUTED = 8
MERGE_SCORES = {"alignment": 8.0, "novelty": 8.0, "feasibility": 7.0, "risk_reward": 7.0}


@dataclass(frozen=True)
class Partner:
    """Another trace's program. `missing` are the accepted steps on its path that the base lacks, largest gain first;
    `refuted` what was measured on either trace and found worse or no better, newest last; `blend` compares both programs'
    predictions, the other's with the `weight` that is best, with the base's alone."""

    record: StepRecord
    missing: list[StepRecord]
    refuted: list[StepRecord]
    weight: float
    blend: Comparison


class _Accepted:
    """The accepted steps of a run, read once: the first one of each program, and of these the best one of each
    trace."""

    def __init__(self, records: Sequence[StepRecord], direction: Direction) -> None:
        self.by_code: dict[str, StepRecord] = {}
        self.best: dict[int, StepRecord] = {}
        self._codes: dict[str, str] = {}
        rank = by_score(direction)
        for record in records:
            if not record.accepted:
                continue
            self._codes[record.id] = str(record.code)
            if self.by_code.setdefault(str(record.code), record) is record:
                best = self.best.setdefault(record.trace, record)
                self.best[record.trace] = min(best, record, key=rank)

    def lineage(self, code: str | None) -> list[StepRecord]:
        """The steps that a program came by, merged-in ones and theirs included, each once, latest first."""
        found: dict[str, StepRecord] = {}
        open_codes = [code]
        while open_codes:
            record = self.by_code.get(str(open_codes.pop()))
            if record is None or record.id in found:
                continue
            found[record.id] = record
            open_codes.append(record.parent)
            if record.kind == "merge" and record.source:
                open_codes.append(self._codes.get(record.source))
        return list(found.values())


def find_partner(
    services: RunServices, records: Sequence[StepRecord], trace: int, code: str
) -> Partner | None:
    """The other trace's program whose predictions complement the base's most, or None if none does for sure.

    Measured on stored predictions, without a model call or a program run: the best blend has to be clearly better than
    the base alone, as a candidate has to be, and as the best of all that were looked at. Labels, which cannot be blended
    by two, never show it. Left out: pairs that were merged before, programs that grew from the base. Of programs that
    report their own scores nobody can say what their blend would score: there is no partner.
    """
    if services.task.self_reported:
        return None
    accepted = _Accepted(records, services.task.direction)
    base = accepted.by_code.get(code)
    if base is None:
        return None
    own = {r.id for r in accepted.lineage(code)}
    done = {(r.parent, r.source) for r in records if r.kind == "merge"}
    partners = []
    for other in (best for number, best in accepted.best.items() if number != trace):
        path = accepted.lineage(other.code)
        missing = [r for r in path if r.id not in own]
        grown_from_base = base.id in {r.id for r in path}
        if missing and not grown_from_base and (code, other.id) not in done:
            missing.sort(key=lambda r: -(r.gain or 0.0))
            key = "blend", code, other.code, services.config.seed
            weight, blend = once(services.evaluator, key, partial(_best_blend, services, base, other))
            refuted = [r for r in records if r.trace in (base.trace, other.trace) and _is_refuted(r)]
            partners.append(Partner(other, missing, refuted[-SHOWN_REFUTED:], weight, blend))
    best = max(partners, key=lambda p: p.blend["gain"], default=None)
    tried = len(WEIGHTS) * len(partners)
    return best if best and measured_verdict(best.blend).clear and clear_of_luck(best.blend, tried) else None


def _is_refuted(record: StepRecord) -> bool:
    return record.verdict == "rejected" and record.comparison is not None and record.kind != "merge"


def _best_blend(services: RunServices, base: StepRecord, other: StepRecord) -> tuple[float, Comparison]:
    return max(_blends(services, base, other), key=lambda pair: pair[1]["gain"])


def _blends(services: RunServices, base: StepRecord, other: StepRecord) -> Iterator[tuple[float, Comparison]]:
    """Each weight of the other program's predictions, and how the blend compares with the base alone."""
    assert base.evaluation is not None
    assert other.evaluation is not None
    alone = services.evaluator.predictions(base.evaluation)
    with_other = services.evaluator.predictions(other.evaluation)
    for weight in WEIGHTS:
        both = [
            (answers, combine(services.task, [first, second], [1 - weight, weight]))
            for (answers, first), (_, second) in zip(alone, with_other, strict=True)
        ]
        yield weight, compare(services.task, alone, both, seed=services.config.seed)


def merge_proposal(partner: Partner) -> Proposal:
    """The merge as a proposal, without a model call: the missing hypotheses, and the blend's gain as the prediction.

    Its scores are fixed but for the impact, which the measured gain sets: it competes with what the diagnosis proposes.
    """
    record, blend = partner.record, partner.blend
    found = [r for r in partner.missing if r.kind != "merge"] or partner.missing
    kept = [r for r in found if r.comparison] or found
    ideas = "; ".join(r.statement.rstrip(".") for r in kept[:3])
    statement = f"{_opening(partner)}: {ideas}."
    effect = (
        f"on the same rows {1 - partner.weight:.0%} of this program's predictions and {partner.weight:.0%} of the "
        f"other's gain {blend['gain']:+.4g} ± {blend['stderr']:.2g} on this program alone, better in "
        f"{share_words(blend['p_better'])} of resamples"
    )
    hypothesis = Hypothesis(
        statement=statement,
        component="ensemble",
        challenge="each trace found what the other lacks",
        expected_effect=effect,
        scores={**MERGE_SCORES, "impact": min(10.0, 4.0 + (gain_se(blend) or 0.0))},
        predicted_gain=blend["gain"],
        predicted_low=blend["low"],
        predicted_high=blend["high"],
    )
    return Proposal(
        diagnosis=f"Program {record.id} complements the incumbent: {effect}.",
        hypothesis=hypothesis,
        reason=effect,
        plan=[statement, "Keep the structure of the incumbent; take over what it lacks."],
        other=_merged_program(partner),
    )


def is_merge(hypothesis: Hypothesis, partner: Partner) -> bool:
    """Whether the chosen hypothesis is the merge that was offered, sharpened or not."""
    return hypothesis.get("statement", "").strip().casefold().startswith(_opening(partner).casefold())


def _opening(partner: Partner) -> str:
    return f"Merge what trace {partner.record.trace} found into this program"


def _merged_program(partner: Partner) -> MergedProgram:
    record = partner.record
    assert record.value is not None
    return MergedProgram(
        trace=record.trace,
        step=record.step,
        code=str(record.code),
        score=record.value,
        hypothesis=record.statement,
        accepted=[r.brief() for r in partner.missing],
        refuted=[r.brief() for r in partner.refuted],
    )
