"""A run that has handed over programs of ours: laid out, fitted and finished as a run ends, without its search."""

from pathlib import Path
from typing import Any

from gome.agents.finalize import finalize, write_result
from gome.graph.registry import ServiceRegistry
from gome.graph.run_layout import prepare_run
from gome.optimizer.selection import Candidate
from gome.state.config import RunConfig
from gome.state.step import StepRecord


def handed_over(task: Path, run_dir: Path, programs: dict[str, tuple[str, float]], **options: Any) -> Path:
    """The run folder; `programs` are texts and weights by step, 'trace:step'."""
    prepare_run(str(task), RunConfig(run_dir=str(run_dir), **options))
    registry = ServiceRegistry()
    services = registry.services(run_dir, None, lambda event: None)
    records = {}
    for name, (text, _) in programs.items():
        trace, step = map(int, name.split(":"))
        code = services.artifacts.put_text(text, "py")
        records[name] = StepRecord(name, trace, step, "accepted", code=code)
        services.history.append(records[name])
    weights = {name: weight for name, (_, weight) in programs.items()}
    chosen = Candidate(weights=weights, search=None, selection=None, folds=[])
    result = write_result(services, finalize(services, records, [chosen]))
    registry.close(run_dir)
    assert result["submission_ok"], result["problems"]
    return run_dir


def graded(task: Path, run_dir: Path, program: str, **options: Any) -> Path:
    """The folder of a run whose one step, 0:0, is `program`: graded on the search and the selection part, handed over."""
    prepare_run(str(task), RunConfig(run_dir=str(run_dir), **options))
    registry = ServiceRegistry()
    services = registry.services(run_dir, None, lambda event: None)
    search, selection = (services.evaluator.evaluate(program, part) for part in ("search", "selection"))
    code = services.artifacts.put_text(program, "py")
    record = StepRecord("0:0", 0, 0, "accepted", code=code, evaluation=search)
    services.history.append(record)
    chosen = Candidate(weights={"0:0": 1.0}, search=search["score"], selection=selection["score"], folds=[])
    write_result(services, finalize(services, {"0:0": record}, [chosen]))
    registry.close(run_dir)
    return run_dir
