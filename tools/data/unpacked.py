"""How large a packed table or archive is once it is unpacked: read through where only that tells, kept nowhere."""

from pathlib import Path

from gome.tools.data import archives
from gome.tools.data.table_names import TableName
from gome.tools.data.tables import unpacked

_CHUNK = 1 << 20


def unpacked_size(path: Path, most: int) -> int:
    """Bytes of a file's content once it is unpacked, of an archive of all its members; beyond `most` not counted to the
    end. Parquet, which is packed within, counts as it lies. GomeError or one of `archives.BROKEN`: it is damaged."""
    name, size = TableName.of(path), path.stat().st_size
    if name is None:
        return archives.declared_size(path, most) if archives.is_archive(path.name) else size
    if not name.compression or size > most:
        return size
    total = 0
    with unpacked(path) as file:
        while total <= most and (chunk := file.read(_CHUNK)):
            total += len(chunk)
    return total
