"""The caps of one run: what may still be used, and what is kept back so that the run can end well."""

import heapq
import json
import math
import shutil
import threading
import time
from collections.abc import Collection
from operator import attrgetter
from pathlib import Path

from gome.state.config import RunConfig
from gome.state.errors import BudgetReached, GomeError, TimeReached
from gome.state.parts import Usage
from gome.tools.data.label_probes import PROBES
from gome.tools.data.splits import UNGRADED
from gome.tools.end_cost import Accepted, EndCost, Growth, end_cost
from gome.tools.execution.e2b.cost import SandboxLog
from gome.tools.execution.workspace import disk_usage
from gome.tools.records.clock import Clock

SEARCHING = ("smoke", *PROBES, "search")
SHORTEST_RUN_S = 1.0
"""A program that may not even run for so long is not begun."""
FINAL_ROUNDS = 1.5
"""A fit on all of the data, in runs on the search part, where none was measured yet."""
MOST_RESERVED = 0.4
"""Share of the time budget that the end may keep from the search: with less, selection makes do with fewer runs."""
POOL = 20
"""Best accepted programs that the end may have to do with."""
ROUNDS_OF_SUMS = 2.0
"""The agent's own work at the end (ensemble, comparisons, writing), in times that the ensemble takes."""
FREE_DISK_MB = 64
"""With less than this free, nothing new is begun: checkpoints and the submission still have to fit."""
DISK_SHARE = 0.02
"""Share of the time that measuring the run's folder may take."""


class Budget:
    """Time, evaluations, tokens, money and disk of one run, asked before each piece of work. Safe between threads.

    Time is the run's own (see Clock). The caps on evaluations, tokens, money and disk end the search; the end of the run
    has the rest of the time and needs none of the others.
    """

    def __init__(
        self, config: RunConfig, clock: Clock, run_dir: Path, *, slots: int, self_reported: bool = False
    ) -> None:
        self.config, self.clock, self.run_dir, self.slots = config, clock, run_dir, slots
        self.self_reported = self_reported
        self._lock = threading.RLock()
        self._accepted: dict[str, Accepted] = {}
        self._members: set[str] | None = None
        self._done: dict[tuple[str, str, int], float] = {}
        self._growth, self._cost, self._sums_s = Growth(), EndCost(), 0.0
        names = [path.name.split("-") for path in (run_dir / "results").glob("*-s*-f0.json")]
        self._evaluated = {program for program, split, *_ in names if split == "search"}
        self._disk_mb, self._measure_at = 0.0, 0.0

    def note_accepted(self, program: str, goodness: float, seconds: float) -> None:
        """Count on this program, by its name among the results: `goodness` is its score, larger is better; `seconds` the
        time of one run."""
        with self._lock:
            goodness = goodness if math.isfinite(goodness) else 0.0
            self._accepted[program] = Accepted(program, goodness, seconds)
            for seed in range(self.config.selection_seeds):
                self._note_result(program, "selection", seed)
            self._note_result(program, "final", 0)
            self._reckon()

    def note_run(self, program: str, split: str, seed: int) -> None:
        """A run on the selection part or on all of the data has its result: the end need not make it, and how long it
        took says how long the others will."""
        with self._lock:
            self._note_result(program, split, seed)
            self._reckon()

    def note_ensemble(self, members: Collection[str], took_s: float) -> None:
        """Which programs the ensemble would be made of now, and how long it took to compute that."""
        with self._lock:
            self._members, self._sums_s = set(members), ROUNDS_OF_SUMS * took_s
            self._reckon()

    def _note_result(self, program: str, split: str, seed: int) -> None:
        run, accepted = (program, split, seed), self._accepted.get(program)
        if split not in ("selection", "final") or run in self._done or accepted is None:
            return
        try:
            known = json.loads((self.run_dir / "results" / f"{program}-{split}-s{seed}-f0.json").read_text())
            seconds = known["seconds"]
        except (OSError, ValueError, KeyError):
            return
        if split == "final" and known.get("status") == "timeout":
            return  # the end may have to make it once more
        self._done[run] = seconds
        self._growth.note(split, accepted.seconds, seconds)

    def _reckon(self) -> None:
        """Under the lock: what the end takes, anew."""
        if self.self_reported:
            return  # nothing is held back, and programs were given all of the data
        finalists = self.config.finalists
        by_goodness = heapq.nlargest(POOL, self._accepted.values(), key=attrgetter("goodness"))
        self._cost = end_cost(
            by_goodness,
            finalists=finalists,
            seeds=self.config.selection_seeds,
            members=self._members,
            done=self._done,
            sums_s=self._sums_s,
        )

    def seconds_left(self) -> float:
        """Until the end of the run's time, the end's own share included."""
        return self.config.time_limit_s - self.clock.elapsed()

    def reserve_s(self) -> float:
        """Seconds kept back for selection and the final fits, from measured times; 0 while nothing was accepted."""
        return min(sum(self._end()), MOST_RESERVED * self.config.time_limit_s)

    def search_seconds_left(self) -> float:
        """Until the search has to end."""
        return self.seconds_left() - self.reserve_s()

    def shares_used(self, usage: Usage) -> dict[str, float]:
        """How much of each cap that is set, but for the steps, is used: 1 ends the search. `usage`: of all calls."""
        config, elapsed = self.config, self.clock.elapsed()
        used: dict[str, float] = {
            "time_limit_s": elapsed / max(1e-9, elapsed + max(0.0, self.search_seconds_left())),
            "max_evaluations": len(self._evaluated) / (config.max_evaluations or math.inf),
            "max_tokens": (usage["tokens_in"] + usage["tokens_out"]) / (config.max_tokens or math.inf),
            "max_usd": 0.0
            if config.max_usd is None
            else (usage["usd"] + self._sandbox_usd()) / config.max_usd,
            "max_disk_mb": 0.0 if config.max_disk_mb is None else self.disk_mb() / config.max_disk_mb,
        }
        return {name: share for name, share in used.items() if getattr(config, name) is not None}

    def seconds_for(self, split: str) -> float:
        """Until a program run on this split has to end: the search leaves the reserve, selection the final fits."""
        if split in UNGRADED:
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
            raise TimeReached(self.time_is_up())
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
            raise TimeReached(self.time_is_up())
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
            return self._cost.seconds(self._growth, self.slots)
