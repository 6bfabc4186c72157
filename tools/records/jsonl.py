"""JSON lines on disk: whole lines are appended, a line cut off by a kill is passed over when reading."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gome.state.plain import JsonObject

_append = threading.Lock()


def append_line(path: Path, record: JsonObject, *, durable: bool = False) -> int:
    """Append one record in a single write; start on a fresh line if the last writer was killed in mid-line. Returns the
    place of its line, for `line_at`.

    `durable` waits until the disk has it: what a checkpoint relies on must outlive a power cut as the checkpoint does.
    """
    data = json.dumps(record, ensure_ascii=False, allow_nan=False, default=str).encode() + b"\n"
    with _append, path.open("ab+") as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(size - 1)
            if file.read(1) != b"\n":
                data, size = b"\n" + data, size + 1
        file.write(data)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    return size


def line_at(path: Path, place: int) -> JsonObject:
    """The record whose line begins at `place`."""
    with path.open("rb") as file:
        file.seek(place)
        record: JsonObject = json.loads(file.readline())
        return record


def read_lines(path: Path) -> Iterator[JsonObject]:
    """The whole records of the file in order; nothing if there is no file."""
    return (record for _, record in places(path))


class Tail:
    """A file that others append to, each whole line of it read once. Not safe between threads."""

    def __init__(self, path: Path) -> None:
        self.path, self._place = path, 0

    def new(self) -> list[JsonObject]:
        """The whole records written since the last call; all of them again if the file became shorter."""
        try:
            with self.path.open("rb") as file:
                if file.seek(0, os.SEEK_END) < self._place:
                    self._place = 0
                file.seek(self._place)
                data = file.read()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._place += len(whole)
        return [record for line in whole.splitlines() if (record := parse_line(line)) is not None]


def parse_line(line: str | bytes) -> JsonObject | None:
    """The record of one line, None if it is not whole."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def places(
    path: Path, parse: Callable[[bytes], JsonObject | None] = parse_line
) -> Iterator[tuple[int, JsonObject]]:
    """The whole records of the file in order, each with the place of its line; nothing if there is no file. `parse` says
    what of a line is read, None for one that is not whole."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        place = 0
        for line in file:
            if (record := parse(line)) is not None:
                yield place, record
            place += len(line)


def write_json(path: Path, value: Any) -> None:
    """Write one JSON file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    with draft.open("w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, allow_nan=False, indent=1, default=str)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
