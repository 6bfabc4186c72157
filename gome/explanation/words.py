"""A run or one of its steps told in plain words: templates filled from the records, no model asked."""

from pathlib import Path
from typing import Any

from gome.agents.prompts.edits import diff_lines
from gome.cli.summary import resume_command, state_text, steps_text
from gome.formatting import duration_text, gain_words, is_number, one_line, score_only
from gome.run_folder import RunFolder
from gome.scores import kept_aside_text, naive_text, score_line
from gome.state.errors import GomeError
from gome.state.parts import Comparison, Hypothesis, weighted
from gome.state.step import StepRecord
from gome.tools.records.ancestry import parents
from gome.tools.templates import text_templates
from gome.tools.wording import self_reported_line

TEMPLATES = Path(__file__).parent / "templates"
SHOWN = 8
"""Steps of one kind that the words on a whole run name; the rest are counted."""


def explain_run(folder: RunFolder) -> str:
    """What the run did, what helped, what is handed over and how far to trust it. Markdown, a paragraph a line."""
    best = folder.best
    helped = [r for r in folder.records if r.accepted and r.gain is not None]
    return _filled(
        "run.md.j2",
        folder=folder,
        state=state_text(folder),
        steps=steps_text(folder),
        naive=naive_text(folder, best.get("search") if best else None),
        drafts=[r for r in folder.records if r.accepted and r.parent is None],
        helped=sorted(helped, key=lambda r: -(r.gain_se or 0.0)),
        rejected=[r for r in folder.records if r.verdict == "rejected"],
        failed=[r for r in folder.records if r.verdict == "failed"],
        best=best,
        records={r.id: r for r in folder.records},
        finalists=folder.result.get("finalists") or [],
        kept_aside=kept_aside_text(folder),
        self_reported=self_reported_line(folder.self_reported) if folder.self_reported else "",
        resume=resume_command(folder.path),
        most=SHOWN,
    )


def explain_step(folder: RunFolder, step: str) -> str:
    """One step, 'trace:step': what was known, chosen, changed and measured, and what came of it. Markdown, a paragraph a
    line. GomeError: no such step."""
    record = _found(folder, step)
    made_of = parents(folder.records)
    members = folder.best["members"] if folder.best else []
    return _filled(
        "step.md.j2",
        folder=folder,
        step=record,
        parent=made_of.get(record.id),
        recalled=[r for r in folder.records if r.id in record.recalled],
        options=[h for h in record.hypotheses if h.get("statement") != record.statement],
        changed=_changed(folder, record),
        place=_place(record.hypothesis, record.comparison),
        children=[r for r in folder.records if made_of.get(r.id) is record],
        member=next((m for m in members if m["id"] == record.id), None),
        members=len(members),
    )


def _filled(template: str, **facts: Any) -> str:
    made = text_templates(
        TEMPLATES,
        line=one_line,
        gain=gain_words,
        score=score_line,
        only=lambda value: score_only(value),
        duration=duration_text,
        weighed=_weighed,
        ranged=_ranged,
    )
    return made.get_template(template).render(**facts)


def _found(folder: RunFolder, step: str) -> StepRecord:
    found = next((r for r in folder.records if r.id == step), None)
    if found is None:
        ids = [r.id for r in folder.records]
        named = (
            f"its steps are {', '.join(ids[:20])}{' ...' if len(ids) > 20 else ''}"
            if ids
            else "it has none yet"
        )
        raise GomeError(f"{folder.path} has no finished step {one_line(step, 40)!r}; {named}")
    return found


def _changed(folder: RunFolder, record: StepRecord) -> str:
    """'12 lines added, 3 taken out', 'a program of 80 lines' or ''."""
    before, after = folder.text(record.parent), folder.text(record.code)
    if after is None:
        return ""
    if before is None:
        return f"a program of {len(after.splitlines())} lines"
    lines = diff_lines(before, after)[2:]
    added, removed = (sum(line.startswith(sign) for line in lines) for sign in "+-")
    return f"{added} line{'' if added == 1 else 's'} added, {removed} taken out"


def _place(hypothesis: Hypothesis, comparison: Comparison | None) -> str:
    """Where the measured gain lies in the predicted range; '' where there is none."""
    low, high = hypothesis.get("predicted_low", 0.0), hypothesis.get("predicted_high", 0.0)
    if comparison is None or low >= high:
        return ""
    gain = comparison["gain"]
    return f"{'below' if gain < low else 'above' if gain > high else 'in'} the predicted range"


def _weighed(hypothesis: Hypothesis) -> str:
    """The weighted scores of a hypothesis, of 10."""
    scores = hypothesis.get("scores") or {}
    return f"{weighted(scores):.1f} of 10" if scores else ""


def _ranged(hypothesis: Hypothesis) -> str:
    """The predicted gain with its range; '' where none was predicted."""
    gain, low, high = (hypothesis.get(f"predicted_{k}") for k in ("gain", "low", "high"))
    if not is_number(gain) or not any((gain, low, high)):
        return ""
    text = gain_words(float(f"{gain:.2g}"))
    if not (is_number(low) and is_number(high) and low < high):
        return text
    return f"{text}, 80 % range {gain_words(float(f'{low:.2g}'))} to {gain_words(float(f'{high:.2g}'))}"
