"""The caps of a run, and what is kept back for its end."""

import contextlib
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome.state.config import RunConfig
from gome.state.errors import BudgetReached, GomeError
from gome.tools.budget import MOST_RESERVED, Budget
from gome.tools.end_cost import GROWTH, Accepted, Growth, end_cost
from gome.tools.models.prices import Prices
from gome.tools.records.clock import Clock
from gome.tools.records.journal import nothing_used
from gome.tools.records.jsonl import append_line

TIMES = st.lists(st.floats(0.01, 1000), min_size=1, max_size=12)


def budget(folder: Path, used_s: float = 0.0, *, self_reported: bool = False, **config: Any) -> Budget:
    append_line(folder / "clock.jsonl", {"session": "before", "seconds": used_s})
    clock = Clock(folder / "clock.jsonl")
    return Budget(RunConfig(**config), clock, folder, slots=2, self_reported=self_reported)


def best_of(times: list[float]) -> list[Accepted]:
    return [Accepted(str(i), -float(i), seconds) for i, seconds in enumerate(times)]


@given(TIMES, st.integers(1, 5), st.integers(1, 4), st.integers(1, 8), st.sets(st.integers(0, 11)))
def test_the_end_has_room_for_every_run_it_still_has_to_make(
    times: list[float], finalists: int, seeds: int, slots: int, chosen: set[int]
) -> None:
    """Bounds that hold for any order of the runs: the longest one, and all of them spread evenly."""
    best, growth = best_of(times), Growth()
    members = {a.program for i, a in enumerate(best) if i in chosen}
    running = {a.program: a.seconds for i, a in enumerate(best) if i < finalists or i in chosen}
    done = {(name, "selection", 0) for name in running}
    cost = partial(end_cost, best, finalists=finalists, seeds=seeds, members=members)
    selection, final = cost(done=()).seconds(growth, slots)
    assert selection >= GROWTH * max(sum(running.values()) * seeds / slots, *running.values()) - 1e-6
    fits = [times[i] for i in chosen if i < len(times)]
    assert final >= GROWTH * max([sum(fits) / slots, *fits]) - 1e-6
    newcomer = GROWTH * (seeds + 1) * max(running.values())
    assert sum(cost(done=done).seconds(growth, slots)) <= selection + final + newcomer + 1e-6
    slower = end_cost(
        best_of([2 * t for t in times]), finalists=finalists, seeds=seeds, members=members, done=()
    )
    assert sum(slower.seconds(growth, slots)) >= selection + final


def test_the_reserve_follows_what_was_measured_and_leaves_time_to_search(tmp_path: Path) -> None:
    made = budget(tmp_path, time_limit_s=1000)
    assert made.reserve_s() == 0
    made.note_accepted("a", 0.9, 5.0)
    small = made.reserve_s()
    assert small > 5
    made.note_accepted("b", 0.95, 500.0)
    assert made.reserve_s() == MOST_RESERVED * 1000
    assert made.search_seconds_left() == pytest.approx(600, abs=1)
    claimed = budget(tmp_path, time_limit_s=1000, self_reported=True)
    claimed.note_accepted("a", 0.9, 5.0)
    assert claimed.reserve_s() == 0


def test_the_reserve_is_measured_anew_as_runs_end(tmp_path: Path) -> None:
    """Also by a process that goes on with the run: what it knows is in the run's folder."""
    (tmp_path / "results").mkdir()

    def ended(made: Budget, run: str, seconds: float) -> float:
        (tmp_path / "results" / f"{run}-f0.json").write_text(json.dumps({"seconds": seconds}))
        made.note_run(*run.split("-")[:2], int(run[-1]))
        return made.reserve_s()

    made = budget(tmp_path, time_limit_s=1000)
    made.note_accepted("a", 0.9, 5.0)
    guessed = made.reserve_s()
    fitted = ended(made, "a-final-s0", 5.0)  # neither longer than a search run, nor to be made again
    assert fitted < guessed
    made.note_ensemble({"a"}, 10.0)
    assert made.reserve_s() > fitted + 10
    made.note_ensemble({"a"}, 0.0)
    assert ended(made, "a-selection-s0", 500.0) > fitted
    again = budget(tmp_path, time_limit_s=1000)
    again.note_accepted("a", 0.9, 5.0)
    again.note_ensemble({"a"}, 0.0)
    assert again.reserve_s() == made.reserve_s()


def test_the_cap_that_ends_the_search_first_is_known(tmp_path: Path) -> None:
    made = budget(tmp_path, used_s=250, time_limit_s=1000, max_evaluations=2, max_tokens=100)
    made.begin("search", "a")
    used = made.shares_used({**nothing_used(), "tokens_in": 30})
    assert used == {"time_limit_s": pytest.approx(0.25, abs=0.01), "max_evaluations": 0.5, "max_tokens": 0.3}


def test_each_part_of_the_run_ends_before_the_next_ones_share(tmp_path: Path) -> None:
    made = budget(tmp_path, time_limit_s=1000)
    made.note_accepted("0:0", 0.9, 5.0)
    assert made.seconds_for("search") < made.seconds_for("selection") < made.seconds_for("final") <= 1000


def test_before_a_first_program_its_folds_leave_room_for_a_submission(tmp_path: Path) -> None:
    made = budget(tmp_path, used_s=900, time_limit_s=1000, traces=2)
    limit = made.first_limit_s("search", 5)
    assert (5 + 1) * limit < 100
    made.note_accepted("0:0", 0.9, 5.0)
    assert made.first_limit_s("search", 5) == float("inf")


def test_time_that_is_used_up_says_so(tmp_path: Path) -> None:
    made = budget(tmp_path, used_s=1001, time_limit_s=1000)
    for split in ("smoke", "search", "selection", "final"):
        with pytest.raises(BudgetReached, match="1000 s"):
            made.begin(split, "a")


def test_evaluations_are_counted_by_program_and_survive_a_restart(tmp_path: Path) -> None:
    made = budget(tmp_path, max_evaluations=2)
    for program in ("a", "b", "a"):
        made.begin("search", program)
    with pytest.raises(BudgetReached, match="2 evaluations"):
        made.begin("search", "c")
    made.begin("selection", "c")
    (tmp_path / "results").mkdir()
    for program in ("a", "b"):
        (tmp_path / "results" / f"{program}-search-s0-f0.json").write_text("{}")
    with pytest.raises(BudgetReached, match="2 evaluations"):
        budget(tmp_path, max_evaluations=2).begin("search", "c")


def test_a_full_folder_ends_the_search_but_not_the_run(tmp_path: Path) -> None:
    (tmp_path / "big.bin").write_bytes(b"x" * 3 * 2**20)
    made = budget(tmp_path, max_disk_mb=2)
    with pytest.raises(BudgetReached, match="2 MB"):
        made.begin("smoke", "a")
    made.begin("final", "a")


@given(st.integers(0, 3000), st.integers(0, 3000), st.integers(1, 5000))
def test_a_call_may_be_made_until_the_tokens_are_used(
    tmp_path_factory: pytest.TempPathFactory, tokens_in: int, tokens_out: int, cap: int
) -> None:
    made = budget(tmp_path_factory.mktemp("run"), max_tokens=cap)
    allowed = tokens_in + tokens_out < cap
    with contextlib.nullcontext() if allowed else pytest.raises(BudgetReached):
        made.check_usage({**nothing_used(), "tokens_in": tokens_in, "tokens_out": tokens_out})


def test_prices(tmp_path: Path) -> None:
    hosted = Prices.read(None, hosted=True)
    price = hosted.of("gpt-5-2025-08-07")
    assert price == hosted.of("gpt-5")
    assert price is not None
    assert price.usd(1_000_000, 0, cached=1_000_000) < price.usd(1_000_000, 0)
    assert Prices.read(None, hosted=False).of("gpt-5") is None
    assert hosted.of("gpt-5-turbo-ultra") is None
    table = tmp_path / "prices.yaml"
    table.write_text("my-model: {input: 1, output: 2}\ngpt-5: {input: 7, output: 7}\n")
    own = Prices.read(str(table), hosted=True)
    assert own.of("my-model") is not None
    assert own.of("gpt-5") != price
    own.check_cap({"my-model", "offline"}, 1.0)
    with pytest.raises(GomeError, match="other-model"):
        own.check_cap({"my-model", "other-model"}, 1.0)
    own.check_cap({"other-model"}, None)


@pytest.mark.parametrize("text", ["gpt-5: 3\n", "gpt-5: {input: -1, output: 2}\n", "- 1\n", "a: [\n", ""])
def test_a_bad_price_table_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "prices.yaml").write_text(text)
    with pytest.raises(GomeError, match="US dollars per million"):
        Prices.read(str(tmp_path / "prices.yaml"), hosted=True)
