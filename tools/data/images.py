"""Image files: found by the name a table gives, their size read from the header bytes."""

import os
import struct
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from gome.tools.data.columns import IMAGE_SUFFIXES

_PROBED = 3
_HEADER = 1 << 16


_DEEPEST = 2


class FileNames:
    """The files below `root` by what a table may call them, out of one listing of the folder: `names`, from `root`."""

    def __init__(self, root: Path, names: Iterable[str]) -> None:
        self.root = root
        self._called: dict[str, list[str]] = defaultdict(list)
        for name in names:
            base = name.rpartition("/")[2]
            stem, _, suffix = base.rpartition(".")
            self._called[base].append(name)
            if stem and f".{suffix.lower()}" in IMAGE_SUFFIXES:
                self._called[stem].append(name)

    def find(self, name: str) -> Path | None:
        """The file that `name` means: a path below the root, or a file in one of its folders (two deep) that is called
        so, with or without the suffix of a picture."""
        if os.path.isfile(self.root / name):  # False for a name that is too long
            return self.root / name
        wanted = f"/{name.lstrip('/')}"
        meant = [
            (above.count("/"), not exact, file)
            for file in self._called.get(wanted.rpartition("/")[2], [])
            if (exact := f"/{file}".endswith(wanted)) or f"/{file.rpartition('.')[0]}".endswith(wanted)
            if (above := f"/{file}"[: f"/{file}".rfind(wanted)]).count("/") <= _DEEPEST
        ]
        return self.root / min(meant)[2] if meant else None

    def are_pictures(self, cells: pd.Series) -> bool:
        """Whether cells without a suffix are names of pictures, told by the first few of them."""
        found = [self.find(str(cell)) for cell in cells.dropna().head(_PROBED)]
        return bool(found) and all(p is not None and p.suffix.lower() in IMAGE_SUFFIXES for p in found)


def image_size(path: Path) -> list[int] | None:
    """[height, width, channels] of a PNG, JPEG, GIF or BMP file, None for others; only the header is read."""
    with path.open("rb") as file:
        head = file.read(_HEADER)
    if head[:8] == b"\x89PNG\r\n\x1a\n" and len(head) >= 26:
        width, height = struct.unpack(">II", head[16:24])
        return [height, width, {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}.get(head[25], 3)]
    if head[:6] in (b"GIF87a", b"GIF89a"):
        width, height = struct.unpack("<HH", head[6:10])
        return [height, width, 3]
    if head[:2] == b"BM" and len(head) >= 30:
        width, height = struct.unpack("<ii", head[18:26])
        return [abs(height), width, max(1, struct.unpack("<H", head[28:30])[0] // 8)]
    if head[:2] == b"\xff\xd8":
        return _jpeg_size(head)
    return None


def _jpeg_size(head: bytes) -> list[int] | None:
    """Walk the JPEG segments up to the start of frame, which holds the size (ITU-T T.81, B.2.2)."""
    at = 2
    while at + 9 < len(head) and head[at] == 0xFF:
        marker, length = head[at + 1], struct.unpack(">H", head[at + 2 : at + 4])[0]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", head[at + 5 : at + 9])
            return [height, width, head[at + 9]]
        at += 2 + length
    return None
