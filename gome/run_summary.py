"""How a run stands, in figures: what `--json` of list, status and run gives, and what the lists of runs are made of."""

from pathlib import Path
from typing import cast

from typing_extensions import TypedDict

from gome.run_folder import RunFolder, RunState
from gome.state.errors import GomeError
from gome.state.parts import Score, Usage
from gome.state.result import Best, FirstDraft, KeptAside
from gome.state.task import Direction

RUN_FILE = "run.json"


class StepCounts(TypedDict):
    """How many steps there were, and how they ended."""

    total: int
    accepted: int
    rejected: int
    failed: int


class RunSummary(TypedDict):
    """One run. Paths are absolute; `seconds` are those worked, stops not counted; `created` is local time, ISO 8601.

    `best` is what would be handed over now, with its score on the search part and the one on the selection part (held
    back); `naive` what the best constant prediction scores on the search part; `test` the score on rows that Gome kept
    aside from one table. `is_program`: the submission is that of a program and not a constant. `self_reported`: why
    scores are what programs say of themselves; '' where the harness graded. What is not known (yet) is None.
    """

    run: str
    task: str
    state: RunState
    created: str | None
    metric: str | None
    direction: Direction | None
    positive: str | None
    self_reported: str
    best: Best | None
    naive: Score | None
    test: KeptAside | None
    first_draft: FirstDraft | None
    steps: StepCounts
    reasoner: str
    seconds: float | None
    evaluations: int
    usage: Usage
    submission: str | None
    is_program: bool
    program: str | None
    report: str | None
    problems: list[str]


def summary_of(folder: RunFolder) -> RunSummary:
    """The summary of a run folder, whatever of it there is."""
    draft, root = folder.first_draft, folder.path.resolve()
    return RunSummary(
        run=str(root),
        task=folder.name,
        state=folder.state,
        created=folder.run.get("created"),
        metric=folder.task.get("metric"),
        direction=cast(Direction | None, folder.task.get("direction")),
        positive=folder.positive,
        self_reported=folder.self_reported,
        best=folder.best,
        naive=folder.naive.get("search"),
        test=folder.result.get("test"),
        first_draft=FirstDraft(id=draft.id, score=draft.score) if draft else None,
        steps=StepCounts(
            total=len(folder.records),
            accepted=folder.count("accepted"),
            rejected=folder.count("rejected"),
            failed=folder.count("failed"),
        ),
        reasoner=folder.reasoner,
        seconds=folder.seconds,
        evaluations=folder.evaluations,
        usage=folder.usage,
        submission=_there(root / "solution" / "submission.csv"),
        is_program=folder.has_program,
        program=_there(root / "solution" / "main.py"),
        report=_there(root / "report.html"),
        problems=folder.result.get("problems") or [],
    )


def runs_in(folder: Path) -> list[RunFolder]:
    """The runs in a folder and in its folders, or the one run that it is; newest first. GomeError: no such folder."""
    if not folder.is_dir():
        raise GomeError(f"there is no folder {folder}; runs lie in `runs` unless you said otherwise")
    files = [folder / RUN_FILE] if (folder / RUN_FILE).is_file() else []
    files = files or [*folder.glob(f"*/{RUN_FILE}"), *folder.glob(f"*/*/{RUN_FILE}")]
    read = [RunFolder.read(file.parent) for file in files]
    return sorted(read, key=lambda run: (run.run.get("created") or "", run.path.name), reverse=True)


def _there(path: Path) -> str | None:
    return str(path) if path.is_file() else None
