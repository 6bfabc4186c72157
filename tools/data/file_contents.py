"""What a file that is no table holds, told from its bytes: media, text to be searched, or what cannot be read."""

import bz2
import gzip
import json
import lzma
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pandas as pd

HEAD = 8_192
WHOLE, PIECES, PIECE = 16 << 20, 8, 1 << 20
"""Texts up to this size are searched whole, of larger ones so many pieces."""
_MEDIA = (
    b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"fLaC", b"OggS", b"ID3", b"\xff\xfb",
    b"\x1aE\xdf\xa3",
)  # fmt: skip
_ESCAPED = re.compile(r'(?:\\u[0-9a-fA-F]{4})+|\\["\\/bfnrt]')
_PACKED: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}


@dataclass(frozen=True)
class Content:
    """`media`: a picture, sound or film. Else the `texts` to be searched, None where the file cannot be read as text.
    `whole`: whether they are all of it. `table`: the text as a table, if it is JSON that holds one."""

    media: bool = False
    texts: list[str] | None = None
    whole: bool = True
    table: pd.DataFrame | None = None


def read_content(path: Path) -> Content:
    """The content of a file as far as it can be told; damaged files cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(132)
        if _is_media(head):
            return Content(media=True)
        opener = next((o for magic, o in _PACKED.items() if head.startswith(magic)), None)
        with opener(path, "rb") if opener else path.open("rb") as file:
            return _text(file, None if opener else path.stat().st_size)
    except (OSError, EOFError, lzma.LZMAError, ValueError):
        return Content()


def _is_media(head: bytes) -> bool:
    riff = head[:4] == b"RIFF" and head[8:12] in (b"WEBP", b"WAVE", b"AVI ")
    aiff = head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC")
    return riff or aiff or head[4:8] == b"ftyp" or head[128:] == b"DICM" or head.startswith(_MEDIA)


def _text(file: IO[bytes], size: int | None) -> Content:
    """`size` None: of a packed file, whose end is not known."""
    start = file.read(HEAD)
    encoding = "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    if encoding == "utf-8" and not _is_text(start[:HEAD]):
        return Content()
    start += file.read(WHOLE - HEAD)
    pieces = [start]
    if size is None and (more := file.read(WHOLE)):
        pieces.append(more)
        size = 3 * WHOLE if file.read(1) else 2 * WHOLE
    elif size is not None and size > WHOLE:
        for i in range(1, PIECES + 1):
            file.seek(WHOLE + (size - WHOLE - PIECE) * i // PIECES if size > WHOLE + PIECE else WHOLE)
            pieces.append(file.read(PIECE))
    texts = [piece.decode(encoding, errors="replace") for piece in pieces]
    whole = size is None or size <= WHOLE
    table = _json_table(texts[0]) if whole else None
    if texts[0].lstrip()[:1] in ("{", "["):
        texts = [_ESCAPED.sub(_unescaped, text) for text in texts]
    return Content(texts=texts, whole=whole, table=table)


def _unescaped(found: re.Match[str]) -> str:
    """What JSON's escapes stand for: an id is searched for as the table spells it. Half a pair stands for nothing."""
    text: str = json.loads(f'"{found[0]}"')
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _is_text(head: bytes) -> bool:
    control = sum(byte < 32 and byte not in (9, 10, 12, 13, 27) for byte in head)
    return 0 not in head and control <= len(head) / 50


def _json_table(text: str) -> pd.DataFrame | None:
    """The table that JSON holds: a list of objects, or columns by name, one level deep or at the top; no cell of it is a
    list or an object."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    inner = [content, *(content.values() if isinstance(content, dict) else [])]
    for part in inner:
        try:
            table = _as_table(part)
        except (ValueError, TypeError, AttributeError):
            continue
        if table is not None and not table.map(lambda cell: isinstance(cell, dict | list)).any(axis=None):
            return table
    return None


def _as_table(part: Any) -> pd.DataFrame | None:
    if isinstance(part, dict) and part and all(isinstance(v, dict | list) for v in part.values()):
        return pd.DataFrame(part).reset_index()
    return pd.DataFrame(part) if isinstance(part, list) and part and isinstance(part[0], dict) else None
