"""The caps of one run: what may still be used, and what is kept back so that the run can end well."""

import heapq
import math
import shutil
import threading
import time
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path

from gome.state.config import RunConfig
from gome.state.errors import BudgetReached, GomeError
from gome.state.parts import Usage
from gome.tools.data.label_probes import PROBES
from gome.tools.execution.e2b.cost import SandboxLog
from gome.tools.execution.workspace import disk_usage
from gome.tools.records.clock import Clock

SEARCHING = ("smoke", *PROBES, "search")
SHORTEST_RUN_S = 1.0
"""A program that may not even run for so long is not begun."""
GROWTH = 1.4
"""How much longer than a search run a run with all of the rows may take, before one was measured."""
GROWTH_ROOM = 1.2
"""Room over what was measured."""
FINAL_ROUNDS = 1.5
"""A fit on all of the data, in runs on the search part, where none was measured yet."""
MOST_RESERVED = 0.4
"""Share of the time budget that the end may keep from the search: with less, selection makes do with fewer runs."""
FREE_DISK_MB = 64
"""With less than this free, nothing new is begun: checkpoints and the submission still have to fit."""
DISK_SHARE = 0.02
"""Share of the time that measuring the run's folder may take."""


def end_seconds(
    seconds: Sequence[float], finalists: int, seeds: int, slots: int, growth: float = GROWTH
) -> tuple[float, float]:
    """Time (selection, final fits) that the end of a run takes, from the measured `seconds` of one run of each accepted
    program, best program first.

    The finalists, and as many members of the ensemble as are none, half of them in the middle case, run with every seed;
    the members once more on all of the data, each `growth` times as long as a search run. Runs in `slots` at a time end
    after at most (total - the longest one) / slots + the longest one (Graham 1969).
    """
    top = list(seconds[:finalists])
    if not top:
        return 0.0, 0.0
    others = sum(seconds[finalists : 2 * finalists]) / 2
    longest = max(top)
    selection, final = (sum(top) + others) * seeds, sum(top)
    return growth * ((selection - longest) / slots + longest), growth * ((final - longest) / slots + longest)


class Budget:
    """Time, evaluations, tokens, money and disk of one run, asked before each piece of work. Safe between threads.

    Time is the run's own (see Clock). The caps on evaluations, tokens, money and disk end the search; the end of the run
    has the rest of the time and needs none of the others.
    """

    def __init__(self, config: RunConfig, clock: Clock, run_dir: Path, *, slots: int) -> None:
        self.config, self.clock, self.run_dir, self.slots = config, clock, run_dir, slots
        self._lock = threading.Lock()
        self._accepted: dict[str, tuple[float, float]] = {}  # id -> (goodness, seconds of one run)
        self._best_s: list[float] | None = None  # seconds of the best of them, best first
        self._evaluated = {
            path.name.split("-")[0] for path in (run_dir / "results").glob("*-search-s*-f0.json")
        }
        self._growth: float | None = None  # measured
        self._disk_mb, self._measure_at = 0.0, 0.0

    def note_accepted(self, step: str, goodness: float, seconds: float) -> None:
        """Count on this program at the end: `goodness` is its score, larger is better; `seconds` the time of one run."""
        with self._lock:
            self._accepted[step] = (goodness if math.isfinite(goodness) else 0.0, seconds)
            self._best_s = None

    def note_fit(self, searched_s: float, fitted_s: float) -> None:
        """Learn from a program's time on a search part and on all of the rows how much longer the latter takes."""
        with self._lock:
            self._growth = max(self._growth or 1.0, fitted_s / max(searched_s, 1e-3))

    def seconds_left(self) -> float:
        """Until the end of the run's time, the end's own share included."""
        return self.config.time_limit_s - self.clock.elapsed()

    def reserve_s(self) -> float:
        """Seconds kept back for selection and the final fits, from measured times; 0 while nothing was accepted."""
        return min(sum(self._end()), MOST_RESERVED * self.config.time_limit_s)

    def search_seconds_left(self) -> float:
        """Until the search has to end."""
        return self.seconds_left() - self.reserve_s()

    def seconds_for(self, split: str) -> float:
        """Until a program run on this split has to end: the search leaves the reserve, selection the final fits."""
        if split == "final":
            return self.seconds_left()
        if split == "selection":
            return self.seconds_left() - min(self._end()[1], MOST_RESERVED * self.config.time_limit_s)
        return self.search_seconds_left()

    def first_limit_s(self, split: str, folds: int) -> float:
        """Limit of one fold while no program was accepted, inf from then on: nothing was measured yet, so the folds may
        take what leaves as much as one of them takes, and half as much again, for a first submission.
        """
        if split != "search" or self._accepted:
            return math.inf
        rounds = math.ceil(folds / max(1, self.slots // self.config.traces))
        return max(SHORTEST_RUN_S, self.seconds_left() / (rounds + FINAL_ROUNDS))

    def begin(self, split: str, program: str) -> None:
        """Count a program (its hash) that is about to run. Raises BudgetReached when it may not."""
        if self.seconds_for(split) < SHORTEST_RUN_S:
            raise BudgetReached(self.time_is_up())
        if split in SEARCHING:
            self.check_search()
        if split == "search":
            self._take_evaluation(program)

    def _take_evaluation(self, program: str) -> None:
        cap = self.config.max_evaluations
        with self._lock:
            if program not in self._evaluated and cap is not None and len(self._evaluated) >= cap:
                raise BudgetReached(f"the cap of {cap} evaluations is used up")
            self._evaluated.add(program)

    def check_search(self) -> None:
        """Raises BudgetReached when the time for the search or the folder's cap is used up, and GomeError while the disk
        is full: that is no end, the run goes on when there is room.
        """
        if self.search_seconds_left() <= 0:
            raise BudgetReached(self.time_is_up())
        cap = self.config.max_disk_mb
        if cap is not None and self.disk_mb() >= cap:
            raise BudgetReached(f"the run's folder has reached the cap of {cap} MB")
        if shutil.disk_usage(self.run_dir).free < FREE_DISK_MB * 2**20:
            raise GomeError(
                f"less than {FREE_DISK_MB} MB are free on the disk of {self.run_dir}: make room, "
                f"then go on with: gome resume {self.run_dir}"
            )

    def check_usage(self, usage: Usage) -> None:
        """Raises BudgetReached when the tokens or the money are used up."""
        tokens, usd = self.config.max_tokens, self.config.max_usd
        if tokens is not None and usage["tokens_in"] + usage["tokens_out"] >= tokens:
            raise BudgetReached(f"the cap of {tokens} tokens is used up")
        if usd is not None and usage["usd"] + self._sandbox_usd() >= usd:
            raise BudgetReached(f"the cap of {usd:g} US dollars is used up")
        if usd is not None and usage["unpriced"]:
            raise BudgetReached(
                f"a reply came without a known price: the cap of {usd:g} US dollars can't be held"
            )

    def _sandbox_usd(self) -> float:
        """What rented sandboxes cost until now; 0 where programs run on this machine."""
        return SandboxLog(self.run_dir).use().usd_by_now() if self.config.executor == "e2b" else 0.0

    def time_is_up(self) -> str:
        """Why no more is begun, in words."""
        kept = self.reserve_s()
        return f"the {self.config.time_limit_s:g} s are used up" + (
            f", with {kept:.0f} s kept for the end" if kept else ""
        )

    def disk_mb(self) -> float:
        """Size of the run's folder, measured now and then: walking it takes longer the longer the run."""
        with self._lock:
            began = time.monotonic()
            if began >= self._measure_at:
                self._disk_mb = disk_usage(self.run_dir) / 2**20
                took = time.monotonic() - began
                self._measure_at = began + took + took / DISK_SHARE
            return self._disk_mb

    def _end(self) -> tuple[float, float]:
        with self._lock:
            if self._best_s is None:
                best = heapq.nlargest(2 * self.config.finalists, self._accepted.values(), key=itemgetter(0))
                self._best_s = [seconds for _, seconds in best]
            growth = GROWTH if self._growth is None else GROWTH_ROOM * self._growth
            times = self._best_s
        return end_seconds(times, self.config.finalists, self.config.selection_seeds, self.slots, growth)
