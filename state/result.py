"""The result of a run, as result.json keeps it, and run.json's form."""

from typing import Any, NotRequired

from typing_extensions import TypedDict

from gome.state.parts import Score, Usage


class Member(TypedDict):
    """A program of what is handed over; `code` is an artifact reference."""

    id: str
    code: str | None
    weight: float


class Best(TypedDict):
    """What is handed over: a `single` program or an `ensemble`, with its scores. `fitted_on`: the split whose training
    rows it has learned from, where that is not 'final'."""

    kind: str
    members: list[Member]
    search: Score | None
    selection: Score | None
    fitted_on: NotRequired[str]


class Finalist(TypedDict):
    """A candidate of the last choice; `drift_se` says by how many standard errors it does better on held-back rows."""

    id: str
    search: Score | None
    selection: Score | None
    drift_se: float | None


class Naive(TypedDict, total=False):
    """The best constant prediction: `what` it is, its score on both parts, or `why` there is none."""

    what: str
    search: Score | None
    selection: Score | None
    why: str


class KeptAside(TypedDict):
    """The score of what is handed over on `rows` rows that no choice was made by; `naive` is that of the best constant.

    `drift_se`: by how many standard errors it is better than the held-back score that the choice rests on (below 0:
    worse), None if there is none.
    """

    score: Score
    naive: Score | None
    rows: int
    drift_se: float | None


class FirstDraft(TypedDict):
    """The best of the traces' first accepted programs."""

    id: str
    score: Score | None


class Result(TypedDict, total=False):
    """How a run ended; `best` None where no program was accepted. `ended` says for each trace why.

    `handed_over`: single, ensemble, or naive, the constant prediction; None without a submission. `self_reported`: why
    scores are what programs said of themselves; None where the harness graded.
    """

    best: Best | None
    handed_over: str | None
    self_reported: str | None
    naive: Naive
    first_draft: FirstDraft | None
    test: KeptAside | None
    submission: str | None
    submission_ok: bool
    problems: list[str]
    accepted: int
    steps: int
    usage: Usage
    seconds: float
    reasoner: str
    finalists: list[Finalist]
    ended: dict[str, str]


class RunFile(TypedDict, total=False):
    """run.json: what a run was begun with, and what its programs got.

    `survey`: what became of the search for an adapter, 'pending' while it lasts. `limits`: who bounds memory and tasks of
    programs, in words; '' where that is another machine.
    """

    id: str
    created: str
    source: str
    task: dict[str, Any]
    config: dict[str, Any]
    versions: dict[str, str]
    splits: str
    survey: str
    isolation: str
    limits: str
    packages: dict[str, str]
    notes: list[str]
