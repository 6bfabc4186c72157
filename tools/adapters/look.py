"""A look at a task's public folder: a small Python program in a sandbox, its output kept by the program's content."""

import hashlib
from pathlib import Path

from langchain_core.tools import BaseTool, tool

from gome.state.errors import RunStopped
from gome.tools.evaluation.grader_process import sandbox
from gome.tools.execution.job import Job
from gome.tools.execution.workspace import remove_work_dir
from gome.tools.models.tool_calls import capped
from gome.tools.services import RunServices

WALL_S, MEMORY_MB, OUTPUT_MB, SHOWN = 120.0, 4096, 256.0, 8000
"""What one look may use, and how many characters of its output are shown."""


def look_tool(services: RunServices, folder: Path) -> BaseTool:
    """The tool. A program that has run before is not run again: what it printed is in `folder`."""

    @tool
    def look(program: str) -> str:
        """Run a Python program that finds the task's public folder as `input/` (read-only) and see what it prints: list
        folders, read the beginnings of files, count, compare. Two minutes, 8000 characters of output, no network."""
        kept = folder / f"look-{hashlib.sha256(program.encode()).hexdigest()[:20]}.txt"
        if not kept.is_file():
            written(kept, _run(services, program, folder))
        return kept.read_text(encoding="utf-8")

    return look


def _run(services: RunServices, program: str, folder: Path) -> str:
    source, work = folder / "look.py", folder / "work"
    written(source, program)
    job = Job(
        program=source,
        input_dir=services.evaluator.inputs.input_dir("final", 0),
        work_dir=work,
        seed=0,
        wall_s=WALL_S,
        memory_mb=MEMORY_MB,
        output_mb=OUTPUT_MB,
    )
    try:
        outcome = sandbox().run(job, stop=services.evaluator.stop)
    finally:
        remove_work_dir(work)
    if outcome.reason == "stopped":
        raise RunStopped("the look in flight was stopped")
    end = "" if outcome.reason == "ok" else f"\n[it ended with {outcome.limit or outcome.reason}]"
    return (capped(outcome.log, SHOWN).strip() or "[nothing was printed]") + end


def written(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}")
    draft.write_text(text, encoding="utf-8", errors="replace")
    draft.replace(path)
