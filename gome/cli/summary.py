"""The state of a run in a few lines of text: what `gome run` ends with and what `gome status` prints."""

import json
import shlex
from pathlib import Path

from gome.formatting import duration_text, one_line, score_only, score_text
from gome.run_folder import RunFolder
from gome.run_summary import summary_of
from gome.scores import kept_aside_text, naive_beside, naive_text, score_line
from gome.spending import spending_rows
from gome.state.event import Event
from gome.state.parts import Score
from gome.state.result import Best
from gome.tools.wording import self_reported_line


def print_summary(run_dir: Path, *, as_json: bool = False) -> None:
    """Print the summary of a run folder, as lines or as one JSON object. GomeError if there is no such folder."""
    if as_json:
        print(json.dumps(summary_of(RunFolder.read(run_dir)), indent=2, ensure_ascii=False))
    else:
        print(*summary_lines(run_dir), sep="\n")


def summary_lines(run_dir: Path) -> list[str]:
    """Best score, how it came about, where the files are, how to go on. GomeError if there is no such folder."""
    folder = RunFolder.read(run_dir)
    rows = [
        ("run", f"{one_line(folder.name)}, {state_text(folder)}"),
        *_scores(folder),
        *([("scores", one_line(self_reported_line(folder.self_reported)))] if folder.self_reported else []),
        *([("positive", folder.positive)] if folder.positive else []),
        *(("data", one_line(warning["text"])) for warning in folder.profile.get("warnings") or []),
        *(("leak", one_line(line)) for line in folder.leak_lines),
        *([("left out", ", ".join(folder.task["drop"]))] if folder.task.get("drop") else []),
        ("steps", steps_text(folder)),
    ]
    rows += [
        ("reasoner", folder.reasoner),
        *spending_rows(folder),
        *_now(folder),
        *_ended(folder),
        *_files(folder),
    ]
    rows += [("problem", one_line(problem)) for problem in folder.result.get("problems") or []]
    if folder.state == "stopped":
        rows.append(("go on", resume_command(run_dir)))
    return [f"{label + ':':<13}{text}" for label, text in rows]


def state_text(folder: RunFolder) -> str:
    """'finished in 12 min 3 s', 'running for 40 s' or 'stopped after 2 h 5 min'."""
    word = {"finished": "finished in", "running": "running for", "stopped": "stopped after"}[folder.state]
    return f"{word} {duration_text(folder.seconds)}" if folder.seconds is not None else folder.state


def resume_command(run_dir: Path) -> str:
    """The command that goes on with a run."""
    return f"gome resume {shlex.quote(str(run_dir))}"


def steps_text(folder: RunFolder) -> str:
    """'7 steps: 4 accepted, 2 rejected, 1 failed; 1 stopped before its last fold'."""
    total, raced = len(folder.records), sum(bool(r.race) for r in folder.records)
    parts = [
        f"{n} {verdict}" for verdict in ("accepted", "rejected", "failed") if (n := folder.count(verdict))
    ]
    said = f"{total} {'step' if total == 1 else 'steps'}{': ' if parts else ''}{', '.join(parts)}"
    return f"{said}; {raced} stopped before {'its' if raced == 1 else 'their'} last fold" if raced else said


def kind_of(best: Best) -> str:
    """'ensemble of 2', or the step that the one program is from."""
    return (
        f"ensemble of {len(best['members'])}" if best.get("kind") == "ensemble" else best["members"][0]["id"]
    )


def _scores(folder: RunFolder) -> list[tuple[str, str]]:
    best = folder.best
    if not best:
        words = "no accepted program yet" if folder.state != "finished" else "no program was accepted"
        return [("best", words), *_naive(folder, None), *_test(folder)]
    search, selection = best.get("search"), best.get("selection")
    metric = folder.metric
    score = score_line(search)
    rows = [("best", f"{metric} {score} ({kind_of(best)}; {folder.better})")]
    rows += _naive(folder, search)
    if selection:
        naive = naive_beside(folder.naive.get("selection"))
        rows.append(("held back", f"{metric} {score_text(selection['value'], selection['stderr'])}{naive}"))
    rows += _test(folder)
    if (draft := folder.first_draft) and search:
        first, last = (score_only(value, search["stderr"]) for value in (draft.value, search["value"]))
        rows.append(
            ("progress", f"first draft {first} → {last}" if first != last else f"first draft {first}")
        )
    return rows


def _naive(folder: RunFolder, search: Score | None) -> list[tuple[str, str]]:
    text = naive_text(folder, search)
    return [("naive", text)] if text else []


def _test(folder: RunFolder) -> list[tuple[str, str]]:
    text = kept_aside_text(folder)
    return [("test", text)] if text else []


def _now(folder: RunFolder) -> list[tuple[str, str]]:
    """What each trace of a running run does, by its last event."""
    if folder.state != "running":
        return []
    last: dict[int, Event] = {}
    for event in folder.events:
        trace = event.get("trace")
        last[-1 if trace is None else trace] = event
    names = {trace: "run" if trace < 0 else f"trace {trace}" for trace in sorted(last)}
    return [(name, one_line(f"{last[t]['phase']}: {last[t]['text']}", 100)) for t, name in names.items()]


def _ended(folder: RunFolder) -> list[tuple[str, str]]:
    """Why traces ended, where it was not for the number of steps; once, if all of several ended for the same reason."""
    rows = {f"trace {trace}": reason for trace, reason in (folder.result.get("ended") or {}).items()}
    if len(rows) > 1 and len(reasons := set(rows.values())) == 1:
        rows = {"traces": reasons.pop()}
    return [(label, one_line(reason)) for label, reason in rows.items() if reason != "steps"]


def _files(folder: RunFolder) -> list[tuple[str, str]]:
    solution = folder.path / "solution"
    named = [
        ("submission" if folder.has_program else "constant", solution / "submission.csv"),
        ("program", solution / "main.py"),
        ("report", folder.path / "report.html"),
    ]
    rows = [(label, str(path)) for label, path in named if path.is_file()]
    if folder.result and not folder.result.get("submission_ok"):
        rows.append(("submission", "not valid: see the problems"))
    return rows
