"""What each file of a task folder is to a fold: laid out whole, laid out without the graded rows, or left out.

Made once for a run, before anything runs. A file is laid out whole only if it is known to hold no labels of train
rows: it was searched for them, it is a picture or a sound, or task.yaml says so (`keep`). Archives are looked into like
folders: a file in one is named `archive/member`.
"""

import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path, PurePosixPath

from gome.state.task import Task
from gome.tools.data import archives
from gome.tools.data.file_verdicts import FileJudge, Verdict
from gome.tools.data.row_contents import telling_files
from gome.tools.data.row_keys import RowNaming, row_naming
from gome.tools.data.table_names import is_table
from gome.tools.data.task_files import task_files
from gome.tools.data.task_tables import read_task_table

MANY = 1_000
"""Files of one kind in one folder, from which on every so many are searched, for so many in all."""


@dataclass(frozen=True)
class Inventory:
    """Names of files by what becomes of them in a fold; all are in the task folder or, `archive/member`, in an archive.

    `plain`: laid out as they are. `tables`: without the graded rows, by the key column. `left_out`: not at all, and why.
    What is named by rows is in `naming`. `notes` say it to people.
    """

    plain: list[str] = field(default_factory=list)
    tables: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    archives: list[str] = field(default_factory=list)
    naming: RowNaming = field(default_factory=RowNaming)
    notes: list[str] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.draft")
        draft.write_text(json.dumps(asdict(self)), encoding="utf-8")
        draft.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Inventory":
        """The inventory that `save` wrote."""
        kept = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**kept, "naming": RowNaming(**kept["naming"])})

    @property
    def names(self) -> list[str]:
        """All files, in archives too."""
        return [*self.plain, *self.tables, *self.left_out, *self.naming.named]

    def archive_of(self, name: str) -> str | None:
        """The archive that a file is a member of."""
        if not self._archives:
            return None
        at = name.find("/")
        while at >= 0:
            if name[:at] in self._archives:
                return name[:at]
            at = name.find("/", at + 1)
        return None

    @cached_property
    def _archives(self) -> frozenset[str]:
        return frozenset(self.archives)


def take_inventory(task: Task) -> Inventory:
    """Look through all files of the task. GomeError for a link that leads out of its folder, or a table that is none."""
    root = Path(task.root)
    train, test = (read_task_table(task, name) for name in (task.train, task.test))
    names = [n for n in task_files(root, task.links_root) if n not in (task.train, task.test, task.sample)]
    found = Inventory()
    names = list(opened(root, names, found))
    kept = [n for n in names if _is_kept(n, task.keep)]
    found.plain.extend(kept)
    others = [n for n in names if n not in set(kept)]
    naming, notes = row_naming(others, train, test, task)
    with tempfile.TemporaryDirectory() as scratch:
        told = telling_files(
            naming, train, test, task, lambda wanted: as_files(found, root, wanted, Path(scratch))
        )
    if told:
        found.left_out.update(dict.fromkeys(sorted(told), "holds the label of the row that it is named by"))
        others = [n for n in others if n not in told]
        naming, notes = row_naming(others, train, test, task)
    found = Inventory(found.plain, {}, found.left_out, found.archives, naming, notes)
    found.plain.extend(naming.shared)
    done = {*naming.named, *naming.shared}
    judge, reasons = FileJudge(task, train, test[task.id]), defaultdict(list)
    searched, in_part = sampled([n for n in others if n not in done]), []
    with tempfile.TemporaryDirectory() as scratch:
        for name, path in as_files(found, root, searched, Path(scratch)):
            verdict = judge.judge(name, path) if path else Verdict("cannot be read")
            for alike in searched[name]:
                _sort(found, alike, verdict)
            in_part += [name] if verdict.in_part or len(searched[name]) > 1 else []
    for name, why in found.left_out.items():
        reasons[why].append(name)
    found.notes.extend(_notes(found, task, kept, in_part, dict(reasons)))
    return found


def _is_kept(name: str, patterns: list[str]) -> bool:
    return any(fnmatch(name, p) or name.startswith(f"{p.rstrip('/')}/") for p in patterns)


def opened(root: Path, names: list[str], found: Inventory) -> Iterator[str]:
    """`names` with the members of archives in place of these; one that cannot be opened is left out."""
    for name in names:
        if not archives.is_archive(name) or is_table(Path(name)):
            yield name
            continue
        try:
            inside = archives.member_names(root / name)
        except archives.BROKEN:
            found.left_out[name] = "cannot be read, so nobody knows whether it holds labels"
            continue
        found.archives.append(name)
        yield from (f"{name}/{member}" for member in inside)


def sampled(names: Iterable[str]) -> dict[str, list[str]]:
    """Names to be searched, each with those it stands for: of very many files of one kind in a folder only some are."""
    kinds: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in names:
        path = PurePosixPath(name)
        kinds[(str(path.parent), path.suffix.lower())].append(name)
    searched: dict[str, list[str]] = {}
    for alike in kinds.values():
        every = -(-len(alike) // MANY)
        searched |= {alike[i]: alike[i : i + every] for i in range(0, len(alike), every)}
    return searched


def as_files(
    found: Inventory, root: Path, names: Iterable[str], scratch: Path
) -> Iterator[tuple[str, Path | None]]:
    """Each name with a file that can be read, members of archives unpacked one by one; None where that fails."""
    packed: dict[str, dict[str, str]] = defaultdict(dict)
    for name in names:
        if archive := found.archive_of(name):
            packed[archive][name[len(archive) + 1 :]] = name
        else:
            yield name, root / name
    for archive, wanted in packed.items():
        left = set(wanted.values())
        try:
            for member, file in archives.members(root / archive, wanted):
                path = scratch / PurePosixPath(member).name
                with path.open("wb") as out:
                    while chunk := file.read(1 << 20):
                        out.write(chunk)
                left.discard(wanted[member])
                yield wanted[member], path
                path.unlink()
        except archives.BROKEN:
            yield from ((name, None) for name in sorted(left))


def _sort(found: Inventory, name: str, verdict: Verdict) -> None:
    if not verdict.why:
        found.plain.append(name)
    elif verdict.key is not None:
        found.tables[name] = verdict.key
    else:
        found.left_out[name] = verdict.why


def _notes(
    found: Inventory, task: Task, kept: list[str], in_part: list[str], reasons: dict[str, list[str]]
) -> Iterator[str]:
    for name, key in found.tables.items():
        yield f"{name} holds labels or has train's rows only: it is in the folds without the graded rows, by {key}"
    for why, names in reasons.items():
        yield (f"not in any program's input, as it {why}: {few(names)}; if it holds none, name it in `keep`")
    if kept:
        yield f"in the folds unsearched, as `keep` says: {few(kept)}"
    if in_part:
        yield f"searched for labels in part only, as they are many or large: {few(in_part)}"


def few(names: list[str]) -> str:
    """The first names of a list, and how many more there are."""
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
