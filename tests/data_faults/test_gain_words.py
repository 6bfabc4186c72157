"""A gain is worded with the metric's direction, and internal tags stay out of what people read."""

import json
import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gome.cli.summary import summary_lines
from gome.cli.watching import log_lines
from gome.graph.run import build_graph
from gome.optimizer.acceptance import feedback_of, lesson_of
from gome.report.page import write_report
from gome.run_folder import RunFolder
from gome.state.config import RunConfig
from gome.state.parts import Comparison, Hypothesis, evaluation_from_json
from gome.tools.wording import change_words, gain_words, readable, tagged_as
from tests.quick import quick_model
from tests.scripted import HYPOTHESIS

ROLES = ("researcher", "coder", "critic")


@given(st.floats(-1e6, 1e6).filter(lambda g: abs(g) > 1e-9), st.floats(1e-6, 1e3))
def test_the_word_says_the_side_and_no_sign_does(gain: float, stderr: float) -> None:
    words = gain_words(gain, stderr)
    assert words.startswith("better by" if gain > 0 else "worse by")
    assert not re.search(r"[+−-]\d", words.replace("e-", "e").replace("e+", "e"))


def test_a_change_is_told_between_its_scores() -> None:
    assert change_words("rmse", 54.7, 54.46, 0.24, 0.1) == "rmse 54.70 → 54.46 (better by 0.24 ± 0.10)"
    assert change_words("auc", 0.9, 0.88, -0.02, 0.01) == "auc 0.900 → 0.880 (worse by 0.020 ± 0.010)"
    assert change_words("auc", None, 0.88, -0.02, 0.01) == "worse by 0.020 ± 0.010"
    assert change_words("auc", 0.9, 0.88, None, 0.01) == "auc 0.900 → 0.880"
    assert gain_words(0.0) == "no better and no worse"
    assert gain_words(None) == "–"


def feedback(before: float, after: float, gain: float, **predicted: float) -> tuple[str, str]:
    """Feedback and lesson of a step on a lower-is-better metric."""
    comparison = Comparison(gain=gain, stderr=0.1, p_better=float(gain > 0), low=gain, high=gain)
    hypothesis = Hypothesis(statement="Average five seeds. [change: bagging]", **predicted)  # type: ignore[typeddict-item]
    change = change_words("rmse", before, after, gain, 0.1)
    one, other = (evaluation_from_json({"fold_seconds": s}) for s in (3.0, 2.0))
    assert one
    said = feedback_of(change, hypothesis, one, other, comparison)
    return said, lesson_of(hypothesis, said, "accepted" if gain > 0 else "rejected")


def test_feedback_says_lower_is_better_where_it_is() -> None:
    said, lesson = feedback(54.7, 54.46, 0.24, predicted_gain=0.3, predicted_low=0.1, predicted_high=0.5)
    assert said == (
        "rmse 54.70 → 54.46 (better by 0.24 ± 0.10); predicted was better by 0.3, 80 % range +0.1 to +0.5: in it. "
        "A fold takes 3 s, 1.5 times as long as before."
    )
    assert lesson == f"Average five seeds: accepted; {said}"
    waited, free = (evaluation_from_json({"fold_seconds": s, "fold_cpu_seconds": 2.0}) for s in (6.0, 2.0))
    assert waited
    comparison = Comparison(gain=0.24, stderr=0.1, p_better=1.0, low=0.1, high=0.3)
    told = feedback_of("rmse better", Hypothesis(statement="Average."), waited, free, comparison)
    assert told.endswith("A fold takes 6 s, 3.0 times as long as before; of CPU time 2 s, 1.0 times as much.")
    said, lesson = feedback(54.46, 54.7, -0.24, predicted_gain=0.3)
    assert "worse by 0.24 ± 0.10); predicted was better by 0.3. A fold" in lesson
    assert lesson.startswith("Average five seeds: rejected")


TAG = st.from_regex(r"\[(change|move): [a-z0-9-]{1,12}\]", fullmatch=True)


@given(st.text(max_size=30).filter(lambda t: "[" not in t), TAG)
def test_a_tag_is_cut_off_and_an_edited_statement_keeps_it(text: str, tag: str) -> None:
    statement = f"{text.rstrip()} {tag}"
    assert readable({"rows": [{"hypothesis": statement}]}) == {"rows": [{"hypothesis": text.rstrip()}]}
    assert tagged_as(statement, "in other words").endswith(tag)
    assert tagged_as(text, "in other words") == "in other words"


def test_tags_are_in_the_records_and_in_nothing_that_people_read(diabetes: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    tagged = {**HYPOTHESIS, "statement": "Take one more column. [change: more-columns]"}
    choose = json.dumps({"decision": "create", "hypothesis": tagged, "plan": [tagged["statement"]]})
    config = RunConfig(run_dir=str(out), traces=1, steps=2, finalists=1, selection_seeds=1)
    graph = build_graph(models=dict.fromkeys(ROLES, quick_model(choose=choose))).compile()
    graph.invoke({"task": str(diabetes)}, context=config)
    assert (
        "[change: more-columns]" in (out / "history.jsonl").read_text()
    )  # the rules know their changes again by it
    told = [
        (out / "events.jsonl").read_text(),
        write_report(out).read_text(),
        "\n".join(summary_lines(out)),
        "\n".join(log_lines(out, last=100, follow=False)),
    ]
    for text in told[:2]:
        assert "Take one more column." in text
    assert not any("[change" in text for text in told)
    reason = RunFolder.read(out).records[1].reason
    assert re.search(r"clearly better: rmse \d+\.\d+ → \d+\.\d+ \(better by \d+\.\d+ ± \d+\.\d+\)", reason)


def test_a_reviewer_reads_no_tag(diabetes: Path, tmp_path: Path) -> None:
    tagged = {**HYPOTHESIS, "statement": "Take one more column. [change: more-columns]"}
    choose = json.dumps({"decision": "create", "hypothesis": tagged, "plan": [tagged["statement"]]})
    config = RunConfig(run_dir=str(tmp_path / "out"), traces=1, steps=1, review="hypotheses")
    graph = build_graph(models=dict.fromkeys(ROLES, quick_model(choose=choose)))
    from langgraph.checkpoint.memory import InMemorySaver

    compiled = graph.compile(checkpointer=InMemorySaver())
    where = {"configurable": {"thread_id": "1"}}
    compiled.invoke({"task": str(diabetes)}, where, context=config)
    question = compiled.get_state(where).interrupts[0].value
    assert question["hypothesis"]["statement"] == "Take one more column."
    assert "[change" not in json.dumps(question)
