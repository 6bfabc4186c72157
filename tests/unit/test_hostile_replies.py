"""Replies that would crash or hold up their reader cost a step: half a tag many times, expressions without a bottom.

Time is asserted nowhere by the clock: a reader that went over the text again for each half tag would take hours here.
"""

import json

import pytest

from gome.agents.prompts.edits import MAX_BLOCKS, apply_blocks, diff, read_blocks
from gome.agents.prompts.replies import CodeReply, Diagnosis, HypothesisReply
from gome.agents.trying import updated
from gome.tools.models.parsing import extract_json, fenced_blocks, without_thoughts
from gome.tools.models.reply import read_reply
from gome.tools.models.tool_calls import calls_in

MANY = 50_000


@pytest.mark.parametrize(
    "expression",
    [
        "-" * 20_000 + "1",
        "not " * 20_000 + "1",
        "+".join(["a"] * MANY),
        "a" + ".b" * MANY,
        "1 if 1 else " * 9999 + "1",
    ],
)
def test_a_program_nested_deeper_than_python_reads_is_a_bad_reply(expression: str) -> None:
    with pytest.raises(ValueError, match="deeper than Python can read"):
        updated(CodeReply(program=f"x = {expression}\n"), None)


@pytest.mark.parametrize("half", ["<think>", "</think>", "<think></reasoning>", "<think><reasoning>"])
def test_half_thoughts_are_read_in_one_pass(half: str) -> None:
    assert without_thoughts(half * MANY + "x").endswith("x")


@pytest.mark.parametrize("half", ["```python\n", "```x\n", "````\n```\n", "``` \n", "```" + " " * 40 + "a\n"])
def test_half_fences_are_read_in_one_pass(half: str) -> None:
    assert len(fenced_blocks(half * MANY)) <= MANY


def test_half_tags_of_calls_are_read_in_one_pass() -> None:
    assert calls_in("<tool_call>" * 20 * MANY, []) == []


@pytest.mark.parametrize(
    "half", ["<<<<<<< SEARCH\n", "<<<<<<< SEARCH\n=======\n", "=======\n", ">>>>>>> REPLACE\n"]
)
def test_half_blocks_are_read_in_one_pass(half: str) -> None:
    assert read_blocks(half * MANY) == []


def test_more_blocks_than_an_edit_needs_are_refused() -> None:
    blocks = read_blocks("<<<<<<< SEARCH\n=======\n>>>>>>> REPLACE\n" * 3000)
    assert len(blocks) == 3000 > MAX_BLOCKS
    with pytest.raises(ValueError, match="give the whole program"):
        apply_blocks("x = 1\n", blocks)


def test_a_program_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match="make it shorter"):
        updated(CodeReply(program="x = 1\n" * 100_000), None)
    with pytest.raises(ValueError, match="make it shorter"):
        apply_blocks("x = 1\n", [("", "y = 1\n" * 40_000)] * 3)


@pytest.mark.parametrize("half", ['["x" ', "{", '{"a":', "(", '{"a":[', "[1,", "<{pe]<<<<"])
def test_json_without_a_bottom_is_a_bad_reply(half: str) -> None:
    with pytest.raises(ValueError, match="no JSON object"):
        extract_json('{"a": ' + half * MANY)


def test_numbers_without_an_end_do_not_count() -> None:
    reply = json.dumps({"statement": "fit another model"})[:-1] + ', "predicted_gain": ' + "9" * 400 + "}"
    assert read_reply(reply, HypothesisReply).predicted_gain == 0.0


def test_text_that_no_store_can_hold_is_mended() -> None:
    reply = '{"diagnosis": "a\\ud800b\\u0000c", "challenges": [{"caption": "x", "statement": "y"}], "hypotheses": [' \
            '{"statement": "fit another model"}]}'  # fmt: skip
    assert read_reply(reply, Diagnosis).diagnosis == "a?b\N{REPLACEMENT CHARACTER}c"


def test_a_search_text_that_is_not_there_is_told_in_bounded_time() -> None:
    program = "".join(f"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa{i:05}\n" for i in range(7000))
    with pytest.raises(ValueError, match="not in the program"):
        apply_blocks(program, [("a" * 90 + "\n", "x\n")])
    with pytest.raises(ValueError, match="not in the program"):
        apply_blocks(program, [(program + "x\n", "x\n")])


def test_giants_are_not_compared_line_by_line() -> None:
    one, other = ("".join(f"{i * step % 100}\n" for i in range(20_000)) for step in (1, 7))
    assert "not compared" in diff(one, other)
