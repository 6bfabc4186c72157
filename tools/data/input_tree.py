"""The input of a program as a tree of lines: few files by their names, many by their kinds."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import cast

from gome.state.task import Task
from gome.tools.data.inventory import Inventory

MOST_FILES, MOST_FOLDERS = 8, 8
_Folder = dict[str, "_Folder | str"]


def input_tree(task: Task, found: Inventory) -> list[str]:
    """The lines, indented by two spaces a level; behind a name what a fold does with the file."""
    said = dict.fromkeys(found.plain, "")
    said |= dict.fromkeys(found.tables, "without the graded rows")
    said |= dict.fromkeys(found.naming.named, f"of a row, by {found.naming.key}")
    said |= {task.sample: "the form of the answer", task.test: "the rows to predict"}
    said |= {task.train: "labelled rows"}
    return tree_of(said, "input/")


def tree_of(said: Mapping[str, str], top: str) -> list[str]:
    """The lines for files by name, each with what is said of it, below a line for the folder that they are in."""
    root: _Folder = {}
    for name, words in said.items():
        *folders, file = name.split("/")
        here = root
        for folder in folders:
            here = cast(_Folder, here.setdefault(folder, {}))
        here[file] = words
    return [top, *_lines(root, 1)]


def _lines(folder: Mapping[str, _Folder | str], level: int) -> Iterator[str]:
    indent = "  " * level
    files = {name: said for name, said in folder.items() if isinstance(said, str)}
    folders = {name: inner for name, inner in folder.items() if isinstance(inner, dict)}
    if len(files) <= MOST_FILES:
        yield from (f"{indent}{name}{f'  ({said})' if said else ''}" for name, said in sorted(files.items()))
    else:
        kinds = Counter((PurePosixPath(name).suffix or "no suffix", said) for name, said in files.items())
        for (suffix, said), count in sorted(kinds.items()):
            yield f"{indent}{count:,} {suffix}{f'  ({said})' if said else ''}"
    for name, inner in sorted(folders.items())[:MOST_FOLDERS]:
        yield f"{indent}{name}/"
        yield from _lines(inner, level + 1)
    if len(folders) > MOST_FOLDERS:
        yield f"{indent}... and {len(folders) - MOST_FOLDERS:,} more folders"
