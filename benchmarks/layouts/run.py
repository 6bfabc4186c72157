"""What becomes of prepared competitions of any layout, without a model, and with the adapters of a played surveyor.

    python -m benchmarks.layouts.run FOLDER [NAME ...] [--runs DIR] [--seconds N] [--write]

FOLDER/NAME/prepared/public is given to `gome run` with the offline reasoner, one step. Where Gome asks for a metric or a
positive class, it is given the right one (expected.py) and told so in the table. What is handed over is graded on the
answers in prepared/private, which no run has seen. Runs are kept under DIR; one that is there is not run again.
Where nothing could be held back and adapters/NAME.py is there, a second run is given it: that file is what a surveyor,
played by hand, wrote from its requests.
"""

import argparse
import io
import json
import re
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from benchmarks.layouts.expected import DIRECTION, METRICS, POSITIVE, SAME
from benchmarks.layouts.private import private_score
from gome.cli.main import main
from gome.formatting import score_text
from gome.run_folder import RunFolder
from gome.state.errors import GomeError
from gome.state.task import UNNAMED, Task
from gome.tools.data.tables import read_cells

HERE = Path(__file__).resolve().parent
ADAPTERS = HERE / "adapters"
LIMITS = ("--traces", "1", "--steps", "1", "--finalists", "1", "--selection-seeds", "1")
ASKED = {"metric": METRICS, "positive": POSITIVE, "direction": DIRECTION}
MARK = "<!-- table -->"


@dataclass
class Row:
    """A line of the table, cells as they are printed."""

    task: str
    rung: str = "refused"
    asked: str = ""
    metric: str = ""
    right: str = ""
    graded: str = ""
    surveyed: str = ""
    valid: str = ""
    harness: str = ""
    private: str = ""
    said: str = ""


def measured(folder: Path, run_dir: Path, seconds: str) -> Row:
    """Run the task for so many `seconds` and say what came of it."""
    row, given = Row(folder.name), dict[str, str]()
    refused = ""
    while not (run_dir / "result.json").is_file():
        refused = _run(folder, run_dir, given, seconds)
        asked = [
            s for s in re.findall(r"--(\w+)", refused) if folder.name in ASKED.get(s, {}) and s not in given
        ]
        if not asked:
            break
        given[asked[0]] = ASKED[asked[0]][folder.name]
        (run_dir.parent / f"{folder.name}.asked").write_text(", ".join(given))
    asked_file = run_dir.parent / f"{folder.name}.asked"
    row.asked = asked_file.read_text() if asked_file.is_file() else ""
    if not (run_dir / "run.json").is_file():
        row.said = refused.replace(str(folder / "prepared" / "public"), "").strip("/: ")[:140]
        return row
    run = json.loads((run_dir / "run.json").read_text())
    task = Task(**run["task"])
    result = RunFolder.read(run_dir).result or {}
    row.rung = "self-reported" if task.self_reported else "adapter" if task.adapter else "tables"
    row.rung = "convention" if task.conventions else row.rung
    row.metric, row.right = task.metric.split(",")[0], _is_right(folder.name, task.metric)
    row.graded = "" if task.self_reported else "yes"
    if task.self_reported and (adapter := ADAPTERS / f"{folder.name}.py").is_file():
        run_dir = run_dir.with_name(f"{folder.name}.surveyed")
        surveyed = _with_adapter(row, folder, run_dir, adapter, seconds)
        if surveyed is None:
            return row
        task = surveyed
        result = RunFolder.read(run_dir).result or {}
    row.valid = "yes" if _valid(task, folder, run_dir) else "no"
    best = result.get("best")
    score = best and (best["selection"] or best["search"])
    score = score or (result.get("naive", {}).get("selection") if row.surveyed else None)
    row.harness = score_text(score["value"], score["stderr"]) if score else ""
    row.private = private_score(
        task, folder / "prepared" / "private", run_dir / "solution" / "submission.csv"
    )
    row.said = _why_constant(result.get("problems", [])) if not score else ""
    return row


def _with_adapter(row: Row, folder: Path, run_dir: Path, adapter: Path, seconds: str) -> Task | None:
    """The task as it is with the adapter, said in the row; None if it does not pass the checks."""
    refused = ""
    if not (run_dir / "result.json").is_file():
        refused = _run(folder, run_dir, {"adapter": str(adapter)}, seconds)
    if not (run_dir / "run.json").is_file():
        row.surveyed, row.said = "no", refused.replace(str(adapter), "").strip("/: ")[:140]
        return None
    task = Task(**json.loads((run_dir / "run.json").read_text())["task"])
    own = task.metric.startswith("adapter.py:")
    row.surveyed = "yes, own grader" if own else f"yes, {task.metric}"
    if not own and _is_right(folder.name, task.metric) != "yes":
        row.surveyed = f"wrong metric: {task.metric}"
    return task


def _why_constant(problems: list[str]) -> str:
    """Why no program was accepted, as far as more is said than that."""
    said = [line.removeprefix("no program was accepted").removeprefix("; ") for line in problems]
    return "; ".join(line for line in said if line and "is a constant prediction" not in line)[:140]


def _run(folder: Path, run_dir: Path, given: dict[str, str], seconds: str) -> str:
    """The last line of a run that was refused; '' if it was not."""
    said = [word for name, value in given.items() for word in (f"--{name}", value)]
    limits = ("--time-limit-s", seconds, *LIMITS)
    command = ["run", str(folder / "prepared"), "--run-dir", str(run_dir), *limits, *said]
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as errors:
        code = main(command)
    return (errors.getvalue().strip().splitlines() or [""])[-1] if code == 2 else ""


def _is_right(name: str, metric: str) -> str:
    if name not in METRICS or metric == UNNAMED:
        return "?"
    return "yes" if metric in {METRICS[name], *SAME.get(METRICS[name], ())} else "NO"


def _valid(task: Task, folder: Path, run_dir: Path) -> bool:
    """Whether the submission has columns and ids of the sample that the task came with."""
    public = folder / "prepared" / "public"
    sample = public / task.sample if (public / task.sample).is_file() else Path(task.root) / task.sample
    try:
        given, real = read_cells(run_dir / "solution" / "submission.csv"), read_cells(sample)
    except GomeError:
        return False
    same = list(given.columns) == list(real.columns) and len(given) == len(real)
    return same and all((given[c].astype(str) == real[c].astype(str)).all() for c in task.ids)


def table(rows: list[Row]) -> str:
    """The rows and their counts, as Markdown."""
    head = [f.name for f in fields(Row)]
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    lines += [
        "| " + " | ".join(str(v).replace("|", "/") for v in asdict(row).values()) + " |" for row in rows
    ]
    rungs = Counter(row.rung for row in rows)
    good = sum(row.graded == "yes" and row.right == "yes" for row in rows)
    bad, valid = sum(row.right == "NO" for row in rows), sum(row.valid == "yes" for row in rows)
    surveyed = sum(row.surveyed.startswith("yes") for row in rows)
    counts = [f"{count} {rung}" for rung, count in rungs.most_common()]
    return "\n".join(
        [
            f"{len(rows)} tasks: {', '.join(counts)}. Graded on hidden units by the right metric: {good}; by a wrong "
            f"one: {bad}; with adapters of a played surveyor: {good + surveyed}. With a valid submission: {valid}.",
            "",
            *lines,
        ]
    )


def _main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--runs", type=Path, default=Path("runs/layouts"))
    parser.add_argument("--seconds", default="600", help="the time limit of each run")
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    arguments = parser.parse_args()
    folders = sorted(p for p in arguments.folder.iterdir() if (p / "prepared" / "public").is_dir())
    arguments.runs.mkdir(parents=True, exist_ok=True)
    rows = []
    for folder in folders:
        if not arguments.names or folder.name in arguments.names:
            run_dir = (arguments.runs / folder.name).resolve()
            rows.append(measured(folder.resolve(), run_dir, arguments.seconds))
            print(*asdict(rows[-1]).values(), sep=" | ", flush=True)
    print(table(rows))
    if arguments.write:
        page = HERE / "README.md"
        page.write_text(page.read_text().split(MARK)[0] + f"{MARK}\n\n{table(rows)}\n")


if __name__ == "__main__":
    _main()
