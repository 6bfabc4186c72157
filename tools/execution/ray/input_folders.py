"""Input folders on another machine: each file's content travels there once, however many folders hold it."""

import fcntl
import hashlib
import json
import os
import shutil
import tarfile
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Generic, TypeVar

from gome.tools.execution.file_transfer import Hasher, Manifest, packed

CHUNK = 64 * 2**20
Ref = TypeVar("Ref")


@dataclass(frozen=True)
class Layer(Generic[Ref]):
    """The files, named by their hash, that no earlier layer holds: one tar file, in chunks."""

    name: str
    chunks: tuple[Ref, ...]


@dataclass(frozen=True)
class PackedFolder(Generic[Ref]):
    """An input folder: which files it holds, and the layers that their contents are in."""

    manifest: Manifest
    layers: tuple[Layer[Ref], ...]

    @property
    def digest(self) -> str:
        """The folder's name on the other machine."""
        return hashlib.sha256(json.dumps(self.manifest, sort_keys=True).encode()).hexdigest()[:32]


class Packer(Generic[Ref]):
    """Packs the input folders of a run. `keep(chunk)` stores up to 64 MB where the other machines can fetch them."""

    def __init__(self, keep: Callable[[bytes], Ref]) -> None:
        self._keep, self._hasher, self._lock = keep, Hasher(), threading.Lock()
        self._layer_of: dict[str, Layer[Ref]] = {}

    def pack(self, folder: Path) -> PackedFolder[Ref]:
        """The folder packed; only what no packed one held before is read and stored. Safe to share between threads."""
        with self._lock:
            manifest = self._hasher.manifest(folder)
            new = {digest: folder / name for name, digest in manifest.items() if digest not in self._layer_of}
            if new:
                layer = Layer(_name(new), tuple(self._chunks(new)))
                self._layer_of |= dict.fromkeys(new, layer)
            layers = {layer.name: layer for layer in map(self._layer_of.__getitem__, manifest.values())}
            return PackedFolder(manifest, tuple(layers.values()))

    def _chunks(self, files: dict[str, Path]) -> Iterable[Ref]:
        with packed(files.items()) as tar:
            while chunk := tar.read(CHUNK):
                yield self._keep(chunk)


def _name(digests: Iterable[str]) -> str:
    return hashlib.sha256("".join(sorted(digests)).encode()).hexdigest()[:32]


def lay_in(root: Path, inputs: PackedFolder[Ref], fetch: Callable[[Ref], bytes]) -> Path:
    """The packed folder below `root`, laid out first if it is not there yet; `fetch` is asked for missing chunks only.

    Safe to call from several processes: one lays out, the others wait.
    """
    folder = root / "inputs" / inputs.digest
    root.mkdir(parents=True, exist_ok=True)
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            for layer in inputs.layers:
                _unpack(root, layer, fetch)
            _lay_out(root, inputs.manifest, folder)
    return folder


def _unpack(root: Path, layer: Layer[Ref], fetch: Callable[[Ref], bytes]) -> None:
    done = root / "layers" / layer.name
    if done.is_file():
        return
    files, draft = root / "files", root / "layer.tar"
    with draft.open("w+b") as tar:
        for chunk in layer.chunks:
            tar.write(fetch(chunk))
        tar.seek(0)
        _extract(tar, files)
    draft.unlink()
    done.parent.mkdir(exist_ok=True)
    done.touch()


def _extract(file: IO[bytes], files: Path) -> None:
    fresh = files.with_name("fresh")
    shutil.rmtree(fresh, ignore_errors=True)
    files.mkdir(exist_ok=True)
    with tarfile.open(fileobj=file) as tar:
        tar.extractall(fresh, filter="data")
    for path in fresh.iterdir():
        path.chmod(0o444)
        path.replace(files / path.name)


def _lay_out(root: Path, manifest: Manifest, folder: Path) -> None:
    draft = root / "draft"
    shutil.rmtree(draft, ignore_errors=True)
    for name, digest in manifest.items():
        path = draft / name
        path.parent.mkdir(parents=True, exist_ok=True)
        os.link(root / "files" / digest, path)
    draft.mkdir(parents=True, exist_ok=True)
    folder.parent.mkdir(exist_ok=True)
    draft.rename(folder)
