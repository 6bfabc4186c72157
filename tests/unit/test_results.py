"""Results of program runs: kept before use, compacted without harm to those who share them."""

from pathlib import Path

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.faults.scripted_model import write_task
from benchmarks.instant import InstantExecutor, InstantModel
from gome.graph.run import build_graph
from gome.run_folder import RunFolder
from gome.state.config import RunConfig
from gome.tools.records.artifacts import Artifacts
from gome.tools.records.results import Results, program_name


def results(folder: Path) -> Results:
    return Results(folder / "results", Artifacts(folder / "artifacts"))


def put(kept: Results, program: str, value: float) -> str:
    """A program with one fold, whose predictions are this one value."""
    name = f"{program}-search-s0-f0"
    result = kept.put(name, {"status": "ok", "log": None}, pd.DataFrame({"y": [value]}))
    kept.put_score(f"{program}-search-s0", result["predictions"], {"value": value})
    return str(result["predictions"])


def test_a_compacted_program_is_known_as_run_and_has_to_run_again(tmp_path: Path) -> None:
    kept = results(tmp_path)
    ref = put(kept, "a", 1.0)
    assert kept.score("a-search-s0", ref) == {"value": 1.0}
    kept.compact("a-search-s0")
    assert not kept.artifacts.path(ref).exists()
    assert results(tmp_path).get("a-search-s0-f0") is None
    assert kept.score("a-search-s0", ref) is None
    assert [p.name for p in (tmp_path / "results").iterdir()] == ["a-search-s0-f0.json"]


def test_a_program_that_was_asked_for_again_is_not_compacted(tmp_path: Path) -> None:
    ref = put(results(tmp_path), "a", 1.0)
    assert results(tmp_path).get("a-search-s0-f0") is not None
    results(tmp_path).compact("a-search-s0")
    assert results(tmp_path).artifacts.path(ref).exists()
    again = results(tmp_path)
    put(again, "b", 2.0)
    again.compact("b-search-s0")
    ref = put(again, "b", 2.0)
    again.compact("b-search-s0")
    assert again.artifacts.path(ref).exists()


@settings(max_examples=30, deadline=None)
@given(
    values=st.lists(st.integers(0, 2), min_size=1, max_size=6),
    gone=st.sets(st.integers(0, 5)),
    reopened=st.booleans(),
)
def test_predictions_stay_as_long_as_a_program_needs_them(
    tmp_path_factory, values: list[int], gone: set[int], reopened: bool
) -> None:
    folder = tmp_path_factory.mktemp("run")
    kept = results(folder)
    refs = [put(kept, f"p{i}", float(value)) for i, value in enumerate(values)]
    kept = results(folder) if reopened else kept
    for i in gone:
        kept.compact(f"p{i}-search-s0")
    left = {ref for i, ref in enumerate(refs) if i not in gone}
    assert {ref for ref in refs if kept.artifacts.path(ref).exists()} == left


def test_a_run_compacts_its_rejected_steps_and_keeps_its_history(tmp_path: Path) -> None:
    config = RunConfig(run_dir=str(tmp_path / "out"), traces=1, steps=26, finalists=1, selection_seeds=1)
    graph = build_graph(
        models=dict.fromkeys(("researcher", "coder", "critic"), InstantModel()), executor=InstantExecutor()
    )
    state = graph.compile().invoke(
        {"task": str(write_task(tmp_path / "line"))}, {"recursion_limit": 10_000}, context=config
    )
    assert state["result"]["submission_ok"]
    run = RunFolder.read(tmp_path / "out")
    there = {
        r.id: run.artifacts.path(r.evaluation["predictions"]).exists()
        for r in run.records
        if r.evaluation and r.evaluation["predictions"]
    }
    assert len(run.records) == 26
    assert all(there[r.id] for r in run.accepted)
    old = [r.id for r in run.records if r.id in there and r.verdict == "rejected" and r.step < 6]
    assert old
    assert not any(there[name] for name in old)
    assert all(run.text(r.code) and run.text(r.evaluation["log"]) for r in run.records if r.evaluation)


def test_growth_is_that_of_other_programs_by_cpu_time_where_it_is_known(tmp_path: Path) -> None:
    kept = results(tmp_path)
    runs = {"fast": (1.0, 2.0, 5.0, 8.0), "slow": (2.0, 3.0, None, None), "own": (1.0, 90.0, 1.0, 90.0)}
    for program, (small, large, small_cpu, large_cpu) in runs.items():
        rows = (("smoke", small, small_cpu, 100.0), ("search", large, large_cpu, 250.0))
        for split, seconds, cpu, memory in rows:
            run = {"status": "ok", "log": None, "seconds": seconds, "cpu_seconds": cpu, "peak_mb": memory}
            kept.put(f"{program_name(program)}-{split}-s0-f0", run, None)  # type: ignore[arg-type]
    failed = {"status": "timeout", "log": None, "seconds": 60.0, "peak_mb": 1.0}
    kept.put(f"{program_name('lost')}-smoke-s0-f0", failed, None)  # type: ignore[arg-type]
    found = kept.growth("own", "smoke", "search")
    assert sorted(growth.seconds for growth in found) == [1.5, 1.6]
    assert {growth.memory for growth in found} == {2.5}
