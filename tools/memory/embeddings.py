"""Similarity of short texts without a model: TF-IDF over words and word pairs.

The figures are those of scikit-learn's TfidfVectorizer (sublinear_tf, pairs of words), to the last digits. What is its
own is that a text is taken apart once in a process: a step recalls from thousands of memories that it has seen before.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

import numpy as np

Similarity = Callable[[list[str], list[str]], np.ndarray]
"""From queries and texts to cosines, shape (len(queries), len(texts))."""
KEPT = 50_000
_WORD = re.compile(r"(?u)\b\w\w+\b")


def cosine_tfidf(queries: list[str], texts: list[str]) -> np.ndarray:
    """Cosine similarities, shape (len(queries), len(texts)), in [0, 1]; zeros where a text has no word."""
    documents = [_terms(text) for text in (*queries, *texts)]
    sizes = [len(terms) for terms, _ in documents]
    if not queries or not texts or not sum(sizes):
        return np.zeros((len(queries), len(texts)))
    vocabulary, columns = np.unique(np.concatenate([terms for terms, _ in documents]), return_inverse=True)
    often = np.bincount(columns)
    values = np.concatenate([counts for _, counts in documents])
    values *= (1 + np.log((1 + len(documents)) / (1 + often)))[columns]
    row = np.repeat(np.arange(len(documents)), sizes)
    values /= np.sqrt(np.bincount(row, weights=values**2, minlength=len(documents)))[row]
    cosines = []
    for number in range(len(queries)):
        query = np.zeros(len(vocabulary))
        query[columns[row == number]] = values[row == number]
        cosines.append(np.bincount(row, weights=values * query[columns], minlength=len(documents)))
    return np.array(cosines)[:, len(queries) :]


@lru_cache(maxsize=KEPT)
def _terms(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Words and pairs of words as 64-bit hashes, and 1 + log of how often each is in the text."""
    words = _WORD.findall(text.lower())
    counts = Counter([*words, *(f"{a} {b}" for a, b in pairwise(words))])
    hashes = (hashlib.blake2b(term.encode(), digest_size=8).digest() for term in counts)
    terms = np.frombuffer(b"".join(hashes), dtype=np.int64)
    return terms, 1 + np.log(np.fromiter(counts.values(), dtype=float, count=len(counts)))
