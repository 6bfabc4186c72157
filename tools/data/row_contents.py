"""Files that are named by rows, searched for the labels of these rows: a file need not name its row to tell its label."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath

import pandas as pd

from gome.state.task import Task
from gome.tools.data.file_contents import read_content
from gome.tools.data.file_verdicts import DOUBT
from gome.tools.data.ids import id_text
from gome.tools.data.label_search import LabelSearch
from gome.tools.data.row_files import Kinds, RowFiles
from gome.tools.data.row_keys import RowNaming

MOST, CHARACTERS = 400, 20_000
"""Files of a kind that are read, and of each how much."""
Opened = Callable[[Iterable[str]], Iterator[tuple[str, Path | None]]]


def telling_files(
    naming: RowNaming, train: pd.DataFrame, test: pd.DataFrame, task: Task, opened: Opened
) -> set[str]:
    """Those of the files named by rows whose kind tells the labels of its rows, test's files of this kind included.
    `opened` gives files by their names in the task. What cannot be read as text is not searched."""
    if naming.key is None:
        return set()
    names = list(_texts([*naming.named, *naming.shared], opened))
    rules = RowFiles.find(names, *(set(id_text(t[naming.key]).dropna()) for t in (train, test)))
    search = LabelSearch(id_text(train[naming.key]), train[task.target], doubt=DOUBT)
    told: set[str] = set()
    for kinds in rules.kinds():
        for files in kinds.values():
            if _tell(files, search, opened):
                told.update(name for _, name in files)
    return told


def _texts(names: Iterable[str], opened: Opened) -> Iterator[str]:
    """Those `names` whose kind of file is text, as the first of each shows."""
    alike: dict[str, list[str]] = defaultdict(list)
    for name in names:
        alike[PurePosixPath(name).suffix.lower()].append(name)
    for first, path in opened([same[0] for same in alike.values()]):
        if path and read_content(path).texts is not None:
            yield from alike[PurePosixPath(first).suffix.lower()]


def _tell(files: Kinds, search: LabelSearch, opened: Opened) -> bool:
    """Whether the labels of rows stand at one place of their files, each (id, name): a line for each, behind its id."""
    known = search.known(pd.Series([own for own, _ in files], dtype=object))
    rows = {name: own for (own, name), there in zip(files, known, strict=True) if there}
    every = max(1, len(rows) // MOST)
    lines = []
    for name, path in opened(list(rows)[::every][:MOST]):
        text = " ".join((read_content(path).texts or [""])[0][:CHARACTERS].split()) if path else ""
        lines.append(f"{rows[name]} {text}")
    return search.in_text("\n".join(lines), others=search)  # that rows have such a file tells nothing here
