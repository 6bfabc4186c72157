"""Similarity of short texts without a model: TF-IDF over words and word pairs.

The figures are those of scikit-learn's TfidfVectorizer (sublinear_tf, pairs of words), to the last digits. What is its
own is that a text is taken apart once in a process: a step recalls from thousands of steps that it has seen before.
"""

import itertools
import re
from collections import Counter
from collections.abc import Callable
from functools import lru_cache

import numpy as np

Similarity = Callable[[list[str], list[str]], np.ndarray]
"""From queries and texts to cosines, shape (len(queries), len(texts))."""
KEPT = 50_000
BLOCK = 250
_WORD = re.compile(r"(?u)\b\w\w+\b")


class _Numbers(dict[str, int]):
    """A number for each term, its column, given when it is first asked for. Safe between threads."""

    def __init__(self) -> None:
        self._next = itertools.count()

    def __missing__(self, term: str) -> int:
        return self.setdefault(term, next(self._next))


_column = _Numbers()


def cosine_tfidf(queries: list[str], texts: list[str]) -> np.ndarray:
    """Cosine similarities, shape (len(queries), len(texts)), in [0, 1]; zeros where a text has no word."""
    blocks = [
        _block(tuple(queries)),
        *(_block(tuple(texts[k : k + BLOCK])) for k in range(0, len(texts), BLOCK)),
    ]
    sizes, columns, values = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    count = len(sizes)
    if not sizes.any():
        return np.zeros((len(queries), len(texts)))
    weights = 1 + np.log((1 + count) / (1 + np.bincount(columns)))  # idf, by column
    values *= weights[columns]
    row = np.repeat(np.arange(count, dtype=np.int32), sizes)
    norms = np.sqrt(np.bincount(row, weights=values * values, minlength=count))
    norms[norms == 0] = 1.0
    asked = np.zeros((len(queries), len(weights)))
    own = int(sizes[: len(queries)].sum())
    asked[row[:own], columns[:own]] = values[:own]
    met = np.flatnonzero(asked.sum(axis=0)[columns])  # few rows share a term with a query
    products = [
        np.bincount(row[met], weights=values[met] * query[columns[met]], minlength=count) / norms
        for query in asked
    ]
    return np.reshape(products, (len(queries), count))[:, len(queries) :] / norms[: len(queries), None]


@lru_cache(maxsize=KEPT // BLOCK)
def _block(texts: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How many terms each text has, and these one after another as `_terms`. What is remembered grows at its end, so all
    but the last block of it is found as it was."""
    terms = [_terms(text) for text in texts]
    sizes = np.fromiter((len(columns) for columns, _ in terms), dtype=np.int64, count=len(terms))
    none = np.empty(0, dtype=np.int64)
    columns, counts = (
        np.concatenate([none, *parts]) for parts in (zip(*terms, strict=True) if terms else ((), ()))
    )
    return sizes, columns.astype(np.int64), counts


@lru_cache(maxsize=KEPT)
def _terms(text: str) -> tuple[np.ndarray, np.ndarray]:
    """The columns of the words and pairs of words in the text, and 1 + log of how often each is there."""
    words = _WORD.findall(text.lower())
    counts = Counter([*words, *(f"{a} {b}" for a, b in itertools.pairwise(words))])
    columns = np.fromiter((_column[term] for term in counts), dtype=np.int64, count=len(counts))
    return columns, 1 + np.log(np.fromiter(counts.values(), dtype=float, count=len(counts)))
