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
