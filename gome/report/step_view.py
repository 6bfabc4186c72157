"""What the report shows of one step beside its record."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from gome.agents.prompts.edits import diff_lines
from gome.formatting import duration_text, is_number, one_line, score_text
from gome.run_folder import RunFolder
from gome.state.evidence import RowChanges
from gome.state.parts import Probe, Trial
from gome.state.plain import JsonObject
from gome.state.step import StepRecord

DIFF_LINES, OUTPUT_LINES, SHOWN_IMPORTANCES, ROW_CHARACTERS = 1500, 30, 8, 300


def step_view(folder: RunFolder, record: StepRecord, by_id: dict[str, StepRecord]) -> JsonObject:
    """What a step shows besides its record."""
    code, parent = folder.text(record.code), folder.text(record.parent)
    evaluation = record.evaluation
    log = folder.text(evaluation["log"]) if evaluation and record.verdict == "failed" else None
    diff = _diff(parent, code) if parent and code else []
    return {
        "record": record,
        "recalled": [by_id[i] for i in record.recalled if i in by_id],
        "earlier": [folder.earlier[i] for i in record.recalled if i in folder.earlier],
        "output": _end_of_output(log) if log else "",
        "logged": _logged(evaluation["facts"] if evaluation else {}),
        "diff": diff,
        "added": sum(kind == "add" for kind, _ in diff) if diff else len((code or "").splitlines()),
        "removed": sum(kind == "del" for kind, _ in diff),
        "program": coloured(code) if code and not parent else None,
        "probes": [_ran(folder, probe) for probe in record.probes],
        "rows": _rows(folder.rows_of(record), str(folder.task.get("id"))),
        "trials": [_ran(folder, trial, trial["problems"]) for trial in record.trials],
    }


def _ran(folder: RunFolder, run: Probe | Trial, problems: list[str] | None = None) -> JsonObject:
    """A probe or a trial run: its program, what was shown of it, and how it went."""
    went = duration_text(run["seconds"])
    if problems is not None:
        went += f", {one_line(problems[0], 120) if problems else 'ran to its end'}"
    return {"code": coloured(folder.text(run["program"]) or ""), "output": run["output"], "went": went}


def _rows(changes: RowChanges | None, id_: str) -> JsonObject | None:
    """The rows on which the program before was worst, each in a few short texts, its id first; '' where cells are left
    out."""
    if not changes:
        return None
    shown = [
        {
            "truth": _cells(row["truth"], bare=True),
            "before": _cells(row["predicted"], bare=True),
            "after": _cells(row["after"], bare=True),
            "loss": row["loss"],
            "loss_after": row["loss_after"],
            "change": row["change"],
            "row": _cells(dict(sorted(row["row"].items(), key=lambda cell: cell[0] != id_))),
        }
        for row in changes["rows"]
    ]
    return {"metric": changes["metric"], "rows": shown, "private": not any(row["row"] for row in shown)}


def _cells(cells: Mapping[str, Any], *, bare: bool = False) -> str:
    """'size 3 · town Chur'; a `bare` cell that is alone goes without its name."""
    if bare and len(cells) == 1:
        return one_line(next(iter(cells.values())), ROW_CHARACTERS)
    return one_line(" · ".join(f"{name} {value}" for name, value in cells.items()), ROW_CHARACTERS)


def _end_of_output(log: str) -> str:
    lines = [line for line in log.splitlines() if not line.startswith("GOME ")]
    return "\n".join(lines[-OUTPUT_LINES:]).strip()


def _diff(before: str, after: str) -> list[tuple[str, str]]:
    """Unified diff as (class, line) pairs."""
    lines = diff_lines(before, after)[2:]
    kinds = {"+": "add", "-": "del", "@": "hunk"}
    rows = [(kinds.get(line[:1], "same"), line) for line in lines[:DIFF_LINES]]
    return rows + [("hunk", f"… {len(lines) - DIFF_LINES} more lines")] * (len(lines) > DIFF_LINES)


def coloured(code: str) -> Markup:
    """Python source as escaped HTML with the classes of its tokens."""
    # Safe by construction: pygments escapes every token, and nothing else enters.
    return Markup(highlight(code, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)))


def _logged(facts: Mapping[str, Any]) -> str:
    """What the program logged about itself, on one line."""
    parts = [
        f"{label} {score_text(facts[name])}"
        for name, label in (("train_score", "training score"), ("valid_score", "own validation score"))
        if is_number(facts.get(name))
    ]
    stages, importance = facts.get("stages"), facts.get("importance")
    if isinstance(stages, dict) and stages:
        parts.append("stages " + ", ".join(f"{k} {duration_text(v)}" for k, v in stages.items()))
    if isinstance(importance, dict):
        known = sorted(((v, k) for k, v in importance.items() if is_number(v)), reverse=True)
        parts += ["most used: " + ", ".join(k for _, k in known[:SHOWN_IMPORTANCES])] if known else []
    return "; ".join(parts)
