"""Arrays of numpy: one in a file, or several by name."""

import io
import zipfile
from pathlib import Path
from typing import IO

from gome.tools.previews.readers.seen import PIECE, Fact, Seen, library

SHOWN = 8
"""Arrays of one file that are told of."""


def read(path: Path) -> Seen:
    """Shape and type of each array, and the range of its first megabytes. What holds objects is not unpickled."""
    facts: dict[str, Fact] = {}
    if path.suffix.lower() == ".npy":
        with path.open("rb") as file:
            facts |= _array(file, "")
        return Seen("array", facts)
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
        for name in names[:SHOWN]:
            with archive.open(name) as file:
                facts |= _array(file, f"{name.removesuffix('.npy')} ")
    return Seen("arrays by name", {"arrays": len(names), **facts})


def _array(file: IO[bytes], name: str) -> dict[str, Fact]:
    numpy = library("numpy")
    form = numpy.lib.format
    read = {(1, 0): form.read_array_header_1_0, (2, 0): form.read_array_header_2_0}
    shape, _, dtype = read[form.read_magic(file)](file)
    facts: dict[str, Fact] = {
        f"{name}shape": " x ".join(map(str, shape)) or "one value",
        f"{name}dtype": str(dtype),
    }
    if dtype.hasobject or dtype.kind not in "biuf":
        return facts
    start = io.BytesIO(file.read(4 * PIECE)).getbuffer()
    values = numpy.frombuffer(start[: len(start) - len(start) % dtype.itemsize], dtype=dtype)
    values = values[numpy.isfinite(values)]
    if len(values):
        facts |= {f"{name}lowest value": float(values.min()), f"{name}highest value": float(values.max())}
    return facts
