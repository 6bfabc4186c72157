"""Step sizes that programs declare: found without executing anything, and nothing but their value is changed."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome.tools.step_sizes import step_sizes, with_values

PROGRAM = """\
import lightgbm

text = "# gome: tune no log 1 2"
DEPTH = 6  # gome: tune depth linear 3 9
model = lightgbm.LGBMRegressor(
    learning_rate=0.05,  # gome: tune learning_rate log 0.01 0.3
    n_estimators=300,
)
"""


def test_declared_numbers_are_found() -> None:
    depth, rate = step_sizes(PROGRAM)
    assert (depth.name, depth.value, depth.low, depth.high, depth.log, depth.whole) == (
        "depth",
        6,
        3,
        9,
        False,
        True,
    )
    assert (rate.name, rate.value, rate.low, rate.high, rate.log, rate.whole) == (
        "learning_rate", 0.05, 0.01, 0.3, True, False,
    )  # fmt: skip


@given(st.floats(0.01, 0.3), st.floats(3, 9))
def test_only_the_values_change_and_what_they_were_stands_beside_them(rate: float, depth: float) -> None:
    changed = with_values(PROGRAM, {"learning_rate": rate, "depth": depth, "unknown": 1.0})
    found = {size.name: size for size in step_sizes(changed)}
    assert found["learning_rate"].value == pytest.approx(rate, rel=1e-3)
    assert found["depth"].value == pytest.approx(depth, abs=0.502)
    assert all(size.tuned for size in found.values())
    back = with_values(changed, {"learning_rate": 0.05, "depth": 6})
    assert back.replace(" was 6", "").replace(" was 0.05", "") == PROGRAM
    assert ast.unparse(ast.parse(back)) == ast.unparse(ast.parse(PROGRAM))


@pytest.mark.parametrize(
    "line",
    [
        "rate = 0.5  # gome: tune rate log 0 1",  # no logarithm of 0
        "rate = 0.5  # gome: tune rate log 0.6 0.9",  # outside
        "rate = 0.5  # gome: tune rate log 0.9 0.1",
        "rate = 0.5  # gome: tune rate log 0.1",
        "rate = 0.5  # gome: tune rate exp 0.1 0.9",
        "rate = x  # gome: tune rate log 0.1 0.9",
        "rate = 0.5 * 2  # gome: tune rate log 0.1 0.9",
        "rate = f(0.5)  # gome: tune rate log 0.1 0.9",
        "rate = -0.5  # gome: tune rate log 0.1 0.9",
        "depth = 3  # gome: tune depth linear 1.5 4",
        "# gome: tune rate log 0.1 0.9",
        "rate = (0.5  # gome: tune rate log 0.1 0.9",
        "rate = 0x1  # gome: tune rate linear 0 4",
    ],
)
def test_a_declaration_that_says_nothing_of_use_is_none(line: str) -> None:
    assert step_sizes(line + "\n") == []
    assert with_values(line + "\n", {"rate": 0.2}) == line + "\n"


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    step_sizes(text + "  # gome: tune a log 1 2")
