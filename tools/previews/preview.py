"""Looks at a few files of each kind in a sandbox, and tells what they hold as far as these show it."""

import json
import tempfile
import zipapp
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import chain, repeat
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from gome.state.profile import Preview
from gome.tools.execution.job import Executor, Job
from gome.tools.execution.left_behind import plain_file
from gome.tools.previews import readers
from gome.tools.previews.kinds import FileKind, file_kinds
from gome.tools.previews.readers.seen import REPLY
from gome.tools.text import begun, storable

MOST_KINDS, SAMPLED, CHARACTERS = 24, 8, 6000
"""Kinds of files that are looked at, files of each, and characters of all previews together."""
WALL_S, MEMORY_MB, OUTPUT_MB = 20.0, 1024, 64.0
_MOST_SAID, _FACT, _EXAMPLE, _WORDS = 64 << 20, 300, 900, 4
_PACKAGE = "gome.tools.previews.readers"


class Reply(BaseModel):
    """What a reader says of one file: as it comes out of a sandbox that has read foreign bytes. See `readers.seen`."""

    kind: str = Field(max_length=100)
    facts: dict[str, int | float | str | list[str]] = Field(max_length=100)
    example: str
    problem: str


def previews(
    folder: Path,
    names: Collection[str],
    executor: Executor,
    *,
    shown: tuple[Path, ...] = (),
    memory_mb: int = MEMORY_MB,
) -> list[Preview]:
    """What the files `names` of `folder` hold, a preview for each kind, those of most files first. Links in it may lead
    into the folders `shown`.

    They are read in the `executor`'s sandbox: a file that takes longer than `WALL_S` or more than `memory_mb` costs the
    preview of its kind. What does not fit into `MOST_KINDS` and `CHARACTERS` is counted alone.
    """
    kinds = file_kinds(names)
    found = [told_of(*told) for told in _told(kinds[:MOST_KINDS], folder, executor, memory_mb, shown)]
    return list(_within(found, kinds[MOST_KINDS:]))


def _told(
    kinds: Sequence[FileKind], folder: Path, executor: Executor, memory_mb: int, shown: tuple[Path, ...]
) -> Iterator[tuple[FileKind, list[Reply], str]]:
    """Each kind with what was told of its files, and why not of all of them. Where a process ends before its time, the
    kind that it was at begins the next one; a kind is given up when it has had one for itself."""
    with tempfile.TemporaryDirectory(prefix="gome-previews-") as scratch:
        program, left = packed(Path(scratch) / "readers.pyz"), list(kinds)
        while left:
            asked = [kind.sample(SAMPLED) for kind in left]
            replies, why = _asked(
                [*chain(*asked)], folder, program, Path(scratch) / "work", executor, memory_mb, shown
            )
            for first, names in zip(chain([True], repeat(False)), asked, strict=False):
                mine, replies = replies[: len(names)], replies[len(names) :]
                unread = names[len(mine) :]
                if unread and not first:
                    break
                yield left.pop(0), mine, f"reading {unread[0]} was ended: {why}" if unread else ""


def packed(path: Path) -> Path:
    """The readers as one file that Python runs, with no other package of ours in it."""
    source = Path(readers.__file__).parent
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        place = root.joinpath(*_PACKAGE.split("."))
        place.mkdir(parents=True)
        for parent in [place, *place.parents][: _PACKAGE.count(".") + 1]:
            (parent / "__init__.py").touch()
        for module in source.glob("*.py"):
            (place / module.name).write_bytes(module.read_bytes())
        zipapp.create_archive(root, path, main=f"{_PACKAGE}.main:main")
    return path


def _asked(
    names: Sequence[str],
    folder: Path,
    program: Path,
    work: Path,
    executor: Executor,
    memory_mb: int,
    shown: tuple[Path, ...],
) -> tuple[list[Reply], str]:
    """What one process tells of the files, one after the other, and how it ended."""
    with tempfile.TemporaryFile() as asked:
        asked.write(json.dumps(names).encode())
        asked.seek(0)
        job = Job(
            program=program,
            input_dir=folder,
            work_dir=work,
            seed=0,
            wall_s=WALL_S,
            memory_mb=memory_mb,
            output_mb=OUTPUT_MB,
            stdin=asked.fileno(),
            shown=shown,
        )
        outcome = executor.run(job, stop=lambda: False)
    said = outcome.log.strip().splitlines() or [outcome.reason]
    return list(_replies(work)), outcome.limit or said[-1]


def _replies(work: Path) -> Iterator[Reply]:
    path = plain_file(work, REPLY, _MOST_SAID)
    if path is None:
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file.read().splitlines():
            try:
                yield Reply.model_validate_json(line)
            except ValidationError:
                return


def told_of(kind: FileKind, told: Sequence[Reply], ended: str = "") -> Preview:
    """The preview of a kind from what was told of some of its files: figures as ranges, words counted, lists united."""
    preview = Preview(files=_clean(kind.pattern, _FACT), count=len(kind.names), read=len(told))
    kinds = Counter(reply.kind for reply in told if reply.kind)
    if kinds:
        preview["kind"] = " or ".join(_clean(name, 100) for name, _ in kinds.most_common(2))
    keys = dict.fromkeys(key for reply in told for key in reply.facts)
    facts = {key: _united([reply.facts[key] for reply in told if key in reply.facts]) for key in keys}
    if kind.folders:
        facts["folders"] = kind.folders
    if facts:
        preview["facts"] = {_clean(key, 60): _clean(fact, _FACT) for key, fact in facts.items()}
    if example := next((reply.example for reply in told if reply.example), ""):
        preview["example"] = _clean(example.replace("\n", "\\n"), _EXAMPLE)
    problems = [ended, *dict.fromkeys(reply.problem for reply in told)]
    if problem := "; ".join(filter(None, problems)):
        preview["problem"] = _clean(problem, _FACT)
    return preview


def _united(values: Sequence[int | float | str | list[str]]) -> str:
    """One fact of several files: 'RGB 9, L 1'; '28 to 640'; of lists all that is in one of them, as it comes first."""
    figures = [v for v in values if isinstance(v, int | float)]
    if len(figures) == len(values):
        low, high = _figure(min(figures)), _figure(max(figures))
        return low if low == high else f"{low} to {high}"
    if any(isinstance(v, list) for v in values):
        return ", ".join(
            dict.fromkeys(item for v in values for item in (v if isinstance(v, list) else [str(v)]))
        )
    words = Counter(str(v) for v in values).most_common()
    if len(words) == 1:
        return words[0][0]
    shown = ", ".join(f"{word} ({count})" for word, count in words[:_WORDS])
    return shown if len(words) <= _WORDS else f"{shown} and {len(words) - _WORDS} more"


def _figure(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _clean(text: str, most: int) -> str:
    """Foreign text as one line that can be stored and shown."""
    shown = "".join(c if c.isprintable() else " " for c in storable(text))
    return begun(" ".join(shown.split()), most)


def _within(found: Sequence[Preview], rest: Sequence[FileKind]) -> Iterator[Preview]:
    """The previews as far as there is room for them, then the mere counts of the others."""
    room = CHARACTERS
    for preview in found:
        room -= len(json.dumps(preview, ensure_ascii=False))
        yield preview if room > 0 else Preview(files=preview["files"], count=preview["count"])
    if rest:
        count = sum(len(kind.names) for kind in rest)
        yield Preview(files=f"{len(rest)} further kinds of files", count=count)
