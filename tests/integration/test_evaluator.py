"""The evaluator with real programs: folds side by side, the first that fails decides, the slots change no record."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from gome.graph.registry import ServiceRegistry
from gome.graph.run_layout import prepare_run
from gome.state.config import RunConfig
from gome.state.errors import GaveWay, RunStopped
from gome.tools.evaluator import Evaluator

pytestmark = pytest.mark.slow

PROGRAM = """\
import csv
import json
import sys
import time

rows = list(csv.DictReader(open("input/test.csv")))
first = rows[0]["id"]
print("GOME", json.dumps({"began": time.time()}))
BEHAVIOUR
with open("submission.csv", "w") as out:
    out.write("id,malignant\\n")
    out.writelines(f"{row['id']},{float(row['mean radius']) / 40}\\n" for row in rows)
print("GOME", json.dumps({"ended": time.time()}))
"""


def program(behaviour: str = "") -> str:
    return PROGRAM.replace("BEHAVIOUR", behaviour)


def evaluator(task: Path, out: Path, slots: int, stop: threading.Event | None = None) -> Evaluator:
    run_dir = prepare_run(str(task), RunConfig(run_dir=str(out), slots=slots))
    return ServiceRegistry(stop=stop).services(run_dir, None, lambda event: None).evaluator


def firsts(made: Evaluator) -> list[Any]:
    """The first id of each search fold, by which a program can tell where it is."""
    folds = len(made.inputs.plan.folds("search"))
    return [made.inputs.sample("search", fold)["id"].iloc[0] for fold in range(folds)]


def kept(evaluation: Any) -> dict[str, Any]:
    """What must not depend on when and where the folds ran."""
    return {key: evaluation[key] for key in ("key", "status", "score", "problems", "predictions")}


def test_folds_run_side_by_side_and_score_as_one_by_one(cancer: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    many = evaluator(cancer, tmp_path / "many", slots=3)
    folds = len(firsts(many))
    assert folds >= 3
    together = many.evaluate(
        program("time.sleep(1)"), "search", on_fold=lambda done, of: told.append((done, of))
    )
    results = [tmp_path / "many" / "results" / f"{together['key']}-f{fold}.json" for fold in range(folds)]
    times = [json.loads(path.read_text())["facts"] for path in results]
    assert max(t["began"] for t in times[:3]) < min(t["ended"] for t in times[:3])
    assert sorted(told) == [(done, folds) for done in range(folds)]
    one_by_one = evaluator(cancer, tmp_path / "one", slots=1).evaluate(program("time.sleep(1)"), "search")
    assert kept(together) == kept(one_by_one)


def test_on_all_of_the_data_a_program_has_as_much_more_time_as_rows(cancer: Path, tmp_path: Path) -> None:
    run_dir = prepare_run(
        str(cancer), RunConfig(run_dir=str(tmp_path / "out"), slots=2, folds=2, program_time_limit_s=7)
    )
    made = ServiceRegistry().services(run_dir, None, lambda event: None).evaluator
    # 159 of 318 rows in a fold and 159 to predict; 398 and 171 on all of the data: 4 s and 7.2 s.
    slow = program("time.sleep((len(rows) + sum(1 for _ in open('input/train.csv'))) / 79.5)")
    assert made.evaluate(slow, "search")["status"] == "ok"
    assert made.evaluate(slow, "final")["status"] == "ok"


@pytest.mark.parametrize("slots", [1, 4])
def test_the_first_fold_that_fails_decides_and_ends_the_later_ones(
    cancer: Path, tmp_path: Path, slots: int
) -> None:
    made = evaluator(cancer, tmp_path / "out", slots)
    ids = [str(first) for first in firsts(made)]
    behaviour = f"""
if first == {ids[1]!r}:
    sys.exit("the second fold's own failure")
if first == {ids[2]!r}:
    sys.exit("the third fold's own failure")
if first in {ids[3:]!r}:
    time.sleep(100)
"""
    started = time.monotonic()
    evaluation = made.evaluate(program(behaviour), "search")
    assert time.monotonic() - started < 50
    assert evaluation["status"] == "error"
    assert evaluation["problems"] == ["ended with exit code 1: the second fold's own failure"]


def test_a_stop_ends_the_folds_that_run_and_those_that_wait(cancer: Path, tmp_path: Path) -> None:
    stop = threading.Event()
    made = evaluator(cancer, tmp_path / "out", 2, stop)
    threading.Timer(2, stop.set).start()
    started = time.monotonic()
    with pytest.raises(RunStopped):
        made.evaluate(program("time.sleep(100)"), "search")
    assert time.monotonic() - started < 50
    assert not list((tmp_path / "out" / "results").glob("*"))


def test_a_program_aside_gives_way_and_goes_on_where_it_was(cancer: Path, tmp_path: Path) -> None:
    made = evaluator(cancer, tmp_path / "out", slots=2)
    results = tmp_path / "out" / "results"
    with pytest.raises(GaveWay):
        made.evaluate(program(), "search", give_way=lambda: len(list(results.glob("*-f*"))) == 2)
    kept_so_far = {path.name: path.stat().st_mtime_ns for path in results.glob("*-f*.json")}
    assert len(kept_so_far) == 2
    assert made.evaluate(program(), "search", give_way=lambda: False)["status"] == "ok"
    assert {name: (results / name).stat().st_mtime_ns for name in kept_so_far} == kept_so_far
