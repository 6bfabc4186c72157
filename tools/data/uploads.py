"""Tables that come as rows instead of as a file."""

import hashlib
from pathlib import Path

import pandas as pd

from gome.state.errors import GomeError
from gome.state.plain import JsonObject


def write_rows(rows: str | list[JsonObject], folder: Path) -> Path:
    """A CSV file of `rows`, CSV text or one mapping for each row, in `folder`, under a name that its content gives it.

    GomeError if mappings have different names, or there is no row.
    """
    text = rows if isinstance(rows, str) else _as_csv(rows)
    path = folder / f"rows-{hashlib.sha256(text.encode()).hexdigest()[:12]}.csv"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return path


def _as_csv(rows: list[JsonObject]) -> str:
    names = list(rows[0]) if rows else []
    if not names:
        raise GomeError("rows: there is no row with a value in it")
    for number, row in enumerate(rows, 1):
        if odd := sorted(set(row) ^ set(names)):
            raise GomeError(
                f"rows: row {number} and row 1 do not have the same columns: {odd[0]!r} is in one of them; "
                "give each row all columns, null where there is no value"
            )
    return pd.DataFrame(rows, columns=names).to_csv(index=False)
