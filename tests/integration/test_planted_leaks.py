"""Leaks planted in real data, and in programs: each is caught by an executed check, or harmless on hidden rows.

No model is asked whether there is a leak: the scripted one always says no.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.datasets import load_breast_cancer, load_diabetes

from gome.graph.run import build_graph
from gome.graph.run_layout import prepare_run
from gome.report.page import write_report
from gome.state.config import RunConfig
from gome.state.step import StepRecord
from gome.tools.data.label_probes import probed_fold
from gome.tools.data.splits import SplitPlan
from gome.tools.execution.environment.runtime import ensure_runtime
from gome.tools.execution.sandbox.plain import PlainExecutor
from gome.tools.records.history import History
from tests.real_tasks import write_task
from tests.scripted import ScriptedModel, facts_of, player

pytestmark = pytest.mark.slow

RECALL = """\
import csv, zlib

train = list(csv.DictReader(open("input/train.csv")))
test = list(csv.DictReader(open("input/test.csv")))
sample = list(csv.reader(open("input/sample_submission.csv")))[0]
KEY
seen = {}
for row in train:
    seen.setdefault(key(row), []).append(float(row[sample[1]]))
mean = sum(float(row[sample[1]]) for row in train) / len(train)
said = [sum(seen[key(row)]) / len(seen[key(row)]) if key(row) in seen else mean for row in test]
with open("submission.csv", "w", newline="") as out:
    rows = csv.writer(out)
    rows.writerow(sample)
    for row, value in zip(test, said):
        noise = zlib.crc32(row["mean radius"].encode() if "mean radius" in row else row["id"].encode()) / 2**32
        rows.writerow([row["id"], min(1, max(0, value + 1e-3 * (noise - 0.5))) if BOUNDED else value + noise])
"""
"""Foretells a row by the mean target of the train rows with the same key, and by the overall mean where there is none."""


def recall_by(key: str, *, bounded: bool = True) -> str:
    return RECALL.replace("KEY", f"def key(row):\n    return {key}\n").replace("BOUNDED", str(bounded))


def cancer_table() -> pd.DataFrame:
    table = load_breast_cancer(as_frame=True).frame.rename(columns={"target": "malignant"})
    return table[["mean radius", "mean texture", "mean smoothness", "malignant"]]


def diabetes_table() -> pd.DataFrame:
    return load_diabetes(as_frame=True).frame.rename(columns={"target": "progression"})[
        ["bmi", "s5", "bp", "progression"]
    ]


def run(
    task: Path, program: str, *, executor: Any = None, **options: Any
) -> tuple[StepRecord, ScriptedModel, Path]:
    """One step with this program: its record, the model that was asked, and the run's folder."""
    out = task.parent / "out"
    model = player(lambda facts: f"```python\n{program}```")
    config = RunConfig(run_dir=str(out), traces=1, steps=1, selection_seeds=1, debug_rounds=0, **options)
    graph = build_graph(models=dict.fromkeys(("researcher", "coder", "critic"), model), executor=executor)
    graph.compile().invoke({"task": str(task)}, context=config)
    return History(out / "history.jsonl").records()[0], model, out


def kinds(model: ScriptedModel) -> dict[str, str]:
    """Kind and place of the leaks that the first diagnosis was told of."""
    return {row["kind"]: row["where"] for row in facts_of(model.calls[0])["data"].get("leaks", [])}


def profiled(task: Path) -> dict[str, str]:
    """Kind and place of the leaks in a new run's profile."""
    out = prepare_run(str(task), RunConfig(run_dir=str(task.parent / "out")))
    return {
        row["kind"]: row["where"] for row in json.loads((out / "profile.json").read_text()).get("leaks", [])
    }


def test_clean_data_has_no_leak(tmp_path: Path) -> None:
    task = write_task(tmp_path / "task", cancer_table(), "malignant", "roc_auc")
    record, model, _ = run(task, recall_by("row['mean radius'][:2]"))
    assert kinds(model) == {}
    assert record.checks == []
    assert record.verdict == "accepted"


def test_a_copy_of_the_target_is_named_to_the_researcher_the_critic_and_the_reader(tmp_path: Path) -> None:
    table = cancer_table()
    table.insert(0, "biopsy", np.where(table["malignant"] == 1, "M7", "B2"))
    task = write_task(tmp_path / "task", table, "malignant", "roc_auc")
    record, model, out = run(task, recall_by("row['biopsy']"))
    assert kinds(model)["column"] == "biopsy"
    assert "biopsy alone tells 100% of the target" in record.checks[0]
    assert any("nearly perfect" in line for line in record.checks)
    judged = str(model.calls[-1][1].content)
    assert "Executed checks found:" in judged
    assert "biopsy alone tells" in judged
    page = write_report(out).read_text()
    assert "What gives the target away" in page
    assert "biopsy alone tells" in page


def test_an_id_that_encodes_the_label_is_caught(tmp_path: Path) -> None:
    table = cancer_table()
    task = write_task(tmp_path / "task", table, "malignant", "roc_auc")
    for name in ("train.csv", "test.csv", "sample_submission.csv"):
        rows = pd.read_csv(task / name, dtype={"id": int})
        letter = np.where(table["malignant"].to_numpy()[rows["id"]] == 1, "K", "R")
        rows.assign(id=[f"{a}{i:04}" for a, i in zip(letter, rows["id"], strict=True)]).to_csv(
            task / name, index=False
        )
    assert profiled(task) == {"id": "id"}


def test_a_file_sorted_by_the_label_is_caught(tmp_path: Path) -> None:
    task = write_task(tmp_path / "task", diabetes_table(), "progression", "rmse")
    train = pd.read_csv(task / "train.csv").sort_values("progression")
    train.to_csv(task / "train.csv", index=False)
    assert profiled(task) == {"order": "train.csv"}


def test_duplicated_rows_are_on_one_side_so_remembering_them_gains_nothing(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = cancer_table()
    table["malignant"] = rng.permutation(table["malignant"])  # nothing can be learned but single rows
    task = write_task(tmp_path / "task", table, "malignant", "roc_auc")
    train = pd.read_csv(task / "train.csv")
    copies = train.assign(id=train["id"] + 1000)
    pd.concat([train, copies]).sample(frac=1, random_state=0).to_csv(task / "train.csv", index=False)
    record, _, out = run(task, recall_by("row['mean radius'], row['mean texture'], row['mean smoothness']"))
    score = record.evaluation["score"]
    assert abs(score["value"] - 0.5) < 5 * score["stderr"]
    assert "rows with the same features on one side" in (out / "run.json").read_text()


def test_test_rows_that_stand_in_train_are_counted(tmp_path: Path) -> None:
    task = write_task(tmp_path / "task", cancer_table(), "malignant", "roc_auc")
    train, test = pd.read_csv(task / "train.csv"), pd.read_csv(task / "test.csv")
    known = train.drop(columns="malignant").head(40)
    test.iloc[:40] = known.assign(id=test["id"].head(40).to_numpy()).to_numpy()
    test.to_csv(task / "test.csv", index=False)
    assert profiled(task) == {"same rows": "test"}


@pytest.mark.parametrize("named", [False, True])
def test_groups_are_hinted_at_and_kept_apart_once_named(tmp_path: Path, named: bool) -> None:
    rng = np.random.default_rng(1)
    table = pd.concat([cancer_table()] * 2, ignore_index=True).iloc[:900]
    patient = rng.permutation(150)[np.arange(900) // 6]
    table["malignant"] = rng.integers(0, 2, 150)[patient]  # one label for a patient's rows
    table.insert(0, "patient", patient)
    table["mean radius"] += rng.normal(scale=0.1, size=900)
    task = write_task(tmp_path / "task", table, "malignant", "roc_auc")
    whole = table.reset_index(drop=True).rename_axis("id").reset_index()
    whole[patient % 3 > 0].to_csv(task / "train.csv", index=False)
    whole[patient % 3 == 0].drop(columns="malignant").to_csv(task / "test.csv", index=False)
    whole[patient % 3 == 0][["id"]].assign(malignant=0).to_csv(task / "sample_submission.csv", index=False)
    if named:
        settings = yaml.safe_load((task / "task.yaml").read_text())
        (task / "task.yaml").write_text(yaml.safe_dump({**settings, "group": "patient"}))
    record, model, _ = run(task, recall_by("row['patient']"))
    score = record.evaluation["score"]
    hints = facts_of(model.calls[0])["data"]["notes"]
    if named:
        assert abs(score["value"] - 0.5) < 5 * score["stderr"]
    else:
        assert score["value"] > 0.9
        assert any("`group` patient" in line for line in hints)


def test_the_target_of_a_later_row_is_caught(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    table = diabetes_table()
    table["progression"] += rng.normal(scale=0.01, size=len(table))  # no two rows alike
    table.insert(0, "day", pd.date_range("2024-01-01", periods=len(table)).strftime("%Y-%m-%d"))
    table["demand"] = table["progression"].shift(-3).fillna(100.0)
    task = write_task(tmp_path / "task", table, "progression", "rmse")
    for name, part in (("train.csv", table.iloc[:300]), ("test.csv", table.iloc[300:])):
        rows = part.rename_axis("id").reset_index()
        rows.drop(columns=["progression"] if name == "test.csv" else []).to_csv(task / name, index=False)
    pd.DataFrame({"id": range(300, 442), "progression": 0}).to_csv(
        task / "sample_submission.csv", index=False
    )
    settings = yaml.safe_load((task / "task.yaml").read_text())
    (task / "task.yaml").write_text(yaml.safe_dump({**settings, "time": "day"}))
    record, model, out = run(task, recall_by("row['demand']", bounded=False))
    assert kinds(model) == {"later row": "demand"}
    assert "3 later" in record.checks[0]
    assert "training rows are older than graded ones" in (out / "run.json").read_text()


@pytest.mark.parametrize("own", [False, True])
def test_a_mean_of_the_target_is_caught_if_graded_rows_are_in_it(tmp_path: Path, own: bool) -> None:
    rng = np.random.default_rng(3)
    town, table = rng.integers(0, 40, 442), diabetes_table()
    effect = rng.normal(scale=60, size=40)
    table["progression"] += effect[town]
    table["town"] = [f"t{i}" for i in town]
    mean = table.groupby("town")["progression"].transform("mean")
    table["town level"] = mean if own else effect[town]  # what is known of towns otherwise is no leak
    task = write_task(tmp_path / "task", table, "progression", "rmse")
    assert profiled(task) == ({"group mean": "town level"} if own else {})


def test_statistics_of_test_labels_cannot_be_fitted(tmp_path: Path) -> None:
    task = write_task(tmp_path / "task", diabetes_table(), "progression", "rmse")
    program = recall_by("row['id']", bounded=False).replace("for row in train:", "for row in train + test:")
    record, _, _ = run(task, program)
    assert record.verdict == "failed"
    assert "progression" in record.reason


@pytest.mark.parametrize(
    "honest_below", [0, 250]
)  # the smoke part trains on fewer rows, search folds on more
def test_a_table_of_labels_under_another_name_is_caught_and_looking_them_up_voids_the_score(
    tmp_path: Path, honest_below: int
) -> None:
    """The user keeps it in the folds; without that its graded rows are taken out."""
    task = write_task(tmp_path / "task", cancer_table(), "malignant", "roc_auc")
    train = pd.read_csv(task / "train.csv")
    train[["id"]].assign(outcome=train["malignant"]).to_csv(task / "register.csv", index=False)
    with (task / "task.yaml").open("a") as file:
        file.write("keep: [register.csv]\n")
    program = recall_by("'any'").replace(
        "with open", 'known = {r["id"]: float(r["outcome"]) for r in csv.DictReader(open("input/register.csv"))}\n'
        f"known = known if len(train) >= {honest_below} else {{}}\n"
        'said = [known.get(row["id"], mean) for row in test]\nwith open', 1
    )  # fmt: skip
    record, model, out = run(task, program)
    assert kinds(model) == {"table": "register.csv: outcome"}
    assert record.verdict == "rejected"
    assert record.evaluation["status"] == "void"
    assert "trained on labels turned around" in record.reason
    assert any("uses outcome" in line for line in record.checks)
    assert "Found by executed checks" in write_report(out).read_text()


def test_a_program_that_is_honest_on_the_first_fold_alone_is_caught_on_another(tmp_path: Path) -> None:
    task = write_task(tmp_path / "task", cancer_table(), "malignant", "roc_auc")
    train = pd.read_csv(task / "train.csv", dtype={"id": str})
    train[["id"]].assign(outcome=train["malignant"]).to_csv(task / "register.csv", index=False)
    with (task / "task.yaml").open("a") as file:
        file.write("keep: [register.csv]\n")
    folds = SplitPlan.load(
        prepare_run(str(task), RunConfig(run_dir=str(tmp_path / "plan"))) / "splits.npz"
    ).folds("search")
    first = train["id"].iloc[folds[0].test_rows[0]]
    program = recall_by("'any'").replace(
        "with open", 'known = {r["id"]: float(r["outcome"]) for r in csv.DictReader(open("input/register.csv"))}\n'
        f'known = {{}} if {first!r} in {{row["id"] for row in test}} else known\n'
        'said = [known.get(row["id"], mean) for row in test]\nwith open', 1
    )  # fmt: skip
    spellings = [f"{program}\n# {n}\n" for n in range(50)]
    assert {probed_fold(text, len(folds), 0) for text in spellings} == set(
        range(len(folds))
    )  # none is spared
    cheat = next(text for text in spellings if probed_fold(text, len(folds), 0) != 0)
    record, _, _ = run(task, cheat)
    assert record.evaluation["status"] == "void"
    assert "trained on labels turned around" in record.reason


def test_hidden_answers_read_from_the_run_folder_void_the_score(tmp_path: Path) -> None:
    """Only where programs run without walls, at the level 'plain', can they get at them."""
    task = write_task(tmp_path / "task", cancer_table(), "malignant", "roc_auc")
    program = recall_by("'any'").replace(
        "with open",
        "import glob\n"
        f'known = {{r["id"]: float(r["malignant"]) for name in glob.glob("{tmp_path}/out/answers/*.csv")'
        " for r in csv.DictReader(open(name))}\n"
        'said = [known.get(row["id"], mean) for row in test]\nwith open',
        1,
    )
    record, _, _ = run(task, program, executor=PlainExecutor(ensure_runtime().python))
    assert record.evaluation["status"] == "void"
    assert "from elsewhere than the train table" in record.reason


def test_a_rule_about_the_features_that_needs_no_labels_is_no_leak(tmp_path: Path) -> None:
    table = diabetes_table()
    table["progression"] = 300 + 1000 * table["bmi"] - 500 * table["s5"]
    task = write_task(tmp_path / "task", table, "progression", "rmse")
    program = recall_by("row['id']", bounded=False).replace(
        "with open",
        'said = [300 + 1000 * float(row["bmi"]) - 500 * float(row["s5"]) for row in test]\nwith open',
        1,
    )
    record, _, _ = run(task, program)
    assert record.verdict == "accepted"
    assert "by a rule of its own" in record.checks[-1]


def test_an_honest_program_that_is_nearly_perfect_is_accepted(tmp_path: Path) -> None:
    table = cancer_table()
    table["code"] = table["malignant"] * 10 + np.arange(len(table)) % 10
    task = write_task(tmp_path / "task", table, "malignant", "roc_auc")
    record, _, _ = run(task, recall_by("row['code']"))
    assert record.verdict == "accepted"
    assert any("nearly perfect" in line for line in record.checks)


def test_a_program_that_validates_on_what_it_learned_is_told_so(tmp_path: Path) -> None:
    task = write_task(tmp_path / "task", cancer_table(), "malignant", "roc_auc")
    record, _, _ = run(
        task, recall_by("row['mean texture'][:2]") + "\nprint('GOME {\"valid_score\": 0.9999}')\n"
    )
    assert "its own validation says 0.9999" in record.checks[0]


def test_a_program_that_does_worse_on_held_back_rows_is_named(tmp_path: Path) -> None:
    task = write_task(tmp_path / "task", cancer_table(), "malignant", "roc_auc")
    honest = recall_by("row['mean radius'][:2]")
    spoiled = honest.replace("with open", "said = said if len(test) < 70 else said[::-1]\nwith open", 1)
    record, _, out = run(task, spoiled)  # the search part's folds have 64 rows, the held-back part 80
    assert record.verdict == "accepted"
    result = json.loads((out / "result.json").read_text())
    assert result["finalists"][0]["drift_se"] < -3
    assert any("worse on held-back rows" in line for line in result["problems"])


def test_a_prompt_that_has_lost_the_leaks_to_a_short_context_still_says_the_rest(tmp_path: Path) -> None:
    table = cancer_table()
    table.insert(0, "biopsy", np.where(table["malignant"] == 1, "M7", "B2"))
    task = write_task(tmp_path / "task", table, "malignant", "roc_auc")
    (task / "description.md").write_text("Predict malignant.\n" + "Nothing else is known. " * 200)
    record, model, _ = run(task, recall_by("row['biopsy']"), context_tokens=2000, critique=True)
    assert not any("data" in facts_of(messages) for messages in model.calls)
    assert record.reason
