"""Search/replace blocks: exact, tolerant of white space, and clear when they do not fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome.agents.prompts.edits import EditError, apply_blocks, read_blocks

PROGRAM = "import os\n\n\ndef fit(x):\n    model = Ridge()\n    return model\n\n\ndef main():\n    fit(1)\n"


def block(search: str, replacement: str) -> str:
    return f"<<<<<<< SEARCH\n{search}=======\n{replacement}>>>>>>> REPLACE\n"


@given(st.data())
def test_replacing_unique_lines_is_exact(data: st.DataObject) -> None:
    lines = [f"line_{i} = {i}" for i in range(data.draw(st.integers(1, 12)))]
    at = data.draw(st.integers(0, len(lines) - 1))
    new = data.draw(st.lists(st.from_regex(r"[a-z]{1,8} = [0-9]{1,3}", fullmatch=True), max_size=3))
    text = "\n".join(lines) + "\n"
    replacement = "".join(f"{line}\n" for line in new)
    reply = "Some words.\n" + block(lines[at] + "\n", replacement)
    expected = "".join(f"{line}\n" for line in [*lines[:at], *new, *lines[at + 1 :]])
    assert apply_blocks(text, read_blocks(reply)) == expected


def test_wrong_indentation_and_trailing_space_are_forgiven() -> None:
    found = apply_blocks(PROGRAM, [("model = Ridge()  \nreturn model\n", "model = Lasso()\nreturn model\n")])
    assert "    model = Lasso()\n    return model\n" in found


def test_a_text_that_stands_twice_is_refused() -> None:
    with pytest.raises(EditError, match="2 times"):
        apply_blocks("x = 1\ny = 2\nx = 1\n", [("x = 1\n", "x = 3\n")])


def test_a_miss_quotes_the_nearest_lines() -> None:
    with pytest.raises(EditError, match=r"model = Ridge\(\)"):
        apply_blocks(PROGRAM, [("    model = Ridge(alpha=1)\n    return model\n", "pass\n")])


def test_half_a_line_is_refused_with_the_whole_one() -> None:
    program = "x = fit(a, b)\ny = x + 1\n"
    with pytest.raises(EditError, match=r"whole lines are:\n\| x = fit\(a, b\)\n\| y = x \+ 1$"):
        apply_blocks(program, [("a, b)\ny = x\n", "a)\ny = x\n")])
    with pytest.raises(EditError, match=r"whole lines are:\n\| x = fit\(a, b\)$"):
        apply_blocks(program, [("x = fit(\n", "x = predict(\n")])


def test_empty_search_adds_at_the_end() -> None:
    assert apply_blocks("x = 1\n", [("", "y = 2\n")]).endswith("y = 2\n")


def test_windows_line_ends_and_indented_markers_are_read() -> None:
    text = "  <<<<<<< SEARCH\r\nx = 1\r\n  =======\r\nx = 2\r\n  >>>>>>> REPLACE\r\n"
    assert read_blocks(text) == [("x = 1\n", "x = 2\n")]
