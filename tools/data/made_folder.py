"""The folder in which a convention lays a task out."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from gome.tools.data import archives
from gome.tools.data.input_files import InputLinks
from gome.tools.data.tables import write_table

FOLDER = "read"
SAMPLE = "sample_submission.csv"
"""What a sample submission is called that was made."""


def write_folder(
    root: Path, workspace: Path, tables: Mapping[str, pd.DataFrame], places: Mapping[str, str]
) -> Path:
    """`workspace`/read/NAME with the `tables` by name, and links to files of `root` (place to name; `archive/member` is
    unpacked, where the archive is none of the places itself). What is there before is replaced."""
    above = workspace.resolve() / FOLDER
    above.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".task-", dir=above))
    links, packed = InputLinks(root, above / ".copies"), dict[str, dict[str, str]]()
    for place, name in places.items():
        if place in tables:
            continue
        if (root / name).is_file():
            links.link(name, draft / place)
        else:
            archive = next(n for n in _above(name) if (root / n).is_file())
            packed.setdefault(archive, {})[name[len(archive) + 1 :]] = place
    for archive, wanted in packed.items():
        for member, file in archives.members(root / archive, wanted):
            (draft / wanted[member]).parent.mkdir(parents=True, exist_ok=True)
            with (draft / wanted[member]).open("wb") as out:
                shutil.copyfileobj(file, out)
    for name, table in tables.items():
        write_table(table, draft / name)
    draft.chmod(0o755)
    folder = above / root.name
    shutil.rmtree(folder, ignore_errors=True)
    return draft.rename(folder)


def _above(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:i]) for i in range(1, len(parts))]
