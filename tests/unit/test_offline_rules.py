"""The offline reasoner's rules, driven through the chat-model interface with the prompts of real runs."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage, SystemMessage

from gome.agents.prompts.replies import CodeReply, Diagnosis, Judgement
from gome.agents.trying import updated
from gome.offline.case import tag_of
from gome.offline.error_analysis import ErrorAnalysis
from gome.offline.model import OfflineReasoner
from gome.offline.recipe import BOOSTERS, read_recipe
from gome.offline.researcher import LAST_RESORT
from gome.state.task import Problem
from tests.graded import make_task
from tests.unit.offline_cases import (
    CASES,
    EVIDENCE,
    PACKAGES,
    SKLEARN_ONLY,
    Play,
    ask,
    facts_of,
    incumbent,
    weights_hold,
)

STEPS = 12
TORCH = {**PACKAGES, "torch": "2.13.0+cpu"}


@pytest.mark.parametrize("name", CASES)
def test_twelve_steps_give_distinct_programs_and_repeat_no_rejected_change(name: str) -> None:
    play = Play(name)
    for _ in range(STEPS):
        rejected = {tag_of(r["hypothesis"]) for r in play.history if r["verdict"] == "rejected"}
        tag = play.step()
        assert tag == LAST_RESORT or tag not in rejected
        compile(play.programs[-1], "main.py", "exec")
    assert len(set(play.programs)) == STEPS


@pytest.mark.parametrize("name", CASES)
def test_changes_never_run_out(name: str) -> None:
    play = Play(name, accepts=0.0)
    tags = [play.step() for _ in range(STEPS + 8)]
    assert len(set(play.programs)) == len(play.programs)
    assert len(set(tags)) >= 7


@pytest.mark.parametrize("name", CASES)
def test_traces_start_with_different_programs(name: str) -> None:
    siblings: list[dict[str, Any]] = []
    starts = []
    for trace in range(3):
        play = Play(name, trace=trace)
        statement = play.diagnosis(siblings=siblings).hypotheses[0].statement
        siblings.append({"trace": trace, "step": 0, "hypothesis": statement, "verdict": "running"})
        play.step()
        recipe = read_recipe(play.programs[0])
        assert recipe is not None
        starts.append((recipe.models[0].family, recipe.text))
    assert len(set(starts)) == 3


@given(st.sampled_from(sorted(CASES)), st.integers(0, 2), st.floats(0, 1), st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_replies_obey_their_schemas_whatever_the_verdicts(
    name: str, trace: int, accepts: float, seed: int
) -> None:
    play = Play(name, trace=trace, accepts=accepts, rng=random.Random(seed))
    for _ in range(5):
        diagnosis = play.diagnosis()
        captions = [c.caption for c in diagnosis.challenges]
        assert len(set(captions)) == len(captions)
        assert all(h.challenge in captions and weights_hold(h) for h in diagnosis.hypotheses)
        assert all(h.predicted_low <= h.predicted_gain <= h.predicted_high for h in diagnosis.hypotheses)
        play.step()


@pytest.mark.parametrize("name", ["skewed target", "rare labels", "texts"])
def test_packages_that_are_not_there_are_not_used(name: str) -> None:
    play = Play(name, packages=SKLEARN_ONLY, accepts=1.0)
    for _ in range(STEPS):
        play.step()
        assert "lightgbm" not in play.programs[-1]
        assert "xgboost" not in play.programs[-1]


def test_pictures_get_a_network_only_where_torch_is() -> None:
    for packages, offered in ((PACKAGES, False), (TORCH, True)):
        play = Play("pictures", packages=packages, accepts=1.0)
        tags = [play.step() for _ in range(STEPS)]
        assert ("convolutions" in tags) == offered
        assert any("import torch" in program for program in play.programs) == offered


def test_a_network_fits_into_the_time_that_is_left() -> None:
    for limit, seconds in ((90, 30), (36_000, 300)):
        budget = {"steps_left": 20, "seconds_left": 40_000, "program_time_limit_s": limit}
        play = Play("pictures", packages=TORCH, accepts=1.0, budget=budget)
        while play.step() != "convolutions":
            assert len(play.programs) < STEPS
        assert f"seconds={seconds}," in play.programs[-1]


FIRST_TAGS = {
    "skewed target": {"target-log"},
    "rare labels": {"threshold", "rare-labels", "boost"},
    "texts": {"words-linear"},
    "pictures": {"gradients"},
    "several tables": {"other-tables", "boost"},
    "grades": {"rounding"},
}


@pytest.mark.parametrize("name", FIRST_TAGS)
def test_the_most_promising_change_fits_the_kind_of_data(name: str) -> None:
    play = Play(name)
    play.step()
    tags = [tag_of(h.statement) for h in play.diagnosis().hypotheses]
    assert tags[0] in FIRST_TAGS[name]


def test_a_table_joins_on_the_key_that_its_rows_stand_for() -> None:
    play = Play("several tables")
    play.step()
    joined = [h.statement for h in play.diagnosis().hypotheses if tag_of(h.statement) == "other-tables"]
    assert joined == ["Join weather.csv on year, rooms; planes.csv on town. [change: other-tables]"]


def diagnosed(name: str, evidence: dict[str, Any], **more: Any) -> Diagnosis:
    play = Play(name, trace=1)
    play.step()
    return ask("diagnose", {**play.context(), "evidence": evidence, **more}, Diagnosis, play.program)


def impact(diagnosis: Diagnosis, tag: str) -> float:
    found = [h.scores["impact"] for h in diagnosis.hypotheses if tag_of(h.statement) == tag]
    return found[0] if found else 0.0


def test_a_weak_slice_steers_towards_its_column_and_the_edit_uses_it() -> None:
    tried = [
        {"hypothesis": f"Did it. [change: {tag}]", "verdict": "rejected", "component": "model", "gain": 0.0}
        for tag in ("small-steps", "blend-linear", "regularise", "target-means", "bagging", "codes-apart")
    ]
    with_slice = diagnosed("missing values", EVIDENCE, history=tried)
    without = diagnosed("missing values", {}, history=tried)
    assert impact(with_slice, "group-means") > impact(without, "group-means")
    assert "town Ely (0.55 over 80 rows)" in with_slice.diagnosis
    play = Play("missing values", trace=1)
    play.step()
    chosen = next(h for h in with_slice.hypotheses if tag_of(h.statement) == "group-means")
    facts = play.context(hypothesis=chosen.model_dump(), plan=["Do it."])
    recipe = read_recipe(updated(ask("edit", facts, CodeReply, play.program), play.program))
    assert recipe is not None
    assert recipe.group_stats
    assert all(f"`{number}` by `{group}`" in chosen.statement for group, number in recipe.group_stats)
    assert recipe.group_stats[0][0] == "town"


def test_the_gap_decides_between_regularising_and_capacity() -> None:
    wide = incumbent(train_score=0.99, valid_score=0.7)
    narrow = incumbent(train_score=0.71, valid_score=0.7)
    tried = [
        {"hypothesis": f"[change: {tag}]", "verdict": "rejected", "component": "model", "gain": 0.0}
        for tag in (
            "threshold",
            "rare-labels",
            "small-steps",
            "blend-linear",
            "target-means",
            "blend-xgboost",
        )
    ]
    overfitted = diagnosed("rare labels", {}, incumbent=wide, history=tried)
    plain = diagnosed("rare labels", {}, incumbent=narrow, history=tried)
    assert "by heart" in overfitted.diagnosis
    assert impact(overfitted, "regularise") > impact(overfitted, "capacity")
    assert impact(plain, "capacity") > impact(plain, "regularise")


def test_a_siblings_proven_change_rises_and_a_failed_one_falls() -> None:
    def with_sibling(accepted: bool, gain: float) -> float:
        row = {
            "trace": 0,
            "step": 3,
            "hypothesis": "Average. [change: bagging]",
            "verdict": "accepted" if accepted else "rejected",
            "gain_se": gain,
        }
        return impact(diagnosed("skewed target", {}, siblings=[row]), "bagging")

    assert with_sibling(True, 6.0) > with_sibling(False, -2.0)


@pytest.mark.parametrize(("score", "tag"), [(0.1, "boost"), (0.3, "blend-lightgbm")])
def test_boosting_replaces_a_linear_model_only_where_it_did_not_score_worse_elsewhere(
    score: float, tag: str
) -> None:
    row = {
        "trace": 1,
        "step": 0,
        "hypothesis": "Trees. [change: draft-trees]",
        "verdict": "accepted",
        "score": score,
    }
    play = Play("several tables", trace=0)
    play.step()
    tried = [
        {"hypothesis": "[change: other-tables]", "verdict": "rejected", "component": "data", "gain": 0.0}
    ]
    diagnosis = ask("diagnose", {**play.context(siblings=[row]), "history": tried}, Diagnosis, play.program)
    assert tag_of(diagnosis.hypotheses[0].statement) == tag


@given(
    st.sampled_from(sorted(CASES)),
    st.sampled_from(["error", "timeout", "memory", "format", "output"]),
    st.integers(0, 8),
)
@settings(max_examples=15, deadline=None)
def test_debugging_always_changes_the_program_and_ends_in_a_first_draft(
    name: str, status: str, seed: int
) -> None:
    play = Play(name, trace=seed % 3, rng=random.Random(seed), accepts=1.0)
    for _ in range(4):
        play.step()
    program = play.programs[-1]
    for round_ in range(4):
        error = {"status": status, "problems": ["it broke"], "seconds": 3.0, "round": round_}
        facts = play.context(hypothesis={"statement": play.history[-1]["hypothesis"]}, error=error)
        mended = updated(ask("debug", facts, CodeReply, program), program)
        assert mended != program
        program = mended
    drafts = set()
    for trace in range(3):
        start = Play(name, trace=trace)
        start.step()
        drafts.add(start.programs[0])
    assert program in drafts


def test_a_failed_draft_is_not_drafted_again() -> None:
    play = Play("texts")
    first = play.step()
    failed = [{"hypothesis": f"[change: {first}]", "verdict": "failed", "component": "model", "gain": None}]
    again = ask("diagnose", facts_of("texts", step=0, history=failed), Diagnosis)
    assert tag_of(again.hypotheses[0].statement) != first


@given(st.floats(0, 1), st.floats(-1, 1), st.booleans(), st.floats(0.1, 50))
@settings(max_examples=40, deadline=None)
def test_the_judge_never_contradicts_a_clear_measurement_and_takes_ties_that_cost_little(
    p_better: float, gain: float, clear: bool, seconds: float
) -> None:
    facts = facts_of(
        "skewed target",
        step=2,
        incumbent=incumbent(),
        hypothesis={
            "statement": "Average five seeds. [change: bagging]",
            "predicted_gain": 0.1,
            "predicted_low": 0.0,
            "predicted_high": 0.2,
        },
        candidate={
            "value": 0.2,
            "stderr": 0.01,
            "folds": [0.2, 0.2],
            "fold_seconds": seconds,
            "peak_mb": 200.0,
        },
        comparison={"gain": gain, "stderr": 0.1, "p_better": p_better, "low": -1, "high": 1},
    )
    decided = ask("judge", {**facts, "tie": False, "clearly_better": clear}, Judgement, "pass\n")
    assert decided.accept == clear
    budget = {"steps_left": 9, "seconds_left": 900, "program_time_limit_s": 100}
    tied = ask(
        "judge", {**facts, "tie": True, "clearly_better": False, "budget": budget}, Judgement, "pass\n"
    )
    much_longer = seconds > 2.5 * facts["incumbent"]["fold_seconds"] and seconds >= 5
    assert tied.accept == (not much_longer)
    assert not tied.leakage.found


def test_a_slow_program_is_offered_no_costly_change() -> None:
    slow = incumbent(seconds=1500.0)
    tags = {tag_of(h.statement) for h in diagnosed("skewed target", {}, incumbent=slow).hypotheses}
    assert tags.isdisjoint({"bagging", "tune", "inner-folds", "stack"})


def test_a_short_run_takes_directed_changes_rather_than_many_steps() -> None:
    budget = {"steps_left": 20, "seconds_left": 60, "program_time_limit_s": 3600}
    tags = {tag_of(h.statement) for h in diagnosed("skewed target", {}, budget=budget).hypotheses}
    assert "another-draw" not in tags


@pytest.mark.parametrize("text", ["Hello!", "<context>\n{broken\n</context>", "<context>\n[1]\n</context>"])
def test_other_conversations_get_a_plain_sentence(text: str) -> None:
    reply = OfflineReasoner().invoke([SystemMessage("You are helpful."), HumanMessage(text)])
    assert "rules" in str(reply.content)
    assert reply.usage_metadata is not None
    assert reply.usage_metadata["total_tokens"] == 0


def test_measured_evidence_is_put_in_words_with_its_figures() -> None:
    said = " ".join(ErrorAnalysis(EVIDENCE).sentences())
    assert "rmse overall is 0.21" in said
    assert "3.0 times the middle" in said
    assert "b is taken for a: 60 rows, 40% of b" in said
    assert "too extreme" in said
    assert ErrorAnalysis({}).sentences() == []


@pytest.mark.parametrize("family", BOOSTERS[1:])
def test_other_boosters_take_lightgbms_place(family: str) -> None:
    packages = {
        k: v for k, v in PACKAGES.items() if k != "lightgbm" and (family == "xgboost" or "xgb" not in k)
    }
    play = Play("missing values", trace=1, packages=packages, accepts=1.0)
    for _ in range(6):
        play.step()
    recipe = read_recipe(play.programs[0])
    assert recipe is not None
    assert recipe.models[0].family == family


@pytest.mark.parametrize("problem", ["detection", "text"])
def test_what_the_rules_have_no_program_for(problem: Problem) -> None:
    assert make_task("rmse", "regression", train="train.csv").is_tabular
    assert not make_task("rmse", problem, train="train.csv").is_tabular
    assert not make_task("rmse", "regression", train="", adapter="adapter.py").is_tabular
