"""Gome in MLE-bench's container: runs or resumes it, and hands over what stands whenever that changes.

Started by start.sh, which says where everything lies. Arguments are options of `gome run`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import httpx

from gome.state.errors import GomeError
from gome.tools.data.mlebench import find_sample
from gome.tools.data.tables import read_cells

POLL_S = 1.0
VALIDATE_S = 900.0
END_S = 60.0
RESERVE = 0.02
"""Share of the time that is kept back from Gome for its end, at most `MOST_RESERVE_S`."""
MOST_RESERVE_S = 300.0
DAY_S = 86_400.0
NOT_LOGS = ("checkpoints.sqlite", "run.pid")
NAMES_THE_TASK = ("COMPETITION_ID",)


@dataclass(frozen=True)
class Places:
    """The benchmark's folders: what is given, what is taken from us, and our own."""

    data: Path
    instructions: Path
    submission: Path
    code: Path
    logs: Path
    agent: Path

    @classmethod
    def from_environment(cls) -> "Places":
        """As start.sh says them."""
        return cls(*(Path(os.environ[f"{name.upper()}_DIR"]) for name in cls.__dataclass_fields__))

    @property
    def run(self) -> Path:
        """Gome's folder of the run."""
        return self.agent / "run"


@dataclass(frozen=True)
class Checker:
    """The benchmark's check of a submission's form. It knows the competition, by its own settings or by our header."""

    url: str
    competition: str

    def ask(self, submission: Path) -> tuple[bool | None, str]:
        """Whether the submission is valid, None if there is no telling, and the checker's words."""
        try:
            with submission.open("rb") as file:
                reply = httpx.post(
                    self.url,
                    files={"file": ("submission.csv", file, "text/csv")},
                    headers={"exp-id": self.competition},
                    timeout=VALIDATE_S,
                    trust_env=False,  # the checker is on this machine: never by a proxy
                )
        except httpx.HTTPError as error:
            return None, f"no answer from {self.url} ({type(error).__name__}: {error})"
        return verdict(reply.status_code, reply.text)


def verdict(status: int, text: str) -> tuple[bool | None, str]:
    """What a reply says: `{"result": words}`, or `{"is_valid": bool, "result": words}`; anything else is no verdict."""
    try:
        body = json.loads(text)
        words = " ".join(str(body["result"]).split())[:500]
    except (ValueError, KeyError, TypeError):
        return None, f"status {status}: {' '.join(text.split())[:300]}"
    if isinstance(said := body.get("is_valid"), bool):
        return said, words
    if re.search(r"\b(invalid|not valid)\b", words, re.IGNORECASE):
        return False, words
    return (True if re.search(r"\bvalid\b", words, re.IGNORECASE) else None), words


class HandOver:
    """Copies submission, code and logs to where the benchmark takes them from. Each file is replaced whole."""

    def __init__(self, places: Places, checker: Checker) -> None:
        self.places, self.checker = places, checker
        self._seen: tuple[int, int] | None = None

    def sample(self) -> None:
        """Let the sample submission stand until Gome has one of its own."""
        if (self.places.submission / "submission.csv").is_file():
            return
        draft = self.places.agent / "sample_submission.csv"
        try:
            read_cells(self.places.data / find_sample(self.places.data)).to_csv(draft, index=False)
        except (GomeError, OSError) as error:
            say(f"there is no sample submission to begin with: {error}")
            return
        self._offer(draft, "the sample submission")

    def renew(self) -> None:
        """Hand over what stands in the run, if that is new."""
        solution = self.places.run / "solution"
        stamp = _stamp(solution / "submission.csv")
        if stamp is None or stamp == self._seen:
            return
        offered = self.places.agent / "offered"
        shutil.rmtree(offered, ignore_errors=True)
        shutil.copytree(solution, offered, ignore=shutil.ignore_patterns(".*"))
        if _stamp(solution / "submission.csv") != stamp:
            return  # renewed meanwhile: the next look takes that one
        self._seen = stamp
        program = (offered / "main.py").is_file()
        refused = self._offer(
            offered / "submission.csv", "a program's" if program else "a constant prediction"
        )
        if refused is None:
            mirror(offered, self.places.code, [p for p in _files(offered) if p.name != "submission.csv"])
        elif program:
            _advise(
                self.places,
                f"The competition's own check refuses the submission of the best program: {refused}",
            )
        self.logs()

    def logs(self) -> None:
        """Copy the run's records."""
        run = self.places.run
        mirror(run, self.places.logs / "run", [p for p in run.glob("*") if p.is_file() and is_log(p.name)])

    def _offer(self, submission: Path, what: str) -> str | None:
        """Let a submission stand unless the checker refuses it; its words then."""
        valid, words = self.checker.ask(submission)
        if valid is False:
            say(f"refused, so it does not stand ({what}): {words}")
            return words
        _replace(submission, self.places.submission / "submission.csv")
        say(f"stands ({what}): {words}" if valid else f"stands unchecked ({what}): {words}")
        return None


def is_log(name: str) -> bool:
    """Whether a file of the run's folder is a record that people read."""
    return not name.startswith((".", *NOT_LOGS)) and not name.endswith(".lock")


def mirror(source: Path, target: Path, files: Iterable[Path]) -> None:
    """Make `target` hold just these files of `source`."""
    wanted = {path.relative_to(source) for path in files}
    for name in sorted(wanted):
        _replace(source / name, target / name)
    for path in _files(target):
        if path.relative_to(target) not in wanted:
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


def say(line: str) -> None:
    """To the benchmark's log."""
    print(f"mlebench: {line}", flush=True)


def _advise(places: Places, text: str) -> None:
    _gome("advise", str(places.run), text, check=False, stdout=subprocess.DEVNULL)


def _gome(*words: str, check: bool, stdout: int | None = None) -> None:
    subprocess.run([sys.executable, "-m", "gome", *words], check=check, stdout=stdout, env=_environment())


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in NAMES_THE_TASK}
