"""What is checked of a carved folder's sample, answers and contents where rows are told apart in other ways than by one
column."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome.tools.adapters.carved import Carved, Unfit
from gome.tools.adapters.form import check_form
from gome.tools.adapters.hidden import check_hidden, of_answers
from gome.tools.data.tables import read_cells

UNITS = [f"u{i:02d}" for i in np.random.default_rng(0).permutation(30)]
LONG = pd.DataFrame({"unit": np.repeat(UNITS, 2), "day": ["1", "2"] * 30}).assign(
    y=np.random.default_rng(1).normal(size=60).round(4)
)


def carved(folder: Path, sample: pd.DataFrame, answers: pd.DataFrame) -> Carved:
    sample.to_csv(folder / "sample.csv", index=False)
    answers.to_csv(folder / "answers.csv", index=False)
    return Carved(folder, read_cells(folder / "answers.csv"), made=["sample.csv"])


def units_of(folder: Path, sample: pd.DataFrame, answers: pd.DataFrame, *ids: str) -> list[str]:
    real = pd.DataFrame({c: sample[c].astype(str) for c in sample}).iloc[::-1]
    return list(check_form(carved(folder, sample, answers), "sample.csv", list(ids), real, UNITS))


def test_of_several_id_columns_one_may_name_the_units(tmp_path: Path) -> None:
    sample = LONG.assign(y=0).rename(columns={"unit": "shop"})
    answers = LONG.rename(columns={"unit": "shop"})
    assert units_of(tmp_path, sample, answers, "day", "shop") == list(LONG["unit"])


def test_rows_without_ids_need_the_unit_of_each(tmp_path: Path) -> None:
    sample = LONG[["y"]].assign(y=0)
    assert units_of(tmp_path, sample, LONG[["y", "unit"]]) == list(LONG["unit"])
    with pytest.raises(Unfit, match="say whose each row of the answers is in a column 'unit'"):
        units_of(tmp_path, sample, LONG[["y"]])


def test_ids_repeat_only_where_the_real_sample_repeats_them(tmp_path: Path) -> None:
    sample, answers = LONG[["unit", "y"]].assign(y=0), LONG[["unit", "y"]]
    assert units_of(tmp_path, sample, answers, "unit") == list(LONG["unit"])
    real = pd.DataFrame({"unit": ["x", "y"], "y": ["0", "0"]})
    with pytest.raises(Unfit, match="ids of the answers are repeated in unit"):
        check_form(carved(tmp_path, sample, answers), "sample.csv", ["unit"], real, UNITS)


def test_another_order_within_an_id_is_seen(tmp_path: Path) -> None:
    sample = LONG.assign(y=0)
    with pytest.raises(Unfit, match="another order"):
        units_of(tmp_path, sample, LONG.iloc[::-1], "unit", "day")
    with pytest.raises(Unfit, match="both need the same rows"):
        units_of(tmp_path, sample, LONG.iloc[:-1], "unit", "day")


@pytest.mark.parametrize("ids", [["unit", "day"], ["unit"], []], ids="+".join)
def test_a_label_beside_its_unit_is_found(ids: list[str], tmp_path: Path) -> None:
    hidden = of_answers(LONG, LONG["unit"], ids, ["y"])
    wide = LONG.pivot(index="unit", columns="day", values="y").sort_index().reset_index()
    wide.to_csv(tmp_path / "wide.csv", index=False)
    wide.to_json(tmp_path / "wide.json", orient="records", lines=True)
    wide[["unit"]].assign(x=np.arange(30)).to_csv(tmp_path / "harmless.csv", index=False)
    check_hidden(tmp_path, ["harmless.csv"], hidden)
    for name in ("wide.csv", "wide.json"):
        with pytest.raises(Unfit, match=f"{name} holds labels of hidden units"):
            check_hidden(tmp_path, [name], hidden)


def test_a_label_beside_both_parts_of_its_id_is_found(tmp_path: Path) -> None:
    """Neither part alone tells whose label it is: each shop has every day, and each day every shop."""
    days = [f"d{i}" for i in range(8)]
    rows = pd.DataFrame([(s, d) for s in "abcdefgh" for d in days], columns=["shop", "day"])
    rows["y"] = np.random.default_rng(2).normal(size=64).round(4)
    hidden = of_answers(rows, rows["shop"] + rows["day"], ["shop", "day"], ["y"])
    rows.sample(frac=1, random_state=0).to_csv(tmp_path / "sales.csv", index=False)
    with pytest.raises(Unfit, match="holds labels of hidden units in its column 'y'"):
        check_hidden(tmp_path, ["sales.csv"], hidden)
