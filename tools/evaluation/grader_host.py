"""Calls somebody's own grader, in a sandbox, for as long as it is asked to. Started there as a program of its own.

What it is asked comes in by the socket that is its standard input, pickled by the agent: first (module or file,
function, id of the competition), then (submission, answers, rows) again and again. It answers with lines of JSON,
{"value": x} or {"error": text}: one for each array of positions in `rows`, or one for the whole tables where `rows` is
None.
"""

import importlib
import importlib.util
import json
import pickle
import socket
import sys
import traceback
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHAINED = "chained assignment changes nothing from pandas 3 on: write table.loc[rows, column] = value"


def _said(error: BaseException) -> dict[str, str]:
    """What was raised, in one line; of an assignment without an effect where it stands, and what to write instead."""
    reason = (str(error).strip() or "no reason given").splitlines()[0][:300]
    if type(error).__name__ == "ChainedAssignmentError":
        task = f"{Path('input').resolve()}/"
        own = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(task)]
        where = f"line {own[-1].lineno} of {own[-1].filename.removeprefix(task)}: " if own else ""
        return {"error": f"{where}{CHAINED}"}
    return {"error": f"{type(error).__name__}: {reason}"}


def _in_mlebench(file: Path, competition: str) -> str:
    """Name a grader's file as MLE-bench does, and give it what graders import from there: their error, and the modules
    beside them. Of a checkout that the file lies in, the rest of the benchmark as well."""
    above = file.parents
    inside = len(above) > 2 and (above[1].name, above[2].name) == ("competitions", "mlebench")
    package = f"mlebench.competitions.{competition}"
    folders = {"mlebench": above[2:3], "mlebench.competitions": above[1:2]} if inside else {}
    for name in ("mlebench", "mlebench.competitions", package):
        module = types.ModuleType(name)
        module.__path__ = [str(above[0])] if name == package else [str(f) for f in folders.get(name, ())]
        sys.modules[name] = module
    helpers = types.ModuleType("mlebench.grade_helpers")
    error = type("InvalidSubmissionError", (Exception,), {"__module__": helpers.__name__})
    helpers.InvalidSubmissionError = error  # type: ignore[attr-defined]
    sys.modules[helpers.__name__] = helpers
    return f"{package}.{file.stem}"


def load(where: str, function: str, competition: str) -> Callable[..., Any] | None:
    """The function of a file or of an installed module; None if there is no such function in it."""
    if where.endswith(".py"):
        file = Path(where).resolve()
        spec = importlib.util.spec_from_file_location(_in_mlebench(file, competition), file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    else:
        module = importlib.import_module(where)
    found = getattr(module, function, None)
    return found if callable(found) else None


def _refuse_chained() -> None:
    """A grader that was written for older pandas would give another value, and say so in a warning that nobody sees."""
    import pandas

    warnings.simplefilter("error", pandas.errors.ChainedAssignmentError)  # type: ignore[attr-defined]


def value(grade: Callable[..., Any], submission: Any, answers: Any, rows: Any) -> dict[str, Any]:
    """The answer on these rows of both tables; on all that is given where `rows` is None."""
    try:
        given = [table if rows is None else table.iloc[rows] for table in (submission, answers)]
        given = [g if isinstance(g, list) else g.reset_index(drop=True) for g in given]
        with warnings.catch_warnings():
            _refuse_chained()
            return {"value": float(grade(*given))}
    except Exception as error:  # whatever a stranger's code raises is a fact about these predictions
        return _said(error)


def main() -> None:
    """Answer until the other side closes."""
    with socket.socket(fileno=0) as channel, channel.makefile("rwb") as stream:

        def answer(line: dict[str, Any]) -> None:
            stream.write(json.dumps(line).encode() + b"\n")
            stream.flush()

        try:
            grade = load(*pickle.load(stream)[0])
        except (Exception, SystemExit) as error:
            return answer(_said(error))
        answer({"value": float(grade is not None)})
        while grade is not None:
            try:
                submission, answers, sets = pickle.load(stream)
            except EOFError:
                return
            for rows in [None] if sets is None else sets:
                answer(value(grade, submission, answers, rows))


if __name__ == "__main__":
    main()
