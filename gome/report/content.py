"""What the report shows, taken from the run folder; the templates lay it out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gome import __version__
from gome.cli.summary import resume_command, steps_text
from gome.formatting import NONE, one_line
from gome.report.charts import NARROW, WIDE, Chart, drawn_steps
from gome.report.gain_scatter import gain_scatter
from gome.report.lineage import lineage
from gome.report.reliability import reliability_content
from gome.report.score_curve import score_curve
from gome.report.step_view import coloured, step_view
from gome.run_folder import RunFolder
from gome.scores import naive_text, worth_text
from gome.spending import sandbox_text
from gome.state.parts import SCORE_WEIGHTS
from gome.state.plain import JsonObject
from gome.state.result import Best
from gome.state.step import StepRecord
from gome.tools.secrets import masked
from gome.tools.wording import self_reported_line

LAST_WHOLE, FIRST_OF_MOMENTUM = 150, 100
"""Of a long run these are shown whole: the last steps, and the accepted ones of the largest gains."""


def content(folder: RunFolder) -> JsonObject:
    """Everything that the page shows."""
    records = sorted(folder.records, key=lambda r: (r.step, r.trace))
    evaluations = [r.evaluation for r in records if r.evaluation]
    return {
        **_head(folder),
        **_drawn(folder, records),
        **_steps(folder, records),
        "version": __version__,
        "scoring": _scoring(folder, folder.metric),
        "reliability": reliability_content(records),
        "adapter": coloured(folder.adapter) if folder.adapter else None,
        "usage": folder.usage_by_role,
        "program_seconds": sum(e["seconds"] for e in evaluations),
        "peak_mb": max((e["peak_mb"] for e in evaluations), default=0),
        "environment": _settings(folder),
        "sandboxes": sandbox_text(folder),
    }


def _head(folder: RunFolder) -> JsonObject:
    """What stands above the sections."""
    best, test = folder.best, folder.result.get("test")
    return {
        "run": folder,
        "metric": folder.metric,
        "better": folder.better,
        "best": best,
        "draft": folder.first_draft,
        "naive": folder.naive.get("search"),
        "naive_text": naive_text(folder, best.get("search") if best else None),
        "test": test,
        "worth": worth_text(test) if test else "",
        "resume": resume_command(folder.path),
        "now": [] if folder.state == "finished" else _now(folder),
        "steps": steps_text(folder),
        "ended": _ended(folder),
        "self_reported": self_reported_line(folder.self_reported) if folder.self_reported else "",
        "world": _world(folder),
    }


def _drawn(folder: RunFolder, records: Sequence[StepRecord]) -> JsonObject:
    """The charts and the lineage."""
    drawn, metric, best = drawn_steps(records, folder.sign), folder.metric, folder.best
    search = best.get("search") if best and best.get("kind") == "ensemble" else None
    ensemble = search["value"] if search else None
    curve = _both(
        lambda size: score_curve(drawn, metric=metric, sign=folder.sign, size=size, ensemble=ensemble)
    )
    return {
        "traces": sorted({r.trace for r in records}),
        "curve": curve,
        "drawn": len(drawn),
        "ensemble": ensemble is not None,
        "outside": any(m.off for m in curve[0].marks) if curve else False,
        "accepted_share": _accepted_share(folder),
        "lineage": lineage(records, best),
        "scatter": _both(lambda size: gain_scatter(drawn, metric=metric, size=size)),
    }


def _steps(folder: RunFolder, records: Sequence[StepRecord]) -> JsonObject:
    """The steps, the momentum, and what came out of them."""
    by_id = {r.id: r for r in records}
    momentum = _momentum(folder)
    whole = _shown_whole(records, momentum)
    return {
        "criteria": list(SCORE_WEIGHTS),
        "views": [step_view(folder, r, by_id) for r in records if r.id in whole],
        "folded": [r for r in records if r.id not in whole],
        "whole": whole,
        "momentum": momentum,
        "finalists": _finalists(folder, by_id, folder.best),
        "programs": _programs(folder, by_id, folder.best),
    }


def _shown_whole(records: Sequence[StepRecord], momentum: Sequence[JsonObject]) -> set[str]:
    """The steps that are shown with all that is known of them; the others have a line each."""
    return (
        {r.id for r in records[-LAST_WHOLE:]}
        | {str(row["id"]) for row in momentum}
        | {r.id for r in records[:2]}
    )


def _both(chart: Callable[[tuple[int, int]], Chart | None]) -> tuple[Chart, Chart] | None:
    """A chart for screens and paper, and one for phones: text in a scaled picture would be too small there."""
    wide, narrow = chart(WIDE), chart(NARROW)
    return (wide, narrow) if wide and narrow else None


def _scoring(folder: RunFolder, metric: str) -> str:
    """One paragraph on where the scores come from."""
    scored = [r.score for r in folder.records if r.score]
    folds = max((len(s["folds"]) for s in scored), default=0)
    over = f"the mean over {folds} folds" if folds > 1 else "taken on one hold-out part"
    if folder.self_reported:
        return (
            f"{self_reported_line(folder.self_reported)}. Each score is what a program said of its own validation, "
            "with no standard error. A step was accepted where it was better by a margin, or by the judgement within it."
        )
    text = (
        f"No program reports its own score. The harness ran each program on data whose labels it could not see, and "
        f"graded what it predicted with {metric}; a score is {over}, and ± is its standard error over the rows. "
        f"A step is compared with the program before it on the same rows by a paired bootstrap."
    )
    if folder.result.get("finalists"):
        text += " The score on the held-back part comes from rows that no step was chosen by."
    if folder.positive:
        text += f" The positive class: {folder.positive}."
    reason = str(folder.run.get("splits") or "").strip()
    return f"{text} Splits: {reason.rstrip('.')}." if reason else text


def _world(folder: RunFolder) -> str:
    """What the run knew of other runs."""
    if not folder.config.get("lessons"):
        open_ = folder.run.get("isolation") in ("plain", "landlock")  # UDP passes Landlock
        network = "though programs could reach the network" if open_ else "and programs had no network"
        return f"closed world: nothing of earlier runs was known, {network}"
    runs = {e["run"] for e in folder.earlier.values()}
    return f"{len(folder.earlier)} steps of {len(runs)} earlier runs, from {folder.config['lessons']}"


def _accepted_share(folder: RunFolder) -> str:
    """How many of the steps after a trace's first solution improved it."""
    later = [r for r in folder.records if r.parent]
    if not later:
        return ""
    kept = sum(r.accepted for r in later)
    return f"{kept} of {len(later)} steps after the drafts were accepted ({kept / len(later):.0%})."


def _now(folder: RunFolder) -> list[str]:
    """The last thing that each trace, or the run itself, did."""
    last = {e.get("trace"): e for e in folder.events}
    lines = []
    for trace in sorted(last, key=lambda t: -1 if t is None else t):
        event = last[trace]
        where = "run" if trace is None else f"trace {trace}, step {event.get('step')}"
        lines.append(f"{where}: {event.get('phase', '')}, {one_line(event.get('text', ''), 160)}")
    return lines


def _ended(folder: RunFolder) -> str:
    """Why the run ended, in words; '' while it has not."""
    ended = folder.result.get("ended")
    reasons = set(ended.values()) if isinstance(ended, dict) else {ended} if ended else set()
    words = {"steps": "all steps taken", "time": "the time budget ended it"}
    return ", ".join(words.get(str(r), str(r)) for r in sorted(reasons, key=str))


def _momentum(folder: RunFolder) -> list[JsonObject]:
    """The accepted steps of the largest gains as rows of the momentum, largest gain in standard errors first."""
    known = [(r, r.comparison["stderr"] if r.comparison else None) for r in folder.accepted]
    known.sort(key=lambda pair: -(pair[0].gain_se or 0.0) if pair[1] else 0.0)
    return [
        {**r.brief(), "stderr": stderr, "in_se": r.gain_se if stderr else None}
        for r, stderr in known[:FIRST_OF_MOMENTUM]
    ]


def _hypothesis(by_id: Mapping[str, StepRecord], name: Any) -> str:
    found = by_id.get(str(name))
    return found.statement if found else ""


def _finalists(folder: RunFolder, by_id: dict[str, StepRecord], best: Best | None) -> list[JsonObject]:
    """The finalists with the chosen one marked: the ensemble, or the single program of the result."""
    members = best.get("members") or [] if best else []
    chosen = members[0]["id"] if len(members) == 1 else "ensemble" if members else None
    blend = " + ".join(str(m["id"]) for m in members) if len(members) > 1 else "weighted mean of predictions"
    return [
        {**f, "chosen": f.get("id") == chosen, "hypothesis": _hypothesis(by_id, f.get("id")) or blend}
        for f in folder.result.get("finalists") or []
    ]


def _programs(folder: RunFolder, by_id: dict[str, StepRecord], best: Best | None) -> list[JsonObject]:
    """The programs behind the best score, the heaviest first."""
    members = sorted(best.get("members") or [] if best else [], key=lambda m: -(m.get("weight") or 0))
    return [
        {"id": m["id"], "hypothesis": _hypothesis(by_id, m["id"]), "code": coloured(code)}
        for m in members
        if (code := folder.text(m.get("code")))
    ]


def _settings(folder: RunFolder) -> list[tuple[str, list[tuple[str, Any]]]]:
    """Titled tables of names and values: configuration, versions, the programs' packages."""
    config = [
        (k.replace("_", " "), NONE if v is None or v == {} else masked(v) if isinstance(v, str) else v)
        for k, v in folder.config.items()
    ]
    versions, packages = folder.run.get("versions") or {}, folder.run.get("packages") or {}
    return [
        ("Configuration", config),
        ("Versions", list(versions.items())),
        ("Packages that programs may use", list(packages.items())),
    ]
