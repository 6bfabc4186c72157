"""Figures that prompts and reports show say what they are, and no more than was measured."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest

from gome.state.step import FEEDBACK_IN_BRIEF, StepRecord, brief_from_json
from gome.tools.execution.sandbox.process_tree import tree_cpu_seconds
from gome.tools.models.prompt import context_block
from gome.tools.wording import share_words, waiting_words


@pytest.mark.parametrize(
    ("share", "words"),
    [(1.0, "100 %"), (0.9975, "99.7 %"), (0.99999, "99.9 %"), (0.62, "62 %"), (0.0025, "0.2 %"), (1e-6, "0.1 %"),
     (0.0, "0 %")],
)  # fmt: skip
def test_only_all_and_none_are_100_and_0_percent(share: float, words: str) -> None:
    assert share_words(share) == words


@pytest.mark.parametrize(
    ("seconds", "cpu", "told"),
    [
        (12.0, 3.0, "3 s of CPU time"),
        (12.0, 3.0, "4.0 times"),
        (12.0, 10.0, ""),
        (12.0, None, ""),
        (0.4, 0.1, ""),
    ],
)
def test_that_a_run_waited_is_told_where_it_matters(seconds: float, cpu: float | None, told: str) -> None:
    said = waiting_words(seconds, cpu)
    assert told in said
    assert bool(said) == bool(told)


def test_numbers_of_numpy_are_numbers_in_a_prompt() -> None:
    block = context_block({"within": np.int64(0), "factor": np.float32(0.5), "tie": True, "gain": np.nan})
    told = json.loads(block.removeprefix("<context>").removesuffix("</context>"))
    assert told == {"within": 0, "factor": 0.5, "tie": True, "gain": None}
    assert told["tie"] is True


def test_what_json_does_not_know_is_no_text_by_chance() -> None:
    with pytest.raises(TypeError):
        context_block({"rows": {1, 2}})


def test_feedback_is_cut_between_words_and_says_so() -> None:
    feedback = " ".join(f"word{n}" for n in range(400))
    brief = StepRecord.from_json({"trace": 0, "step": 1, "feedback": feedback}).brief()
    assert len(brief["feedback"]) <= FEEDBACK_IN_BRIEF
    kept, mark = brief["feedback"].rsplit(" ", 1)
    assert mark == "[...]"
    assert feedback.startswith(f"{kept} ")


def test_seconds_of_a_brief_are_those_of_one_fold() -> None:
    score = {"value": 1.0, "stderr": 0.1, "folds": [1.0, 1.0, 1.0]}
    row = {
        "trace": 0,
        "step": 1,
        "evaluation": {"status": "ok", "score": score, "seconds": 12.0, "problems": []},
    }
    assert StepRecord.from_json(row).brief()["fold_seconds"] == 4.0
    assert "seconds" not in brief_from_json({"trace": 0, "step": 1, "seconds": 12.0})


def test_seconds_of_cores_are_not_those_of_a_clock() -> None:
    program = "import time\nuntil = time.process_time() + 0.3\nwhile time.process_time() < until: pass\ntime.sleep(9)"
    with subprocess.Popen([sys.executable, "-c", program]) as process:
        try:
            until = time.monotonic() + 8
            while tree_cpu_seconds([process.pid]) < 0.3 and time.monotonic() < until:
                time.sleep(0.05)
            time.sleep(0.5)
            assert 0.3 <= tree_cpu_seconds([process.pid]) < 0.3 + 0.4
        finally:
            process.kill()
    assert tree_cpu_seconds([2**22 + 1]) == 0
