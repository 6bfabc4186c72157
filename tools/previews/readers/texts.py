"""Texts, and what is none."""

import re
from pathlib import Path

from gome.tools.previews.readers.seen import EXCERPT, PIECE, Seen

_BEGINNINGS = {
    b"\x89HDF": "HDF5",
    b"SQLite format": "SQLite",
    b"%PDF": "PDF",
    b"\x7fELF": "a program",
    b"\x80": "perhaps a pickle, which is a program of its own",
    b"\x1aE\xdf\xa3": "Matroska or WebM film",
}


def read(path: Path) -> Seen:
    """Length and an excerpt; of what is no text the first bytes."""
    with path.open("rb") as file:
        start = file.read(PIECE)
    whole = len(start) < PIECE
    encoding = "UTF-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "UTF-8"
    if encoding == "UTF-8" and b"\0" in start:
        return _binary(start)
    text = start.decode(encoding, errors="replace")
    if text.count("\N{REPLACEMENT CHARACTER}") > len(text) / 10:
        return _binary(start)
    facts = {"characters": len(text), "words": len(re.findall(r"\S+", text)), "lines": len(text.splitlines())}
    return Seen("text", {"encoding": encoding, **(facts if whole else {})}, text[:EXCERPT])


def _binary(start: bytes) -> Seen:
    known = next((said for begin, said in _BEGINNINGS.items() if start.startswith(begin)), "")
    return Seen("no text", {"begins with": start[:8].hex(" "), **({"looks like": known} if known else {})})
