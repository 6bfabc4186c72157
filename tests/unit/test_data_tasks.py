"""Every way in gives the same kind of task: task folder, plain folder, MLE-bench competition, one table."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome.state.errors import GomeError
from gome.tools.data.mlebench import classes_of_columns
from gome.tools.data.single_table import SUGGESTED, answers_path
from gome.tools.data.tables import read_table, write_table
from gome.tools.data.task_folder import load_task
from gome.tools.evaluation import metrics

RNG = np.random.default_rng(0)


def write_files(
    folder: Path, y: dict[str, np.ndarray], sample: dict[str, float], suffix: str = ".csv"
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    n = len(next(iter(y.values())))
    train = pd.DataFrame({"key": [f"a{i}" for i in range(n)], "x": RNG.normal(size=n), **y})
    test = pd.DataFrame({"key": [f"b{i}" for i in range(30)], "x": RNG.normal(size=30)})
    write_table(train, folder / f"train{suffix}")
    write_table(test, folder / f"test{suffix}")
    write_table(test[["key"]].assign(**sample), folder / f"sampleSubmission{suffix}")
    return folder


def test_task_file_may_hold_two_lines(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "prices", {"price": RNG.normal(size=50)}, {"price": 0.0}, ".parquet")
    (folder / "task.yaml").write_text("metric: rmse\ntime_limit: 60\n")
    task = load_task(folder)
    assert (task.name, task.id, task.target, task.problem) == ("prices", "key", ["price"], "regression")
    assert (task.direction, task.classes, task.time_limit_s) == ("minimize", [], 60)
    assert (task.train, task.sample) == ("train.parquet", "sampleSubmission.parquet")
    assert load_task(folder / "task.yaml") == task


def test_caller_goes_before_the_task_file(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "t", {"y": RNG.normal(size=50), "z": RNG.normal(size=50)}, {"z": 0.0})
    (folder / "task.yaml").write_text("metric: rmse\ntarget: y\n")
    task = load_task(folder, target="z", metric="mae")
    assert (task.target, task.metric) == (["z"], "mae")


def test_class_columns_in_the_order_of_the_sample(tmp_path: Path) -> None:
    status = np.resize(["D", "C", "CL"], 60)
    sample = {"Status_C": 0.4, "Status_CL": 0.2, "Status_D": 0.4}
    folder = write_files(tmp_path / "t", {"Status": status}, sample)
    task = load_task(folder, metric="log_loss")
    assert task.problem == "multiclass"
    assert task.target == ["Status"]
    assert task.prediction == ["Status_C", "Status_CL", "Status_D"]
    assert task.classes == ["C", "CL", "D"]


def test_the_classes_of_columns() -> None:
    assert classes_of_columns(["1", "2"], ["class_2", "class_1"]) == ["2", "1"]
    assert classes_of_columns(["1.0", "2.0"], ["class_2", "class_1"]) == ["2.0", "1.0"]
    assert classes_of_columns(["a", "b"], ["b", "a"]) == ["b", "a"]
    assert classes_of_columns(["a", "b"], ["a", "c"]) is None


def test_several_labels(tmp_path: Path) -> None:
    bits = {name: np.resize(pattern, 60) for name, pattern in {"toxic": [0, 1], "threat": [0, 0, 1]}.items()}
    task = load_task(write_files(tmp_path / "t", bits, {"toxic": 0.5, "threat": 0.5}), metric="auc")
    assert (task.problem, task.target) == ("multilabel", ["toxic", "threat"])


def test_whole_numbers_are_classes_or_amounts_as_the_metric_judges(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "t", {"stars": np.resize([1, 2, 3, 4, 5], 60)}, {"stars": 3})
    assert load_task(folder, metric="accuracy").problem == "multiclass"
    assert load_task(folder, metric="rmse").problem == "regression"


DESCRIPTION = """# Overview
Predict who is transported. Accuracy of the labels was checked by hand.

## Evaluation
Submissions are judged by the {metric} between the predicted probability and the observed label.

## Submission format
"""


@pytest.mark.parametrize("given", ["spaceship", "spaceship/prepared", "spaceship/prepared/public"])
def test_prepared_competition_is_read_by_name_and_description(tmp_path: Path, given: str) -> None:
    public = tmp_path / "spaceship" / "prepared" / "public"
    write_files(public, {"Transported": np.resize([True, False], 60)}, {"Transported": 0.5})
    (public / "description.md").write_text(DESCRIPTION.format(metric="area under the ROC curve"))
    private = tmp_path / "spaceship" / "prepared" / "private"
    private.mkdir()
    (private / "test.csv").write_bytes(b"\xff\xfe never read")
    task = load_task(tmp_path / given)
    assert (task.name, task.root, task.metric) == ("spaceship", str(public), "auc")
    assert (task.id, task.target, task.problem) == ("key", ["Transported"], "binary")
    assert task.classes == ["False", "True"]
    with pytest.raises(GomeError, match="answers"):
        load_task(private)


@pytest.mark.parametrize(
    ("words", "metric"),
    [
        ("Root Mean Squared Logarithmic Error (RMSLE)", "rmsle"),
        ("root mean squared error", "rmse"),
        ("multi-class logarithmic loss", "log_loss"),
        ("mean absolute error", "mae"),
        ("Mean Average Precision @ 5 (MAP@5)", "map@5"),
    ],
)
def test_metric_from_the_evaluation_section(tmp_path: Path, words: str, metric: str) -> None:
    y = RNG.random(60) if metric not in ("log_loss", "map@5") else np.resize([0, 1, 2], 60)
    folder = write_files(
        tmp_path / "t", {"y": y}, {"y": 0.5} if metric != "log_loss" else {"0": 0.3, "1": 0.3, "2": 0.4}
    )
    (folder / "description.md").write_text(DESCRIPTION.format(metric=words))
    assert load_task(folder).metric == metric


def test_what_a_folder_does_not_say_is_asked_for(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "t", {"y": RNG.random(60), "z": RNG.random(60)}, {"prediction": 0.5})
    with pytest.raises(GomeError, match=r"y, z\); give `target`"):
        load_task(folder, metric="rmse")
    with pytest.raises(GomeError, match="give `metric`"):
        load_task(folder, target="y")
    assert load_task(folder, target="y", metric="rmse").prediction == ["prediction"]


def test_without_a_test_table_the_sample_holds_the_ids(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "t", {"has_cactus": np.resize([0, 1], 60)}, {"has_cactus": 0.5})
    (folder / "test.csv").unlink()
    train = pd.read_csv(folder / "train.csv").drop(columns="x")
    train.to_csv(folder / "train.csv", index=False)
    task = load_task(folder, metric="auc")
    assert (task.test, task.sample, task.target) == (
        "sampleSubmission.csv",
        "sampleSubmission.csv",
        ["has_cactus"],
    )


def test_one_table_becomes_a_task_with_answers_outside(tmp_path: Path) -> None:
    table = pd.DataFrame({"age": RNG.normal(size=200), "smokes": np.resize(["yes", "no", "no"], 200)})
    table.to_csv(tmp_path / "people.csv", index=False)
    task = load_task(tmp_path / "people.csv", target="smokes", metric="accuracy", workspace=tmp_path / "work")
    root = Path(task.root)
    assert root.parent == tmp_path / "work"
    train, test, sample = (read_table(root / f) for f in (task.train, task.test, task.sample))
    answers = read_table(answers_path(root))
    assert (len(train), len(test), task.id) == (160, 40, "row_id")
    assert "smokes" not in test.columns
    assert answers_path(root).parent != root
    assert sample["smokes"].unique().tolist() == ["no"]
    assert table["smokes"].iloc[answers["row_id"]].tolist() == answers["smokes"].tolist()
    assert sorted([*train["row_id"], *test["row_id"]]) == list(range(200))
    assert abs((answers["smokes"] == "yes").mean() - 1 / 3) < 0.03
    again = load_task(
        tmp_path / "people.csv", target="smokes", metric="accuracy", workspace=tmp_path / "work"
    )
    assert again == task
    assert read_table(root / task.test).equals(test)


def write_visits(path: Path) -> pd.DataFrame:
    """300 visits of 60 patients over 100 days, shuffled."""
    table = pd.DataFrame(
        {"day": np.arange(300) // 3, "patient": np.arange(300) // 5, "y": RNG.normal(size=300)}
    )
    table["day"] = (pd.Timestamp("2026-01-01") + pd.to_timedelta(table["day"], "D")).dt.strftime("%Y-%m-%d")
    table = table.sample(frac=1, random_state=0)
    table.to_csv(path, index=False)
    return table


@pytest.mark.parametrize(("group", "time"), [("patient", None), (None, "day"), ("patient", "day")])
def test_one_table_is_cut_by_group_and_time(tmp_path: Path, group: str | None, time: str | None) -> None:
    write_visits(tmp_path / "visits.csv")
    task = load_task(
        tmp_path / "visits.csv",
        target="y",
        metric="rmse",
        group=group,
        time=time,
        workspace=tmp_path / "work",
    )
    train, test = (read_table(Path(task.root) / name) for name in (task.train, task.test))
    assert (task.group, task.time) == (group, time)
    assert 50 <= len(test) <= 70
    assert len(train) >= 60
    if group:
        assert not set(train["patient"]) & set(test["patient"])
    if time:
        assert train["day"].max() < test["day"].min()
    if not (group and time):
        assert len(train) + len(test) == 300


def test_columns_of_one_table_are_checked(tmp_path: Path) -> None:
    write_visits(tmp_path / "visits.csv").assign(note="?").to_csv(tmp_path / "notes.csv", index=False)
    for given, said in [
        ({"time": "days"}, "no time column 'days'; nearest: day"),
        ({"group": "patients"}, "no group column 'patients'; nearest: patient"),
        ({"time": "note"}, "notes.csv: the time column 'note' holds no dates or numbers"),
        ({"group": "note"}, "notes.csv: only 1 groups"),
    ]:
        with pytest.raises(GomeError) as caught:
            load_task(tmp_path / "notes.csv", target="y", metric="rmse", workspace=tmp_path / "work", **given)
        assert said in str(caught.value)
        assert "\n" not in str(caught.value)


def test_rows_without_a_label_are_the_test_part(tmp_path: Path) -> None:
    table = pd.DataFrame({"customer_id": range(1000, 1100), "spend": RNG.normal(size=100)})
    table.loc[70:, "spend"] = None
    write_table(table, tmp_path / "spend.parquet")
    task = load_task(tmp_path / "spend.parquet", target="spend", metric="rmse", workspace=tmp_path / "work")
    root = Path(task.root)
    assert task.id == "customer_id"
    assert read_table(root / task.test)["customer_id"].tolist() == list(range(1070, 1100))
    assert not answers_path(root).exists()


def test_one_table_with_graded_probabilities_has_a_column_a_class(tmp_path: Path) -> None:
    pd.DataFrame({"x": RNG.normal(size=90), "kind": np.resize(["a", "b", "c"], 90)}).to_csv(
        tmp_path / "kinds.csv", index=False
    )
    task = load_task(tmp_path / "kinds.csv", target="kind", metric="log_loss", workspace=tmp_path / "work")
    assert (task.prediction, task.classes) == (["a", "b", "c"], ["a", "b", "c"])


def test_own_grader_says_its_direction_in_the_task_file(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "t", {"y": RNG.random(60)}, {"y": 0.5})
    (folder / "grade.py").write_text("def grade(submission, answers):\n    return 1.0\n")
    (folder / "task.yaml").write_text("metric: grade:grade\ndirection: minimize\n")
    task = load_task(folder)
    assert (task.metric, task.direction, task.problem) == ("grade:grade", "minimize", "regression")


def test_suggested_metrics_fit(tmp_path: Path) -> None:
    for problem, suggested in SUGGESTED.items():
        for name in suggested:
            assert problem in metrics.get(name).kinds
