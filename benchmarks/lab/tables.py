"""Tables in Markdown, and how they mark what is sure."""

from benchmarks.lab.figures import Figure

SURE = 0.05


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def mark(p: float) -> str:
    """A star behind what is sure."""
    return " *" if p < SURE else ""


def word(found: Figure, p: float) -> str:
    """'better' or 'worse' if it is sure."""
    return "" if p >= SURE else "better" if found.mean > 0 else "worse"
