"""An adapter as the harness holds it: its text, and its functions, each called in a sandbox of its own."""

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from gome.tools.adapters import host
from gome.tools.adapters.carved import MOST_TABLE, Carved, Unfit, readable
from gome.tools.data.input_files import InputLinks
from gome.tools.data.tables import read_cells, read_table
from gome.tools.evaluation.grader_process import sandbox
from gome.tools.execution.job import Executor, Job, Outcome
from gome.tools.execution.left_behind import plain_file, real_folder
from gome.tools.execution.workspace import remove_work_dir

FILE = "adapter.py"
ID, LABEL, GROUP, TIME = "id", "label", "group", "time"
"""Columns of the table of units that the harness knows; others are shown beside errors."""
_OUTPUT_MB, _FILES = 65_536.0, 2_000_000
_MOST_SAID = 1 << 20
_LISTS = {"id", "target"}
"""Settings that may be several names."""


Fold = tuple[Sequence[str], Sequence[str]]
"""Ids of the units to train on, and of those that are graded."""


@dataclass(frozen=True)
class Limits:
    """What one call of an adapter may use."""

    wall_s: float
    memory_mb: int


@dataclass(frozen=True)
class About:
    """What an adapter has and says: names of its functions, and settings as task.yaml would give them."""

    functions: list[str]
    settings: dict[str, Any]


@dataclass(frozen=True)
class Adapter:
    """`source` is its text. It sees the folder `public` and nothing else; its sandboxes work below `scratch`, on the file
    system that carved folders end up on; `executor` None: behind the strongest walls of this machine. Each function
    raises Unfit: it raised, was too slow, wanted too much memory."""

    source: str
    public: Path
    scratch: Path
    limits: Limits
    executor: Executor | None = None

    @property
    def links(self) -> InputLinks:
        """Lays public files out elsewhere."""
        return InputLinks(self.public, self.scratch / "copies")

    def about(self) -> About:
        """What it has. Unfit if it lacks one of the two functions that it must have."""
        with self._called("about") as (_, reply):
            functions, settings = reply.get("functions"), reply.get("settings")
        if not isinstance(functions, list) or not isinstance(settings, dict):
            raise Unfit("its answer cannot be read.")
        if lacking := [name for name in ("units", "carve") if name not in functions]:
            raise Unfit(f"it has no function {' and no function '.join(lacking)}.")
        if several := [
            name for name, value in settings.items() if name not in _LISTS and not isinstance(value, str)
        ]:
            raise Unfit(f"{several[0]} is a list; it is one text.")
        for name in _LISTS & settings.keys():
            settings[name] = [settings[name]] if isinstance(settings[name], str) else settings[name]
        return About([str(f) for f in functions], settings)

    def units(self) -> pd.DataFrame:
        """The table of labelled units, ids and groups as text. Unfit: no ids, or some twice."""
        with self._called("units") as (work, _):
            return read_units(work)

    @contextmanager
    def carving(self, folds: Sequence[Fold], *, seed: int = 0) -> Iterator[Callable[[int, Path], Carved]]:
        """Carve `folds`, each the task as if the second ids were to be predicted and the first ones all that is labelled,
        one after the other in one process. What is yielded fills a folder with the fold of a number. `seed` is of the
        hashes of Python: what is laid out must not depend on it."""
        asked = [[list(train), list(graded)] for train, graded in folds]
        with self._called("carve", times=len(folds), seed=seed, folds=asked) as (work, reply):

            def take(number: int, folder: Path) -> Carved:
                left = real_folder(work, str(number)) or work
                carved = Carved(folder, read_answers(left))
                carved.take(left, str(reply.get("public")), self.links)
                return carved

            yield take

    @contextmanager
    def _called(
        self, call: str, *, times: int = 1, seed: int = 0, **more: Any
    ) -> Iterator[tuple[Path, dict[str, Any]]]:
        """The working folder that so many calls in one process have left, and the reply; it is gone afterwards."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder, tempfile.TemporaryFile() as asked:
            request = {"source": self.source, "name": FILE, "call": call, **more}
            asked.write(json.dumps(request).encode())
            asked.seek(0)
            work = Path(folder) / "work"
            job = Job(
                program=Path(host.__file__),
                input_dir=self.public,
                work_dir=work,
                seed=seed,
                wall_s=self.limits.wall_s * times,
                memory_mb=self.limits.memory_mb,
                output_mb=_OUTPUT_MB,
                files=_FILES,
                stdin=asked.fileno(),
            )
            try:
                outcome = (self.executor or sandbox()).run(job, stop=lambda: False)
                yield work, _reply(work, "it" if call == "about" else f"{call}()", outcome)
            finally:
                remove_work_dir(work)


def _reply(work: Path, what: str, outcome: Outcome) -> dict[str, Any]:
    if outcome.reason != "ok":
        lines = outcome.log.strip().splitlines() or [f"exit code {outcome.exit_code}"]
        raise Unfit(f"{what} was ended: {outcome.limit or lines[-1][:300]}.")
    return read_reply(work, what)


def read_reply(work: Path, what: str) -> dict[str, Any]:
    """The reply of a call of `what`. Unfit: there is none that can be read, or it says what went wrong."""
    path = plain_file(work, "reply.json", _MOST_SAID)
    try:
        reply = json.loads(path.read_text(encoding="utf-8")) if path else None
    except (ValueError, RecursionError):
        reply = None
    if not isinstance(reply, dict):
        raise Unfit(f"{what} ended without an answer.")
    if "error" in reply:
        said = "".join(c if c.isprintable() else " " for c in str(reply["error"]))[:400]
        raise Unfit(f"{what} failed: {said}")
    return reply


def read_units(work: Path) -> pd.DataFrame:
    """The table of units that a call has left. Unfit."""
    path = plain_file(work, "units.csv", MOST_TABLE)
    units = readable("the table of units()", read_table, path, text=[ID, GROUP]) if path else pd.DataFrame()
    if ID not in units:
        raise Unfit(f"units() has no column {ID!r}: return a table with an id for each labelled unit.")
    ids = units[ID]
    if ids.isna().any() or ids.duplicated().any():
        what = "has empty ids" if ids.isna().any() else f"names {ids[ids.duplicated()].iloc[0]!r} twice"
        raise Unfit(f"units() {what}: each unit needs an id of its own.")
    return units


def read_answers(work: Path) -> pd.DataFrame:
    """The hidden answers that a call has left, cells as text. Unfit."""
    path = plain_file(work, "answers.csv", MOST_TABLE)
    if path is None:
        raise Unfit("carve() returned no answers: return a table in the sample's form.")
    return readable("the answers of carve()", read_cells, path)
