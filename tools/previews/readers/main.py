"""Reads the files that it is asked for, one after the other, in a sandbox: names below input/ come as a JSON list by
standard input, and what is seen of each file is a line of JSON in `REPLY`, so that what was read before a file that
ends the process stays."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from gome.tools.previews.readers import archives, arrays, nested, pictures, scans, sounds, tables, texts
from gome.tools.previews.readers.seen import REPLY, Lacking, Seen

_PACKED = ("", ".gz", ".bz2", ".xz", ".zip")
_BY_SUFFIX: dict[str, Callable[[Path], Seen]] = {
    **dict.fromkeys((".npy", ".npz"), arrays.read),
    **dict.fromkeys((f".{form}{packed}" for form in ("csv", "tsv") for packed in _PACKED), tables.read),
    **dict.fromkeys((".parquet", ".pq"), tables.read),
    **dict.fromkeys((".json", ".jsonl", ".ndjson", ".geojson"), nested.read),
    **dict.fromkeys((".dcm", ".dicom"), scans.read_dicom),
    **dict.fromkeys((".nii", ".nii.gz"), scans.read_nifti),
    **dict.fromkeys((".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff", ".aifc"), sounds.read),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp"), pictures.read),
}
_ARCHIVES = (".zip", ".7z", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")


def look(path: Path, *, packed: bool = False) -> Seen:
    """What a file holds. What is wrong with it is told, never raised. Of a `packed` one no archive is opened: they may
    lie in one another without end."""
    name = path.name.lower()
    try:
        suffix = max((s for s in _BY_SUFFIX if name.endswith(s)), key=len, default=None)
        if suffix:
            return _BY_SUFFIX[suffix](path)
        if name.endswith(_ARCHIVES) and not packed:
            return archives.read(path, partial(look, packed=True))
        return texts.read(path)
    except Lacking as lack:
        return Seen("", problem=f"not looked into: {lack}")
    except Exception as error:  # a file's fault costs its own preview
        return Seen("", problem=f"cannot be read: {type(error).__name__}")


def main() -> None:
    """Answer the one request."""
    with Path(REPLY).open("w", encoding="utf-8") as out:
        for name in json.load(sys.stdin):
            seen = look(Path("input") / name).shortened()
            out.write(f"{json.dumps(asdict(seen))}\n")
            out.flush()
