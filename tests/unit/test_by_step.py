"""Rows in the order of (trace, step): the laws of a sorted mapping, however the rows come in."""

from hypothesis import given
from hypothesis import strategies as st

from gome.state.step import StepRecord
from gome.tools.records.by_step import ByStep, absent, last_of_each

ROWS = st.lists(
    st.builds(
        lambda trace, step, value: StepRecord(f"{trace}:{step}", trace, step, "accepted", reason=str(value)),
        st.integers(0, 3),
        st.integers(0, 12),
        st.integers(0, 5),
    ),
    max_size=40,
)

PLACES = st.tuples(st.integers(0, 2), st.integers(0, 4))


def _held(given_rows: list[StepRecord]) -> tuple[ByStep[StepRecord], dict[tuple[int, int], StepRecord]]:
    rows: ByStep[StepRecord] = ByStep()
    for row in given_rows:
        rows.put(row)
    return rows, {(row.trace, row.step): row for row in given_rows}


@given(ROWS)
def test_rows_are_kept_in_order_and_the_last_of_a_pair_stays(given_rows: list[StepRecord]) -> None:
    rows, expected = _held(given_rows)
    assert rows.all() == [expected[key] for key in sorted(expected)]
    for trace in range(4):
        for step in range(13):
            assert rows.get(trace, step) == expected.get((trace, step))


@given(ROWS, st.integers(1, 15))
def test_the_last_of_each_trace_are_its_last_rows(given_rows: list[StepRecord], count: int) -> None:
    rows = _held(given_rows)[0].all()
    last = [r for t in range(4) for r in [r for r in rows if r.trace == t][-count:]]
    assert last_of_each(rows, count) == last


@given(ROWS, st.integers(1, 6), st.integers(2, 4))
def test_with_a_stride_the_last_of_each_trace_begin_with_the_same_row_for_so_many_steps(
    given_rows: list[StepRecord], count: int, stride: int
) -> None:
    rows = _held(given_rows)[0].all()
    found = last_of_each(rows, count, stride=stride)
    for trace in range(4):
        every, last = ([r for r in side if r.trace == trace] for side in (rows, found))
        assert last == every[len(every) - len(last) :]
        assert min(count, len(every)) <= len(last) < count + stride
        assert (len(every) - len(last)) % stride == 0


@given(
    st.sets(st.tuples(st.integers(0, 2), st.integers(0, 4))),
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4))),
)
def test_absent_are_those_of_no_known_step(known: set[tuple[int, int]], asked: list[tuple[int, int]]) -> None:
    def row(trace: int, step: int) -> StepRecord:
        return StepRecord.from_json({"trace": trace, "step": step, "verdict": "accepted"})

    found = absent([row(*key) for key in asked], [row(*key) for key in sorted(known)])
    assert [(r.trace, r.step) for r in found] == [key for key in asked if key not in known]
