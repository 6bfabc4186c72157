"""Labels are known again wherever they stand, and what is no copy of them is not taken for one."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from gome.tools.data.file_contents import read_content
from gome.tools.data.label_search import LabelSearch

KINDS = {
    "numbers": lambda rng, n: rng.normal(size=n).round(5),
    "two classes": lambda rng, n: rng.permutation(np.arange(n) % 2),
    "a rare class": lambda rng, n: rng.permutation((np.arange(n) < max(6, n // 20)).astype(int)),
    "five classes": lambda rng, n: rng.integers(0, 5, n),
    "sorted": lambda rng, n: np.arange(n) * 2 // n,
}


def text(ids: list[str], *columns: np.ndarray) -> str:
    return "\n".join(f"{i}; {'; '.join(map(str, row))}" for i, *row in zip(ids, *columns, strict=True))


@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(KINDS)), st.integers(40, 100), st.integers(0, 99))
def test_labels_are_found_and_nothing_else_is(kind: str, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    ids, labels = [f"r{i}" for i in range(n)], KINDS[kind](rng, n)
    search = LabelSearch(pd.Series(ids), pd.DataFrame({"y": labels}))
    order, features = rng.permutation(n), [rng.permutation(labels) for _ in range(3)]
    shuffled = [ids[i] for i in order]
    assert search.sure
    assert search.in_text(text(shuffled, features[0][order], labels[order]))
    assert (
        search.in_table(pd.DataFrame({"a": features[0], "b": labels})[::-1].assign(k=ids[::-1]), "k") == "b"
    )
    assert not search.in_text(text(shuffled, *features))
    assert search.in_table(pd.DataFrame(features, index=list("abc")).T.assign(k=ids), "k") is None
    assert not search.in_text("\n".join(ids[:: int(rng.integers(2, 5))]))


def test_lists_of_a_class_are_told_unless_they_are_of_others_too() -> None:
    ids, labels = pd.Series([f"r{i}" for i in range(60)]), pd.Series([0, 0, 1] * 20)
    search, others = LabelSearch(ids, labels.to_frame()), LabelSearch(pd.Series(["t1", "t2"]), pd.DataFrame())
    listed = "\n".join(ids[labels == 1])
    assert search.in_text(listed, others)
    assert not search.in_text(f"{listed}\nt2", others)
    assert not search.in_text("\n".join(ids[::2]), others)


def test_of_few_labels_what_tells_all_is_doubted_as_far_as_it_may_be() -> None:
    ids, labels = [f"r{i}" for i in range(20)], np.array([0, 1, 1, 0, 1] * 4)
    for doubt, told in ((0, False), (1e-6, False), (1e-5, True)):  # 12! 8! / 20! is 8e-6
        search = LabelSearch(pd.Series(ids), pd.DataFrame({"y": labels}), doubt=doubt)
        assert not search.sure
        assert search.in_table(pd.DataFrame({"a": labels, "k": ids})[::-1], "k") == ("a" if told else None)


def test_ids_of_json_are_read_as_the_table_spells_them(tmp_path: Path) -> None:
    """json.dumps writes what is not ASCII as escapes, and lines within a text as one."""
    ids = pd.Series([f"ä{i} \u2603 \U0001f600{i}" for i in range(45)])
    labels = pd.DataFrame({"y": [str(700_000_000 + i) for i in range(45)]})
    search, some = LabelSearch(ids, labels), range(1, 6)
    for content in (
        {ids[i]: labels.y[i] for i in some},
        {"note": "\n".join(f"{ids[i]}: {labels.y[i]}" for i in some)},
    ):
        path = tmp_path / "by_id.json"
        path.write_text(json.dumps(content))
        texts = read_content(path).texts
        assert texts is not None
        assert search.in_text(texts[0])
        path.write_text(json.dumps(content).replace("70000000", "80000000") + '"\\ud83d')
        assert not search.in_text((read_content(path).texts or [""])[0])
