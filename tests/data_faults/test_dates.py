"""Dates as they are written: one format a column, asked for where rows are cut along one that may mean two things."""

import ast
import csv
import datetime
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gome.graph.run_layout import prepare_run, read_run
from gome.offline.compose import render
from gome.offline.recipe import Recipe
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.state.task import DateFormat, Task
from gome.tools.data.dates import find_format, parsed
from gome.tools.data.splits import SplitPlan
from gome.tools.data.table_inputs import TableInputs
from gome.tools.data.task_folder import load_task

RNG = np.random.default_rng(0)
START = datetime.date(2021, 1, 1)


def days(count: int, *, until: int = 31) -> list[datetime.date]:
    """`count` days from 2021 on, those of the month up to `until`."""
    dates = (START + datetime.timedelta(days=i) for i in range(20 * count))
    return [date for date in dates if date.day <= until][:count]


def write_task(
    folder: Path,
    train: list[datetime.date],
    test: list[datetime.date],
    form: str,
    *,
    more: str = "",
    test_form: str = "",
    shuffled: bool = True,
) -> Path:
    """Sales that rise by one a day, written day by day with strftime."""
    folder.mkdir()
    rows = [(f"r{i}", date, (date - START).days) for i, date in enumerate([*train, *test])]
    parts = {"train.csv": rows[: len(train)], "test.csv": rows[len(train) :]}
    if shuffled:
        RNG.shuffle(parts["train.csv"])  # type: ignore[arg-type]
    for name, part in parts.items():
        with (folder / name).open("w", newline="") as file:
            out = csv.writer(file)
            is_test = name == "test.csv"
            out.writerow(["id", "when", "x"] + ["y"] * (not is_test))
            for id_, date, y in part:
                out.writerow(
                    [id_, date.strftime(test_form or form if is_test else form), y % 7] + [y] * (not is_test)
                )
    sample = [("id", "y"), *((id_, 0) for id_, _, _ in parts["test.csv"])]
    (folder / "sample_submission.csv").write_text("".join(f"{a},{b}\n" for a, b in sample))
    (folder / "task.yaml").write_text(f"metric: mae\ntarget: y\nid: id\n{more}")
    return folder


def prepared(task: Path, **options: Any) -> tuple[Path, TableInputs]:
    """The run folder and its inputs."""
    run_dir = prepare_run(
        str(task), RunConfig(run_dir=str(task.parent / "out"), metric="mae", target="y", **options)
    )
    return run_dir, TableInputs(
        run_dir, Task(**read_run(run_dir)["task"]), SplitPlan.load(run_dir / "splits.npz")
    )


def assert_runs_forward(inputs: TableInputs) -> None:
    """The label is the day's number, so it tells the true order without any date being read."""
    for name in ("smoke", "search", "selection"):
        for split in inputs.plan.folds(name):
            fitted = pd.read_csv(inputs.input_dir(name, split.fold) / inputs.task.train)["y"]
            assert fitted.max() < inputs.answers(name, split.fold)["y"].min()


def program_of(task: Task, run_dir: Path) -> str:
    """What the offline reasoner writes for the task."""
    profile = json.loads((run_dir / "profile.json").read_text())
    shown = {**task.model_dump(), "dates": {name: form.format for name, form in task.dates.items()}}
    return render(Recipe(), {"task": shown, "data": profile, "packages": {"lightgbm": "4"}})


def test_the_test_part_is_read_as_train_is(tmp_path: Path) -> None:
    """Days 1 to 12 alone in test: a library that guesses reads them month first there, and day first in train."""
    train, test = days(200), days(60, until=12)
    run_dir, inputs = prepared(write_task(tmp_path / "task", train, test, "%d/%m/%Y"))
    texts = pd.read_csv(inputs.root / "test.csv")["when"]
    assert find_format(texts) == DateFormat(format="%m/%d/%Y", other="%d/%m/%Y")  # alone it may be either
    assert inputs.task.dates == {"when": DateFormat(format="%d/%m/%Y")}
    assert [moment.date() for moment in parsed(texts, "%d/%m/%Y")] == test
    column = next(
        c for c in json.loads((run_dir / "profile.json").read_text())["columns"] if c["name"] == "when"
    )
    assert (column["kind"], column["format"]) == ("date", "%d/%m/%Y")
    program = program_of(inputs.task, run_dir)
    wanted = [ast.unparse(n) for n in ast.parse(program).body if getattr(n, "name", "") == "date_parts"]
    names: dict[str, Any] = {"pd": pd, "np": np}
    exec(wanted[0], names)
    form = ast.literal_eval(re.search(r"^DATES = (.*)$", program, re.M)[1])["when"]  # type: ignore[index]
    parts = names["date_parts"](texts, form, "when")
    assert parts["when month"].tolist() == [date.month for date in test]
    assert parts["when day"].tolist() == [date.day for date in test]


@pytest.mark.parametrize(
    "form", ["%d/%m/%Y", "%m/%d/%Y", "%d-%b-%y", "%d.%m.%Y %H:%M", "%B %d, %Y", "%Y-%m-%d"]
)
@pytest.mark.parametrize("one_table", [False, True])
def test_folds_run_forward_in_time(tmp_path: Path, form: str, one_table: bool) -> None:
    task = write_task(
        tmp_path / "task", days(200), [date + datetime.timedelta(days=250) for date in days(60)], form
    )
    run_dir, inputs = prepared(task / "train.csv" if one_table else task, time="when")
    assert_runs_forward(inputs)
    assert "by when, read as" in read_run(run_dir)["splits"]


def gome(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gome", *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("one_table", [False, True])
def test_a_time_column_that_may_mean_two_things_is_asked_for(tmp_path: Path, one_table: bool) -> None:
    task = write_task(tmp_path / "task", days(100, until=12), days(30, until=12), "%d/%m/%Y")
    path = task / "train.csv" if one_table else task
    said = gome(
        "run", str(path), "--target", "y", "--metric", "mae", "--time", "when", "--runs-dir", str(tmp_path)
    )
    assert (said.returncode, said.stdout) == (2, "")
    (line,) = said.stderr.splitlines()
    for part in (str(task / "train.csv"), "'when'", "%d/%m/%Y", "%m/%d/%Y", "--date-format", "task.yaml"):
        assert part in line
    example = re.search(r"such as '(\d\d)/(\d\d)/\d{4}'", line)
    assert example
    assert example[1] != example[2]


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%m/%d/%Y"])
@pytest.mark.parametrize("how", ["option", "task.yaml", "one table"])
def test_the_answer_settles_it(tmp_path: Path, form: str, how: str) -> None:
    more = f'time: when\ndates: {{when: "{form}"}}\n' if how == "task.yaml" else ""
    task = write_task(tmp_path / "task", days(100, until=12), days(30, until=12), form, more=more)
    given: dict[str, Any] = {} if more else {"time": "when", "dates": {"when": form}}
    run_dir, inputs = prepared(task / "train.csv" if how == "one table" else task, **given)
    assert_runs_forward(inputs)
    assert inputs.task.dates == {"when": DateFormat(format=form)}
    assert form in read_run(run_dir)["splits"]


def test_a_feature_that_may_mean_two_things_is_told(tmp_path: Path) -> None:
    """It does not stop a run: one reading is taken for all rows, and profile and start say so."""
    task = write_task(tmp_path / "task", days(100, until=12), days(30, until=12), "%d/%m/%Y")
    run_dir, inputs = prepared(task)
    assert inputs.task.dates == {"when": DateFormat(format="%m/%d/%Y", other="%d/%m/%Y")}
    (told,) = [w["text"] for w in json.loads((run_dir / "profile.json").read_text())["warnings"]]
    for part in ("when", "%d/%m/%Y", "%m/%d/%Y", "dates:"):
        assert part in told


def test_months_need_no_question(tmp_path: Path) -> None:
    """The first of each month sorts the same in both readings."""
    months = [datetime.date(2000 + i // 12, i % 12 + 1, 1) for i in range(150)]
    _, inputs = prepared(write_task(tmp_path / "task", months[:120], months[120:], "%m/%d/%Y"), time="when")
    assert_runs_forward(inputs)
    assert inputs.task.dates["when"].format == "%m/%d/%Y"


REFUSED: dict[str, tuple[Callable[[datetime.date], str], str]] = {
    "two formats": (lambda d: d.strftime("%d/%m/%Y" if d.day % 9 else "%Y-%m-%d"), "not written in one way"),
    "no date": (lambda d: "?" if d.day == 13 else d.strftime("%d/%m/%Y"), "'?' is not"),
    "numbers, day first": (lambda d: str(int(d.strftime("%d%m%Y"))), "do not sort by time"),
    "two digits": (lambda d: d.replace(year=d.year - 2021 + 1960).strftime("%d/%m/%y"), "write four"),
    "offsets": (lambda d: f"{d}T00:00:00" + "+02:00" * (d.day > 9), "offset from UTC"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_order_that_is_not_clear_is_refused(tmp_path: Path, case: str) -> None:
    write, said = REFUSED[case]
    path = tmp_path / "sales.csv"
    pd.DataFrame({"when": [write(d) for d in days(400)], "y": range(400)}).to_csv(path, index=False)
    with pytest.raises(GomeError) as error:
        load_task(path, target="y", metric="mae", time="when", workspace=tmp_path / "work")
    assert said in str(error.value)
    assert str(error.value).startswith(f"{path}: the time column 'when'")
    assert "\n" not in str(error.value)


def test_train_and_test_written_in_two_ways_are_refused(tmp_path: Path) -> None:
    task = write_task(
        tmp_path / "task", days(100), days(30), "%d/%m/%Y", test_form="%Y-%m-%d", more="time: when\n"
    )
    with pytest.raises(GomeError, match="'when' is not written in one way"):
        load_task(task)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"when": "dd/mm/yyyy"}, "write day, month, year as in '%d/%m/%Y'"),
        ({"when": "%m/%d/%Y"}, "'13/01/2021', which is not written as '%m/%d/%Y'"),
        ({"whn": "%m/%d/%Y"}, "no column; nearest: when"),
        ({"x": "%Y"}, "holds numbers"),
        ({"when": "%d/%m/%Q"}, "'%d/%m/%Q' of 'when' is not valid"),
    ],
)
def test_a_given_format_is_checked(tmp_path: Path, given: dict[str, str], said: str) -> None:
    task = write_task(tmp_path / "task", days(100), days(30), "%d/%m/%Y", shuffled=False)
    with pytest.raises(GomeError) as error:
        load_task(task, dates=given)
    assert said in str(error.value)


def test_no_library_speaks(tmp_path: Path) -> None:
    """Formats that pandas would warn about, and a column that no format fits."""
    task = write_task(tmp_path / "task", days(200), days(60, until=12), "%d/%m/%Y")
    table = pd.read_csv(task / "train.csv")
    table["x"] = [f"{i % 28 + 1}/{i % 12 + 1}/20 {i % 24}h" for i in range(len(table))]
    table.to_csv(task / "train.csv", index=False)
    code = (
        "from gome.graph.run_layout import prepare_run; from gome.state.config import RunConfig;"
        f"prepare_run({str(task)!r}, RunConfig(run_dir={str(tmp_path / 'out')!r}, time='when'))"
    )
    said = subprocess.run(
        [sys.executable, "-W", "always", "-c", code], capture_output=True, text=True, check=True
    )
    assert "Warning" not in said.stderr


FORMS = [
    "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y-%m-%d", "%Y/%m/%d", "%d/%m/%y", "%m/%d/%y", "%d %B %Y",
    "%d-%b-%Y", "%b %d, %Y", "%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M %p", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S UTC",
    "%d%b%Y", "%a %b %d %H:%M:%S +0000 %Y", "%a, %d %b %Y %H:%M:%S +0000",
]  # fmt: skip
MOMENTS = st.datetimes(datetime.datetime(1990, 1, 1), datetime.datetime(2040, 1, 1))


@settings(max_examples=150, deadline=None)
@given(st.lists(MOMENTS, min_size=1, max_size=30), st.sampled_from(FORMS))
def test_a_format_reads_what_was_written_or_says_that_it_may_not(
    moments: list[datetime.datetime], form: str
) -> None:
    texts = pd.Series([moment.strftime(form) for moment in moments])
    truth = [
        datetime.datetime.strptime(moment.strftime(form), form).replace(tzinfo=None) for moment in moments
    ]
    found = find_format(texts)
    assert found is not None
    readings = [
        parsed(texts, name).dt.tz_localize(None).tolist() for name in (found.format, found.other) if name
    ]
    assert truth in readings or (found.other is not None and "%y" in form)
