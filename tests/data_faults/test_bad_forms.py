"""What comes in another form than it claims, or under a name that does not exist, is told in one line."""

import gzip
import zipfile
from datetime import date, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as parquet
import pytest
from pydantic import ValidationError
from rich.console import Console

from gome.cli import review
from gome.graph.run import build_graph
from gome.state import metric_names
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.tools.data.task_folder import load_task
from gome.tools.data.uploads import write_rows
from gome.tools.evaluation import metrics

OBJECTS = [{"id": 5, "flag": True, "text": "03049"}, {"id": None, "flag": False, "text": "NA"}]
COLUMNS = {"id": [5, None], "flag": [True, False], "text": ["03049", "NA"]}


@pytest.mark.parametrize("rows", [OBJECTS, COLUMNS, pd.DataFrame(COLUMNS, dtype=object)])
def test_rows_in_every_form_are_the_same_table(tmp_path: Path, rows: Any) -> None:
    written = parquet.read_table(write_rows(rows, tmp_path))
    assert written.to_pydict() == COLUMNS
    assert [str(kind) for kind in written.schema.types] == ["int64", "bool", "string"]


def test_rows_of_text_alone_are_csv(tmp_path: Path) -> None:
    for rows in ("a,b\n1,x\n", [{"a": "1", "b": "x"}]):
        assert write_rows(rows, tmp_path).read_text() == "a,b\n1,x\n"


def test_columns_keep_their_type_or_are_the_text_they_were(tmp_path: Path) -> None:
    days = pd.date_range("2024-01-31", periods=2)
    kept = pd.DataFrame(
        {
            "code": ["007", "010"],
            "size": pd.Categorical(["s", "l"], categories=["s", "m", "l"]),
            "day": days,
            "zone": days.tz_localize("Europe/Oslo"),
            "flag": [True, False],
            "half": np.array([0.5, 1], dtype=np.float16),
            3: [1, 2],
        }
    )
    odd = {
        "day": [date(2024, 1, 31), None],
        "price": [Decimal("1.50"), None],
        "count": pd.Series([7, None], dtype="Int64"),
        "few": pd.arrays.SparseArray([0, 2]),
        "mixed": [True, "x"],
        "list": [[1, 2], [3]],
        "span": pd.to_timedelta([1, 2], unit="D"),
        "none": [None, None],
    }
    found = pd.read_parquet(write_rows(kept, tmp_path))
    for name, values in kept.items():
        assert found[str(name)].tolist() == values.tolist(), name
    assert found["size"].cat.categories.tolist() == ["s", "m", "l"]
    assert [str(found[name].dtype.kind) for name in ("day", "zone", "flag", "3")] == ["M", "M", "b", "i"]
    assert parquet.read_table(write_rows(pd.DataFrame(odd), tmp_path)).to_pydict() == {
        "day": [datetime(2024, 1, 31), None],
        "price": [1.5, None],
        "count": [7, None],
        "few": [0, 2],
        "mixed": ["True", "x"],
        "list": ["[1, 2]", "[3]"],
        "span": ["1 days 00:00:00", "2 days 00:00:00"],
        "none": [None, None],
    }


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (42, "a int is no table"),
        ({"a": 1}, "column 'a' is a int"),
        ({"a": "text"}, "column 'a' is a str"),
        ({"a": [1, 2], "b": [1]}, "column 'b' has 1 values and 'a' has 2"),
        ([1, 2], "row 1 is a int"),
        ([{"a": 1}, [2]], "row 2 is a list"),
        ([{"a": 1}, {1: 1}], "row 2 and row 1 do not have the same columns"),
        ([], "there is no row"),
        ({}, "there is no row"),
        ([{}], "there is no row"),
        (pd.DataFrame({"a": []}), "there is no row"),
        (b"a,b", "a bytes is no table"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "'a' occurs more than once"),
    ],
)
def test_rows_that_are_no_table_are_one_line(tmp_path: Path, rows: Any, said: str) -> None:
    with pytest.raises(GomeError) as caught:
        write_rows(rows, tmp_path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_graph_takes_a_frame_and_names_settings_as_its_caller_knows_them(tmp_path: Path) -> None:
    graph = build_graph(RunConfig(runs_dir=str(tmp_path))).compile()
    with pytest.raises(GomeError) as caught:
        graph.invoke({"rows": pd.DataFrame({"x": range(100), "y": range(100)})})
    assert "Give `target`; there are: x, y" in str(caught.value)
    assert "--" not in str(caught.value)


def test_a_file_is_called_what_it_is(tmp_path: Path) -> None:
    packed, book, page = tmp_path / "packed.csv", tmp_path / "book.csv", tmp_path / "page.csv"
    packed.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    with zipfile.ZipFile(book, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    page.write_text("<!DOCTYPE html><html></html>")
    for path, said in (
        (packed, "this is packed by gzip, not CSV text; name it .csv.gz"),
        (book, "this is an Excel workbook, not CSV text; save its sheet as CSV"),
        (page, "this is a web page"),
    ):
        with pytest.raises(GomeError) as caught:
            load_task(path, target="b", metric="rmse", workspace=tmp_path / "work")
        assert str(caught.value).startswith(f"{path}: {said}")


def test_numbers_under_a_class_metric_are_one_line_about_the_users_file(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    path = tmp_path / "sums.csv"
    rng = np.random.default_rng(0)
    for y in (rng.normal(size=200), rng.permutation(200), np.round(rng.normal(size=200), 1)):
        pd.DataFrame({"x": rng.normal(size=200), "y": y}).to_csv(path, index=False)
        for metric in ("accuracy", "f1", "auc", "log_loss", "f1_macro"):
            with pytest.raises(GomeError) as caught:
                load_task(path, target="y", metric=metric, workspace=tmp_path / "work")
            assert str(caught.value).startswith(f"{path}: ")
            assert "\n" not in str(caught.value)
    assert not list(recwarn)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"metric": "maee"}, "unknown metric 'maee'; nearest: mae"),
        ({"model": "gpt-5"}, "model 'gpt-5': use 'offline', openai:NAME, PROVIDER:NAME or replay:FILE"),
        ({"role_models": {"coder": "gpt-5"}}, "model 'gpt-5'"),
        ({"max_usdd": 1}, "there is no setting 'max_usdd'; nearest: max_usd"),
    ],
)
def test_a_configuration_is_refused_where_it_is_written(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        RunConfig(**given)
    assert said in str(caught.value)


def test_good_names_are_taken() -> None:
    for name in (*metrics.names(), "ROC AUC", "grade.py:grade"):
        assert RunConfig(metric=name).metric == name
    assert RunConfig(model="openai:gpt-5", role_models={"coder": "offline"}).model_of("coder") == "offline"


def test_every_name_that_is_known_has_a_metric() -> None:
    assert {metrics.get(name).name for name in metric_names.names()} == set(metric_names.names())


def test_caps_are_told_by_the_names_that_set_them() -> None:
    caps = RunConfig(max_usd=1.5).caps
    assert "max_usd 1.5" in caps
    assert "no max_tokens" in caps


def test_a_server_that_drops_unknown_settings_lets_them_through_to_be_refused() -> None:
    """The server keeps of a context what is in `properties` (langgraph_api.stream)."""
    properties = RunConfig.model_json_schema()["properties"]
    assert set(properties) == set(RunConfig.model_fields)
    kept = {name: value for name, value in {"max_usdd": 1}.items() if name in properties}
    with pytest.raises(ValidationError, match="max_usdd"):
        RunConfig(**kept)


def test_a_question_mark_explains_the_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = iter(["?", "a"])
    shown = StringIO()
    console = Console(file=shown, width=200)
    monkeypatch.setattr(console, "input", lambda *args, **options: next(lines))
    question: Any = {"review": "hypothesis", "trace": 0, "step": 0, "stage": "draft", "hypothesis": {}, "plan": [],
                     "how": "one line of JSON with the key action"}  # fmt: skip
    assert review.ask(question, console) == {"action": "accept"}
    for words in ("the step goes on", "reject", "gome resume", "one line of JSON"):
        assert words in shown.getvalue()
