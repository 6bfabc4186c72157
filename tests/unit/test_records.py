"""What a run writes down: artifacts, histories, the clock."""

import json
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gome.state.step import StepRecord
from gome.state.task import Direction
from gome.tools.records.artifacts import Artifacts
from gome.tools.records.clock import Clock
from gome.tools.records.history import History, latest_in_turn
from gome.tools.records.journal import Exchange, Journal, heads, nothing_used
from gome.tools.records.jsonl import append_line, line_at, places, read_lines, write_json
from gome.tools.records.run_file import read_run


def test_equal_content_is_kept_once(tmp_path: Path) -> None:
    store = Artifacts(tmp_path)
    assert store.put_text("x = 1\n", "py") == store.put_text("x = 1\n", "py")
    assert len([p for p in tmp_path.rglob("*") if p.is_file()]) == 1


@given(st.text())
def test_text_survives(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    store = Artifacts(tmp_path_factory.mktemp("a"))
    assert store.get_text(store.put_text(text)) == text


def test_tables_survive(tmp_path: Path) -> None:
    table = pd.DataFrame({"id": [1, 2], "label": ["a", None]})
    store = Artifacts(tmp_path)
    pd.testing.assert_frame_equal(store.get_table(store.put_table(table)), table)


@pytest.mark.parametrize("ref", ["../../etc/passwd", "abc", "0" * 64, "0" * 64 + ".../x"])
def test_only_references_are_paths(tmp_path: Path, ref: str) -> None:
    with pytest.raises(ValueError, match="not an artifact reference"):
        Artifacts(tmp_path).path(ref)


def test_a_step_written_twice_counts_once(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    for verdict in ("rejected", "accepted"):
        history.append(StepRecord.from_json({"trace": 0, "step": 1, "verdict": verdict}))
    history.append(StepRecord.from_json({"trace": 0, "step": 0, "verdict": "accepted"}))
    assert [(r.step, r.verdict) for r in history.records()] == [(0, "accepted"), (1, "accepted")]
    assert history.accepted() == history.records()
    history.append(StepRecord.from_json({"trace": 0, "step": 1, "verdict": "rejected"}))
    assert [r.step for r in history.accepted()] == [0]


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 20)), unique=True, max_size=40), st.integers(1, 12)
)
def test_of_many_steps_the_latest_of_every_trace_are_taken(places: list[tuple[int, int]], most: int) -> None:
    steps = [StepRecord(f"{t}:{s}", t, s, "accepted") for t, s in sorted(places)]
    kept = latest_in_turn(steps, most)
    traces = {step.trace for step in steps}
    assert len(kept) == min(len(steps), max(most, len(traces)))
    assert kept == [step for step in steps if step in kept]
    counts = {t: sum(step.trace == t for step in kept) for t in traces}
    for t in traces:
        own = [step for step in steps if step.trace == t]
        assert [step for step in kept if step.trace == t] == own[len(own) - counts[t] :]
        assert counts[t] == len(own) or counts[t] >= max(counts.values()) - 1


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 4), st.booleans()), max_size=20),
    st.sampled_from(["minimize", "maximize"]),
)
def test_accepted_steps_by_score_are_those_that_stand_in_the_log(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[int, int, int, bool]], direction: Direction
) -> None:
    history = History(tmp_path_factory.mktemp("log") / "history.jsonl")
    last: dict[tuple[int, int], tuple[int, bool]] = {}
    for trace, step, value, accepted in lines:
        verdict = "accepted" if accepted else "rejected"
        evaluation = {"status": "ok", "score": {"value": float(value), "stderr": 0.1}}
        line = {"trace": trace, "step": step, "verdict": verdict, "evaluation": evaluation}
        history.append(StepRecord.from_json(line))
        last[trace, step] = value, accepted
        sign = 1 if direction == "minimize" else -1
        right = sorted((sign * v, step, trace) for (trace, step), (v, kept) in last.items() if kept)
        found = [
            (sign * r.value, r.step, r.trace) for r in history.best_first(direction) if r.value is not None
        ]
        assert found == right


@given(st.integers(0, 60))
def test_a_log_cut_anywhere_keeps_its_whole_lines_and_can_be_continued(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "x.jsonl"
    for i in range(4):
        append_line(path, {"i": i})
    data = path.read_bytes()
    path.write_bytes(data[: min(cut, len(data))])
    whole = list(read_lines(path))
    append_line(path, {"i": 99})
    assert list(read_lines(path)) == [*whole, {"i": 99}]
    assert whole == [{"i": i} for i in range(len(whole))]
    assert [line_at(path, place) for place, _ in places(path)] == [*whole, {"i": 99}]


def test_a_reply_is_found_by_its_key_where_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "exchanges.jsonl"
    path.write_text('{"key": "cut')
    journal = Journal(path)
    for key in ("0:0:draft:0", "0:0:edit:0"):
        asked = [{"role": "user", "content": "ä\n" * 5}]
        journal.add(
            Exchange(key=key, role="coder", model="m", messages=asked, reply=f"{key} ✓", usage=nothing_used())
        )
    for known in (journal, Journal(path)):
        assert [
            (known.exchange(k) or {}).get("reply") for k in ("0:0:edit:0", "0:0:draft:0", "0:1:draft:0")
        ] == [
            "0:0:edit:0 ✓",
            "0:0:draft:0 ✓",
            None,
        ]


@given(
    st.lists(st.text() | st.sampled_from([', "messages": {"usage": 1}', ', "reply": "}']), max_size=4),
    st.booleans(),
    st.integers(0, 400),
)
@example([], False, 70)  # behind the usage
@example(["text"], False, 125)  # behind a message
def test_what_is_short_of_an_exchange_is_read_without_its_messages(
    texts: list[str], old: bool, cut: int
) -> None:
    short = {"key": "0:0:draft:0", "role": "".join(texts), "model": "m", "usage": {"calls": 1}}
    long = {"messages": [{"role": "human", "content": text} for text in texts], "reply": "".join(texts)}
    exchange = {**long, **short} if old else {**short, **long}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "exchanges.jsonl"
        append_line(path, exchange)
        path.write_bytes(path.read_bytes()[:cut])
        whole = list(read_lines(path))
        append_line(path, exchange)
        found = list(heads(path))
    assert len(found) == len(whole) + 1
    assert all({name: head[name] for name in short} == short for head in found)
    assert old or "messages" not in found[-1]


def test_time_between_sessions_is_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "clock.jsonl"
    append_line(path, {"session": "a", "seconds": 10.0})
    append_line(path, {"session": "a", "seconds": 25.0})
    append_line(path, {"session": "b", "seconds": 5.0})
    clock = Clock(path)
    assert 30 <= clock.elapsed() < 31
    clock.beat()
    assert 30 <= Clock(path).elapsed() < 31


def test_json_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="Out of range float"):
        write_json(path, {"a": float("nan")})
    assert json.loads(path.read_text()) == {"a": 1}


def test_an_older_run_goes_on_by_what_its_settings_are_called_now(tmp_path: Path) -> None:
    config = {"optimizer": "auto", "without": ["memory", "merge"], "folds": 3}
    (tmp_path / "run.json").write_text(json.dumps({"id": "x", "config": config}))
    found = read_run(tmp_path)["config"]
    assert found == {"optimizer": "gradient", "without": ["momentum", "merge"], "folds": 3}
