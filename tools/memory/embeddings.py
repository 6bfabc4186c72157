"""Similarity of short texts without a model: TF-IDF over words and word pairs."""

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer


def cosine_tfidf(queries: list[str], texts: list[str]) -> np.ndarray:
    """Cosine similarities, shape (len(queries), len(texts)), in [0, 1]; zeros where a text has no known word."""
    if not queries or not texts:
        return np.zeros((len(queries), len(texts)))
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w\w+\b")
    try:
        matrix = vectorizer.fit_transform([*queries, *texts])
    except ValueError:  # only stop words or empty texts
        return np.zeros((len(queries), len(texts)))
    return np.asarray((matrix[: len(queries)] @ matrix[len(queries) :].T).todense())
