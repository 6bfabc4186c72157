"""Artifacts of a run by content: a reference is the SHA-256 of the bytes plus an extension, so nothing is kept twice."""

import hashlib
import io
import json
import os
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gome.state.errors import GomeError

if TYPE_CHECKING:
    import pandas as pd

_REFERENCE = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{1,10}")


class ArtifactLost(GomeError, FileNotFoundError):
    """An artifact that the run needs was deleted, or its bytes are no longer what they were."""


class Artifacts:
    """A content-addressed folder. References ('<sha256>.<ext>') are safe to store in state and history."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, ref: str) -> Path:
        """Where a reference's bytes are. ValueError for what is no reference."""
        if not _REFERENCE.fullmatch(ref):
            raise ValueError(f"not an artifact reference: {ref[:80]!r}")
        return self.root / ref[:2] / ref

    def put_bytes(self, data: bytes, ext: str) -> str:
        """Store bytes, whole or not at all, and return their reference."""
        ref = f"{hashlib.sha256(data).hexdigest()}.{ext}"
        path = self.path(ref)
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f".{ref}.{os.getpid()}.{threading.get_ident()}")
            with draft.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        return ref

    def get_bytes(self, ref: str) -> bytes:
        """The bytes of a reference. ArtifactLost if it was deleted, or changed on the disk."""
        path = self.path(ref)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise ArtifactLost(f"{path} is gone: put it back from a copy of the run, then resume") from None
        if hashlib.sha256(data).hexdigest() != ref[:64]:
            raise ArtifactLost(f"{path} was changed: put it back from a copy of the run, then resume")
        return data

    def put_text(self, text: str, ext: str = "txt") -> str:
        """Store text as UTF-8; characters that UTF-8 cannot hold (lone surrogates in a log) are replaced."""
        return self.put_bytes(text.encode("utf-8", "replace"), ext)

    def get_text(self, ref: str) -> str:
        """The text of a reference."""
        return self.get_bytes(ref).decode("utf-8", "replace")

    def put_json(self, value: Any) -> str:
        """Store a JSON value with sorted keys, so that equal values share a reference."""
        return self.put_text(json.dumps(value, sort_keys=True, ensure_ascii=False, default=str), "json")

    def get_json(self, ref: str) -> Any:
        """The JSON value of a reference."""
        return json.loads(self.get_text(ref))

    def put_table(self, table: "pd.DataFrame") -> str:
        """Store a table as Parquet (one file, no index)."""
        buffer = io.BytesIO()
        table.to_parquet(buffer, index=False)
        return self.put_bytes(buffer.getvalue(), "parquet")

    def get_table(self, ref: str) -> "pd.DataFrame":
        """The table of a reference."""
        import pandas as pd  # on first use: who only looks at a run reads no table

        return pd.read_parquet(io.BytesIO(self.get_bytes(ref)))
