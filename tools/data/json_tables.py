"""Tables in JSON: a list of objects, an object a line, columns or rows by name, and the COCO form for pictures."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from gome.state.errors import GomeError

LARGEST = 2 << 30
CATEGORY = "category_id"


@dataclass(frozen=True)
class JsonTable:
    """The table, cells as text; its column `label`, where the form says which one it is; and tables told `beside` it."""

    cells: pd.DataFrame
    label: str | None = None
    beside: dict[str, pd.DataFrame] = field(default_factory=dict)


def read_json(path: Path) -> JsonTable:
    """The table in a JSON file. GomeError: larger than `LARGEST` bytes, no JSON, no table."""
    if path.stat().st_size > LARGEST:
        raise GomeError(f"{path}: too large to be read as one table.")
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    try:
        content = _content(text)
        found = _coco(content) if _is_coco(content) else JsonTable(_cells(_rows(content)))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise GomeError(f"{path}: no table ({error}).") from None
    if found.cells.empty:
        raise GomeError(f"{path}: no table.")
    return found


def _content(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]


def _rows(content: Any) -> pd.DataFrame:
    if isinstance(content, dict):
        lists = [v for v in content.values() if _objects(v)]
        if len(lists) == 1:
            return _rows(lists[0])
        inner = [v for v in content.values() if isinstance(v, dict)]
        if not inner or len(inner) < len(content):
            raise ValueError("neither rows nor columns")
        by_row = len(content) > len(inner[0])
        return pd.DataFrame.from_dict(content, orient="index" if by_row else "columns").reset_index(
            names="index"
        )
    if not _objects(content):
        raise ValueError("no list of objects")
    return pd.DataFrame(content)


def _objects(content: Any) -> bool:
    return isinstance(content, list) and bool(content) and all(isinstance(v, dict) for v in content)


def _is_coco(content: Any) -> bool:
    return isinstance(content, dict) and _objects(content.get("images"))


def _coco(content: dict[str, Any]) -> JsonTable:
    """A row for each picture, with what its annotation says where each has one; several that differ are no one label."""
    images = _cells(pd.DataFrame(content["images"]))
    key = "id" if "id" in images else "image_id"
    notes = content.get("annotations")
    beside = {
        f"{name}.csv": _cells(pd.DataFrame(part))
        for name, part in content.items()
        if name not in ("images", "annotations", "licenses", "info") and _objects(part)
    }
    if not _objects(notes):
        return JsonTable(images, None, beside)
    said = _cells(pd.DataFrame(notes)).drop(columns="id", errors="ignore")
    said = said.drop(columns=[c for c in said if c in images and c != "image_id"]).drop_duplicates("image_id")
    whole = images.merge(said, left_on=key, right_on="image_id", how="inner", suffixes=("", "_said"))
    categories = pd.DataFrame(notes).groupby("image_id")[CATEGORY].nunique() if CATEGORY in said else None
    one_each = categories is not None and bool((categories == 1).all())
    return JsonTable(whole, CATEGORY if one_each else None, beside)


def _cells(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({str(c): pd.Series(_texts(table[c]), dtype=object) for c in table.columns})


def _texts(values: Iterable[Any]) -> list[str | None]:
    return [_text(v) for v in values]


def _text(value: Any) -> str | None:
    if value is None or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))  # pandas makes floats of whole numbers where some rows have none
    return (
        value
        if isinstance(value, str)
        else json.dumps(value)
        if isinstance(value, list | dict)
        else str(value)
    )
