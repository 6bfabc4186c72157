"""An inspection as text, at most 80 columns wide."""

import textwrap
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from gome.cli.error_lines import as_options, option
from gome.formatting import one_line
from gome.state.inspection import Fact, Inspection

WIDTH, LABEL = 80, 12
MOST_SHOWN = 8
_ORDER = ("problem", "target", "positive", "metric", "direction", "id", "group", "time", "dates", "drop")
_OTHER = ("description", "keep", "links_root")
_ANSWERS = {
    "label": "labels",
    "probability": "probabilities from 0 to 1",
    "value": "numbers",
    "ranking": "ranked labels, best first",
    "detection": "boxes",
    "text": "texts",
}


def lines(found: Inspection) -> Iterator[str]:
    """The lines, for a terminal."""
    yield from _filled("task", f"{found['name']} ({found['path']})")
    if found.get("refused"):
        yield from _filled("refused", "see the last line; until then this was understood:")
    facts = found.get("facts", {})
    yield from (line for name in _ORDER if name in facts for line in _fact(name, facts[name]))
    if found.get("classes"):
        yield from _filled("classes", _counts(found["classes"]))
    if "answer" in found:
        yield from _filled("answer", f"{_ANSWERS[found['answer']]}: {_few(found['prediction'])}")
    if "unit" in found:
        yield from _filled("unit", found["unit"])
    yield from _tables(found, facts)
    yield from (line for name in _OTHER if name in facts for line in _fact(name, facts[name]))
    if "splits" in found:
        yield from _filled("splits", found["splits"])
        yield from _parts(found)
    for title, texts in (
        ("a run", found.get("run", [])),
        ("files", found.get("files", [])),
        ("leaks", found.get("leaks", [])),
        ("warnings", found.get("warnings", [])),
        (
            "not sure",
            [
                _doubt(doubt["text"], doubt["setting"])
                for doubt in found.get("unsure", [])
                if doubt["text"] != found.get("refused")
            ],
        ),
    ):
        yield from _listed(title, texts)
    yield from _listed(
        "files" if found.get("refused") else "a program on all of the data finds",
        found.get("tree", []),
        mark="",
    )


def _fact(name: str, fact: Fact) -> Iterator[str]:
    value, source = fact["value"], f"[{as_options(fact['source'])}]"
    if name == "dates":
        yield from _filled("dates", f"{', '.join(f'{c} {form}' for c, form in value.items())}  {source}")
        return
    if name == "direction":
        value = "larger is better" if value == "maximize" else "smaller is better"
    yield from _filled(name, f"{_shown(value)}  {source}")


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _counts(classes: dict[str, int]) -> str:
    return _few([f"{label} ({count:,} rows)" for label, count in classes.items()])


def _few(names: list[str]) -> str:
    more = f" and {len(names) - MOST_SHOWN:,} more" if len(names) > MOST_SHOWN else ""
    return ", ".join(names[:MOST_SHOWN]) + more


def _tables(found: Inspection, facts: dict[str, Fact]) -> Iterator[str]:
    tables = {table["role"]: table for table in found.get("tables", [])}
    for role in ("train", "test", "sample"):
        source = f"  [{as_options(facts[role]['source'])}]" if role in facts else ""
        if role in tables:
            table = tables[role]
            labelled = table["labelled"]
            some = f", {labelled:,} with a label" if labelled not in (None, table["rows"]) else ""
            counts = f"{table['rows']:,} rows{some}, {table['columns']} columns"
            yield from _filled(role, f"{table['file']}: {counts}{source}")
        elif role in facts:
            yield from _filled(role, f"{facts[role]['value']}{source}")


def _parts(found: Inspection) -> Iterator[str]:
    for split, parts in groupby(found.get("parts", []), key=itemgetter("split")):
        folds = list(parts)
        train, graded = (_range([fold[side] for fold in folds]) for side in ("train", "graded"))
        name = f"{split} ({len(folds)} folds)" if len(folds) > 1 else split
        then = f"graded on {graded}" if graded != "0" else "then the task's own test rows"
        yield f"{'':{LABEL}}{name}: trained on {train} rows, {then}"


def _range(counts: list[int]) -> str:
    low, high = f"{min(counts):,}", f"{max(counts):,}"
    return low if low == high else f"{low} to {high}"


def _doubt(text: str, setting: str) -> str:
    text = as_options(text)
    name = option(setting) if setting else ""
    return f"{text} -> {name}" if name and name not in text else text


def _listed(title: str, texts: list[str], mark: str = "- ") -> Iterator[str]:
    if texts:
        yield ""
        yield title
    for text in texts:
        indent = len(text) - len(text.lstrip())
        yield from textwrap.wrap(
            one_line(text),
            WIDTH,
            initial_indent=" " * (2 + indent) + mark,
            subsequent_indent=" " * (4 + indent),
            break_on_hyphens=False,
        )


def _filled(label: str, text: str) -> Iterator[str]:
    yield from textwrap.wrap(
        one_line(text),
        WIDTH,
        initial_indent=f"{label:{LABEL}}",
        subsequent_indent=" " * LABEL,
        break_on_hyphens=False,
    )
