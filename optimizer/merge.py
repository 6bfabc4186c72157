"""The merge of two traces: which program is worth taking in, and what taking it in is expected to bring."""

from collections.abc import Sequence
from dataclasses import dataclass

from gome.optimizer.ensemble import combine
from gome.optimizer.ranking import by_score
from gome.state.in_flight import MergedProgram, Proposal
from gome.state.parts import Comparison, Hypothesis
from gome.state.step import StepRecord
from gome.state.task import Direction
from gome.tools.evaluation.bootstrap import compare
from gome.tools.services import RunServices


@dataclass(frozen=True)
class Partner:
    """Another trace's program. `missing` are the accepted steps on its path that the base lacks, largest gain first;
    `blend` compares the mean of both programs' predictions with the base's alone."""

    record: StepRecord
    missing: list[StepRecord]
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
    """The other trace's program whose predictions complement the base's most, or None if none does.

    Measured on stored predictions, without a model call or a program run; labels alone cannot show it, and then the
    best program counts as no worse. Left out: pairs that were merged before, programs that grew from the base. Of
    programs that report their own scores nobody can say what their blend would score: there is no partner.
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
            partners.append(Partner(other, missing, _blend_gain(services, base, other)))
    best = max(partners, key=lambda p: p.blend["gain"], default=None)
    return best if best and best.blend["gain"] >= 0 else None


def _blend_gain(services: RunServices, base: StepRecord, other: StepRecord) -> Comparison:
    assert base.evaluation is not None
    assert other.evaluation is not None
    alone = services.evaluator.predictions(base.evaluation)
    with_other = services.evaluator.predictions(other.evaluation)
    both = [
        (answers, combine(services.task, [first, second], [0.5, 0.5]))
        for (answers, first), (_, second) in zip(alone, with_other, strict=True)
    ]
    return compare(services.task, alone, both, seed=services.config.seed)


def merge_proposal(partner: Partner) -> Proposal:
    """The step's proposal without a model call: the missing hypotheses, and the blend's gain as the prediction."""
    record, blend = partner.record, partner.blend
    found = [r for r in partner.missing if r.kind != "merge"] or partner.missing
    kept = [r for r in found if r.comparison] or found
    ideas = "; ".join(r.statement.rstrip(".") for r in kept[:3])
    statement = f"Merge what trace {record.trace} found into this program: {ideas}."
    effect = f"the mean of both programs' predictions gains {blend['gain']:+.4g} ± {blend['stderr']:.2g} on the first's"
    hypothesis = Hypothesis(
        statement=statement,
        component="ensemble",
        challenge="each trace found what the other lacks",
        expected_effect=effect,
        scores={},
        predicted_gain=blend["gain"],
        predicted_low=blend["low"],
        predicted_high=blend["high"],
    )
    return Proposal(
        diagnosis=f"Program {record.id} has what the incumbent lacks: {effect}.",
        hypothesis=hypothesis,
        reason=effect,
        plan=[statement, "Keep the structure of the incumbent; take over what it lacks."],
        other=_merged_program(partner),
    )


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
    )
