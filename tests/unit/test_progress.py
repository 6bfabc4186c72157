"""Progress as it is seen: lines in a pipe, a table on a terminal, also a narrow one."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from sample_run import write_run

from gome.cli.event_lines import event_line
from gome.cli.progress import Progress


def events_of(run_dir: Path) -> list[dict]:
    return [json.loads(line) for line in (run_dir / "events.jsonl").read_text().splitlines()]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run", finished=False)


def lines_of(run_dir: Path, events: list[dict]) -> list[str]:
    out = io.StringIO()
    with Progress(run_dir, Console(file=out, width=80)) as progress:
        for event in events:
            progress.handle(event)
    return out.getvalue().splitlines()


def screen_of(run_dir: Path, events: list[dict], width: int) -> list[str]:
    """The last frame that a terminal of this width shows."""
    out = io.StringIO()
    with Progress(
        run_dir, Console(file=out, width=width, height=30, force_terminal=True, color_system=None)
    ) as progress:
        for event in events:
            progress.handle(event)
    frames = out.getvalue().split("\x1b[2K")
    text = "".join(frames[-6:])
    return [line.split("\x1b")[0].rstrip("\r") for line in text.splitlines()]


def test_a_pipe_gets_one_line_an_event_whole_however_long(run: Path) -> None:
    lines = lines_of(run, events_of(run))
    assert lines[0].startswith("churn · roc_auc (higher is better) · 2 traces × 6 steps")
    assert "[trace 0 step 1] runner: search 1/5" in lines
    assert (
        "[trace 0 step 0] critic: accepted: first valid solution of the trace; score 0.8212 ± 0.0046" in lines
    )
    long = "The mean monthly bill over the contract against today's bill tells price rises, which make people leave"
    assert f"[trace 0 step 1] researcher: {long}" in lines
    assert not any("smoke" in line.split("critic")[0] for line in lines)


def test_repeated_lines_are_said_once(run: Path) -> None:
    event = {"trace": 0, "step": 0, "phase": "runner", "text": "search 1/5"}
    assert len(lines_of(run, [event, event])) == 2


def test_text_of_models_is_neither_markup_nor_control(run: Path) -> None:
    event = {"trace": 0, "step": 3, "phase": "researcher", "text": "[bold]x[/bold] \x1b[2J\nnext [/nothing]"}
    assert lines_of(run, [event])[-1] == "[trace 0 step 3] researcher: [bold]x[/bold] [2J next [/nothing]"
    screen = screen_of(run, [{**event, "hypothesis": "[red]y[/red] [/broken]"}], 100)
    assert any("[red]y[/red] [/broken]" in line for line in screen)


def test_events_of_the_run_have_no_trace() -> None:
    assert (
        event_line({"phase": "select", "text": "0:3, seed 1", "trace": None}) == "[run] select: 0:3, seed 1"
    )


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_the_table_fits_the_terminal(tmp_path: Path, run: Path, width: int) -> None:
    fresh = write_run(tmp_path / "fresh", finished=False, steps=0)
    screen = screen_of(fresh, events_of(run), width)
    assert all(len(line) <= width for line in screen)
    rows = [line.split() for line in screen]
    first = next(row for row in rows if row[:2] == ["0", "5/6"])
    second = next(row for row in rows if row[:2] == ["1", "6/6"])
    assert first[2] == "critic"
    assert "0.8341" in first
    assert "accepted" in first
    assert "0.8291" in second, "the best of trace 1 is its best accepted score, not the void one"
    assert any(line.startswith("best 0.8341") for line in screen)
    assert ("52.5k" in first) == (width >= 104)
    assert " s" in next(line for line in screen if line.split()[:2] == ["0", "5/6"]), "the time"


def test_fold_time_left_tokens_and_money_are_in_sight_on_80_columns(run: Path) -> None:
    config = json.loads((run / "run.json").read_text())
    config["config"] |= {"time_limit_s": 3600, "max_usd": 2}
    (run / "run.json").write_text(json.dumps(config))
    event = {"trace": 0, "step": 5, "phase": "runner", "hypothesis": "monotone constraints on tenure hold"}
    screen = screen_of(run, [{**event, "text": "search 2/5", "usd": 0.25, "tokens": 900}], 80)
    row = next(line for line in screen if line.split()[:2] == ["0", "6/6"])
    assert "search 2/5" in row
    assert row.rstrip().endswith(" s")
    status = next(line for line in screen if line.startswith("best"))
    assert "s left" in status
    assert "tokens · $0.25 of $2.00" in status


def test_a_resumed_run_begins_with_what_it_has(run: Path) -> None:
    screen = screen_of(run, [], 120)
    assert any(line.startswith("best 0.8341 · 7 min 20 s") for line in screen)
    assert any("Monotone constraints" in line for line in screen)
