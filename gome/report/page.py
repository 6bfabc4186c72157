"""The report of a run: one HTML file that opens offline, made from the run folder alone, at any moment of the run."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jinja2 import ChainableUndefined, Environment, FileSystemLoader

from gome import formatting
from gome.formatting import NONE, duration_text, gain_text, gain_words, is_number, score_only, score_text
from gome.optimizer.reliability import has_range
from gome.report.content import content
from gome.run_folder import RunFolder
from gome.state.parts import SCORE_WEIGHTS, Hypothesis, weighted

TEMPLATES = Path(__file__).parent / "templates"


def write_report(run_dir: Path) -> Path:
    """Write report.html into the run folder, whole or not at all. GomeError if there is no such folder."""
    page = report_page(run_dir)
    path = run_dir / "report.html"
    draft = run_dir / ".report.html.new"
    draft.write_text(page, encoding="utf-8", errors="replace")
    draft.replace(path)
    return path


def report_page(run_dir: Path, follow: str | None = None) -> str:
    """The page as HTML. With `follow`, a nonce, it holds the script that renews it from the server that it came from.

    GomeError if there is no such folder.
    """
    with _nothing_collected():
        shown = content(RunFolder.read(run_dir.resolve()))
        page = _environment().get_template("report.html")
        return page.render(**shown, sections=_sections(shown), follow=follow).strip() + "\n"


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Without looking for garbage: that takes a quarter of the time of a long run, and all is in use to the end."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


_SECTIONS = (
    ("scoring", "Scoring", "scoring"),
    ("scores", "Scores", "curve"),
    ("lineage", "Lineage", "lineage"),
    ("steps", "Steps", "views"),
    ("gains", "Gains", "scatter"),
    ("momentum", "Momentum", "momentum"),
    ("selection", "Selection", "finalists"),
    ("adapter", "Adapter", "adapter"),
    ("programs", "Programs", "programs"),
    ("cost", "Cost", "views"),
    ("environment", "Environment", "environment"),
)
"""Id, name in the navigation, and the content without which the page leaves the section out."""


def _sections(shown: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, title) for name, title, needs in _SECTIONS if shown[needs]]


def _environment() -> Environment:
    # Chainable: a record that an older version or a killed run left incomplete shows a gap instead of failing.
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        score=score_text,
        score_only=score_only,
        error=lambda stderr: score_text(stderr, stderr).partition(" ± ")[0],
        gain=gain_text,
        words=gain_words,
        duration=duration_text,
        count=formatting.count_text,
        plain=lambda value: f"{value:.3g}" if is_number(value) else NONE,
        weighted=_weighted,
        predicted=_predicted,
    )
    return made


def _weighted(hypothesis: Mapping[str, Any]) -> str:
    """The five scores by the method's weights."""
    scores = hypothesis.get("scores") or {}
    if not all(is_number(scores.get(name)) for name in SCORE_WEIGHTS):
        return NONE
    return f"{weighted(scores):.1f}"


def _predicted(hypothesis: Hypothesis) -> str:
    """The predicted gain with its range; '' where none was predicted."""
    if not any(hypothesis.get(f"predicted_{k}") for k in ("gain", "low", "high")):
        return ""
    text = gain_text(hypothesis.get("predicted_gain"))
    if not has_range(hypothesis):
        return text
    return f"{text} ({gain_text(hypothesis['predicted_low'])} to {gain_text(hypothesis['predicted_high'])})"
