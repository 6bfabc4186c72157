"""What the benchmark takes: the submission, once its checker has let it pass, the program behind it, the records."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from checker import Checker
from places import Places

from gome.state.errors import GomeError
from gome.tools.data.mlebench import find_sample
from gome.tools.data.tables import read_cells

SUBMISSION = "submission.csv"
_NO_RECORDS = ("checkpoints.sqlite", "run.pid", ".")


def say(line: str) -> None:
    """To the benchmark's log."""
    print(f"mlebench: {line}", flush=True)


class HandOver:
    """Hands over what stands in the run whenever that is new. Each file is replaced whole."""

    def __init__(self, places: Places, checker: Checker) -> None:
        self.places, self.checker = places, checker
        self._seen: tuple[int, int] | None = None

    def sample(self) -> None:
        """Let the sample submission stand until Gome has one, if none stands."""
        if (self.places.submission / SUBMISSION).is_file():
            return
        draft = self.places.agent / "sample.csv"
        try:
            read_cells(self.places.data / find_sample(self.places.data)).to_csv(draft, index=False)
        except GomeError as error:
            return say(f"no sample submission to begin with: {error}")
        self._offer(draft, "the sample submission")

    def renew(self) -> str | None:
        """Hand over what stands in the run if that is new. What the checker says against it, if it is a program's."""
        solution, offered = self.places.run / "solution", self.places.agent / "offered"
        stamp = _stamp(solution / SUBMISSION)
        if stamp is None or stamp == self._seen:
            return None
        mirror(solution, offered, [path for path in _files(solution) if not path.name.startswith(".")])
        if _stamp(solution / SUBMISSION) != stamp:
            return None  # renewed meanwhile: the next look takes that one
        self._seen = stamp
        programs = [path for path in _files(offered) if path.name != SUBMISSION]
        refused = self._offer(offered / SUBMISSION, "a program's" if programs else "a constant prediction")
        if not refused:
            mirror(offered, self.places.code, programs)
        self.records()
        return refused if programs else None

    def records(self) -> None:
        """Copy the records of the run."""
        run = self.places.run
        kept = [p for p in run.glob("*") if p.is_file() and not p.name.startswith(_NO_RECORDS)]
        mirror(run, self.places.logs / "run", kept)

    def _offer(self, submission: Path, what: str) -> str | None:
        """Let a submission stand unless the checker refuses it; its words then."""
        verdict = self.checker.ask(submission)
        if verdict.valid is False:
            say(f"{what}: refused, so it does not stand: {verdict.words}")
            return verdict.words
        _replace(submission, self.places.submission / SUBMISSION)
        say(f"{what}: it stands{'' if verdict.valid else ', unchecked'}: {verdict.words}")
        return None


def mirror(source: Path, target: Path, files: Iterable[Path]) -> None:
    """Make `target` hold just these files of `source`."""
    names = {path.relative_to(source) for path in files}
    for name in sorted(names):
        _replace(source / name, target / name)
    for path in _files(target):
        if path.relative_to(target) not in names:
            path.unlink()


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _replace(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}")
    shutil.copyfile(source, draft)
    draft.replace(target)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
