"""README and model card of an exported solution, from what the run has recorded."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from gome import __version__
from gome.cli.summary import steps_text
from gome.export.spec import Exported, fingerprint
from gome.formatting import NONE, gain_words, one_line, score_text
from gome.rerun import Rerun
from gome.run_folder import RunFolder
from gome.scores import kept_aside_text, naive_beside, naive_text
from gome.state.parts import Score
from gome.tools.data.task_files import laid_files
from gome.tools.templates import text_templates

TEMPLATES = Path(__file__).parent / "templates"
_NORMAL_90 = 1.645


def write_texts(target: Path, folder: RunFolder, rerun: Rerun, members: Sequence[Exported]) -> None:
    """Write README.md and MODEL_CARD.md into `target`."""
    made = text_templates(
        TEMPLATES, line=one_line, cell=_cell, gain=gain_words, score=score_text, quoted=shlex.quote
    )
    task, best = rerun.task, folder.best
    tables = dict.fromkeys((task.train, task.test, task.sample))
    facts = {
        "version": __version__,
        "folder": folder,
        "task": task,
        "members": members,
        "data": rerun.own,
        "better": "smaller" if task.direction == "minimize" else "larger",
        "scores": _scores(folder),
        "steps": steps_text(folder),
        "naive": naive_text(folder, best.get("search") if best else None),
        "kept_aside": kept_aside_text(folder),
        "fingerprints": {name: fingerprint(rerun.own / name) for name in tables},
        "others": len(set(laid_files(rerun.own)) - tables.keys()),
        "dash": NONE,
    }
    for name in ("README.md", "MODEL_CARD.md"):
        (target / name).write_text(made.get_template(f"{name}.j2").render(facts), encoding="utf-8")


def _scores(folder: RunFolder) -> list[tuple[str, str]]:
    """What the solution scores on each part of the rows, in words."""
    best, draft, naive = folder.best, folder.first_draft, folder.naive
    parts = [
        ("search part, by which steps were chosen", best and best["search"], naive.get("search")),
        ("held-back part, which no step was chosen by", best and best["selection"], naive.get("selection")),
    ]
    said = [(what, f"{_interval(score)}{naive_beside(none)}") for what, score, none in parts if score]
    if draft and draft.score:
        said.append(("first draft, on the search part", _interval(draft.score)))
    return said


def _interval(score: Score) -> str:
    """A score with its standard error, and the interval that 90 of 100 such scores lie in."""
    value, error = score["value"], score["stderr"]
    text = score_text(value, error)
    if not error > 0:
        return text
    low, high = (score_text(value + side * _NORMAL_90 * error, error).partition(" ± ")[0] for side in (-1, 1))
    return f"{text}, 90 % interval {low} to {high}"


def _cell(text: str) -> str:
    """Text as a cell of a Markdown table."""
    return one_line(text, 200).replace("|", "\\|").replace("<", "&lt;")
