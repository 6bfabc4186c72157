"""Overlap: which steps of other traces a hypothesis would measure once more."""

from collections.abc import Sequence

from gome.optimizer.tfidf import cosine_tfidf
from gome.state.prompt_context import StepContext

OVERLAP = 0.25
"""From this likeness on, two hypotheses are about the same thing: measured on recorded runs (docs/method.md, traces)."""


def overlapping(statement: str, rows: Sequence[StepContext], others: Sequence[str]) -> list[StepContext]:
    """The rows whose hypothesis is about the same thing as `statement`.

    `others` are hypotheses of the run: they tell which words are common in it.
    """
    texts = [row["hypothesis"] for row in rows]
    near = cosine_tfidf([statement], [*texts, *dict.fromkeys(others).keys() - {statement, *texts}])[0]
    return [row for row, likeness in zip(rows, near, strict=False) if likeness >= OVERLAP]
