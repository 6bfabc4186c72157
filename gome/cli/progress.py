"""Progress while a run goes: a live table on a terminal, one line per event elsewhere."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gome.cli.event_lines import event_line
from gome.formatting import count_text, duration_text, is_number, one_line, score_only, score_text
from gome.run_folder import RunFolder
from gome.scores import naive_beside
from gome.state.step import StepRecord

_VERDICT_STYLES = {"accepted": "green", "rejected": "yellow", "failed": "red"}
_WITH_LAST, _WITH_TOKENS = 72, 104
"""From so many columns on a terminal shows the last score, and the tokens of each trace."""
_SHOWN_TRACES = 16


@dataclass
class _Row:
    """What is shown of one trace."""

    step: int = 0
    phase: str = ""
    text: str = ""
    hypothesis: str = ""
    score: str = ""
    best: float | None = None
    best_text: str = score_text(None)
    verdict: str = ""
    began: float = 0.0
    tokens: int = 0
    usd: float = 0.0


class Progress:
    """Consumes progress events; a context manager. Starts from what the run folder already holds (a resumed run)."""

    def __init__(self, run_dir: Path, console: Console | None = None) -> None:
        self.console = console or Console()
        self._folder = RunFolder.read(run_dir)
        self._began = time.monotonic() - (self._folder.seconds or 0.0)
        self._rows: dict[int, _Row] = {}
        self._naive = self._folder.naive.get("search")
        self._draft: float | None = None
        self._draft_text = ""
        self._note = ""
        self._last_line = ""
        self._lock = threading.Lock()
        self._live = Live(get_renderable=self.frame, console=self.console, refresh_per_second=4)
        for record in self._folder.records:
            self._take_record(record)

    def __enter__(self) -> "Progress":
        if self.console.is_terminal:
            self._live.start()
        else:
            self._print(self._header())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.console.is_terminal:
            self._live.stop()

    @contextmanager
    def paused(self) -> Iterator[Console]:
        """Take the live table away while something else uses the terminal."""
        if self.console.is_terminal:
            self._live.stop()
        since = time.monotonic()
        yield self.console
        self._leave_out(time.monotonic() - since)  # a person's time is not the run's
        if self.console.is_terminal:
            self._live.start()

    def handle(self, event: Mapping[str, Any]) -> None:
        """Show one event. May be called from any thread."""
        with self._lock:
            self._take(event)
            if not self.console.is_terminal:
                line = event_line(event, self._naive)
                if line and line != self._last_line:
                    self._print(line)
                self._last_line = line or self._last_line

    def _leave_out(self, seconds: float) -> None:
        with self._lock:
            self._began += seconds
            for row in self._rows.values():
                row.began += seconds

    def _print(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _take_record(self, record: StepRecord) -> None:
        row = self._rows.setdefault(record.trace, _Row())
        row.began = time.monotonic()
        row.tokens += record.usage["tokens_in"] + record.usage["tokens_out"]
        row.usd += record.usage.get("usd", 0.0)
        stderr = record.score["stderr"] if record.score else None
        self._take_verdict(row, {"verdict": record.verdict, "score": record.value, "stderr": stderr})
        row.hypothesis, row.step = record.statement, record.step

    def _take(self, event: Mapping[str, Any]) -> None:
        trace, step = event.get("trace"), event.get("step")
        if trace is None:
            self._note = f"{event.get('phase', '')}: {event.get('text', '')}"
            return
        row = self._rows.setdefault(trace, _Row(began=time.monotonic()))
        if step is not None and step != row.step:
            row.step, row.began, row.hypothesis = step, time.monotonic(), ""
        row.phase, row.text = str(event.get("phase", "")), str(event.get("text", ""))
        row.hypothesis = str(event.get("hypothesis") or row.hypothesis)
        row.tokens += event.get("tokens") or 0
        row.usd += event.get("usd") or 0.0
        if event.get("verdict"):
            self._take_verdict(row, event)

    def _take_verdict(self, row: _Row, event: Mapping[str, Any]) -> None:
        score = event.get("score")
        row.verdict, row.score = str(event["verdict"]), score_only(score, event.get("stderr"))
        if row.verdict != "accepted" or not is_number(score):
            return
        if row.best is None and self._is_better(score, self._draft):
            self._draft, self._draft_text = score, row.score
        if self._is_better(score, row.best):
            row.best, row.best_text = score, row.score

    def _is_better(self, one: float, other: float | None) -> bool:
        return other is None or self._folder.sign * (one - other) > 0

    def _best_text(self) -> str:
        known = [row for row in self._rows.values() if row.best is not None]
        top = max(known, key=lambda row: self._folder.sign * (row.best or 0.0), default=_Row())
        return f"{top.best_text}{naive_beside(self._naive)}"

    def _header(self) -> str:
        config = self._folder.config
        limit = config.get("time_limit_s")
        better = f" ({self._folder.better})" if self._folder.better else ""
        parts = [one_line(self._folder.name), f"{self._folder.metric}{better}"]
        steps = f" × {config['steps']} steps" if config.get("steps") else ""
        parts.append(f"{config.get('traces', '?')} traces{steps}")
        parts += [f"at most {duration_text(limit)}"] if limit else []
        return " · ".join([*parts, self._folder.reasoner])

    def frame(self) -> RenderableType:
        """How the run stands now: its header, a row for each trace, the best so far."""
        with self._lock:
            best = "SELF-REPORTED best" if self._folder.self_reported else "best"
            now = " · ".join([f"{best} {self._best_text()}", *self._spent()])
            now += f" · first draft {self._draft_text}" if self._draft is not None else ""
            status = Text(now, style="bold")
            if self._note:
                status.append(f" · {one_line(self._note)}", style="default not bold")
            status.no_wrap, status.overflow = True, "ellipsis"
            return Group(Text(self._header()), self._table(), status)

    def _spent(self) -> list[str]:
        """Time, tokens and money so far, each beside its cap."""
        config, used = self._folder.config, time.monotonic() - self._began
        limit, most_tokens, most_usd = (config.get(k) for k in ("time_limit_s", "max_tokens", "max_usd"))
        left = f", {duration_text(max(0.0, limit - used))} left" if limit else ""
        parts = [f"{duration_text(used)}{left}"]
        tokens, usd = (sum(getattr(row, name) for row in self._rows.values()) for name in ("tokens", "usd"))
        if tokens:
            parts.append(
                f"{count_text(tokens)}{f' of {count_text(most_tokens)}' if most_tokens else ''} tokens"
            )
        if usd or most_usd:
            parts.append(f"${usd:.2f}{f' of ${most_usd:.2f}' if most_usd else ''}")
        return parts

    def _table(self) -> Table:
        width = self.console.width
        table = Table(box=None, pad_edge=False, expand=True, header_style="dim", padding=(0, 2, 0, 0))
        table.add_column("trace", justify="right")
        table.add_column("step", justify="right", no_wrap=True)
        table.add_column(
            "now", no_wrap=True, min_width=10, max_width=max(10, width // 5), overflow="ellipsis"
        )
        table.add_column("hypothesis", ratio=1, no_wrap=True, overflow="ellipsis")
        if width >= _WITH_LAST:
            table.add_column("last", justify="right", no_wrap=True)
        table.add_column("verdict", no_wrap=True, min_width=8)
        table.add_column("best", justify="right", no_wrap=True)
        table.add_column("time", justify="right", no_wrap=True, min_width=6)
        if width >= _WITH_TOKENS:
            table.add_column("tokens", justify="right", no_wrap=True)
        for trace in sorted(self._rows)[:_SHOWN_TRACES]:
            cells = self._cells(trace)
            table.add_row(*(cells[str(column.header)] for column in table.columns))
        if len(self._rows) > _SHOWN_TRACES:
            table.add_row("", "", "", Text(f"and {len(self._rows) - _SHOWN_TRACES} more traces", style="dim"))
        return table

    def _cells(self, trace: int) -> dict[str, RenderableType]:
        """What each column shows of a trace."""
        row = self._rows[trace]
        steps = self._folder.config.get("steps")
        fold = row.text if row.phase == "runner" else ""  # "search 2/5"
        return {
            "trace": str(trace),
            "step": f"{row.step + 1}/{steps}" if steps else str(row.step + 1),
            "now": Text(one_line(fold or row.phase)),
            "hypothesis": Text(one_line(row.hypothesis or ("" if fold else row.text))),
            "last": row.score,
            "verdict": Text(row.verdict, style=_VERDICT_STYLES.get(row.verdict, "")),
            "best": row.best_text,
            "time": duration_text(time.monotonic() - row.began),
            "tokens": count_text(row.tokens),
        }
