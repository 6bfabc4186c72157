"""Calls somebody's own grader, in a sandbox, for as long as it is asked to. Started there as a program of its own.

What it is asked comes in by the socket that is its standard input, pickled by the agent: first (module or file,
function), then (submission, answers, rows) again and again. It answers with lines of JSON, {"value": x} or
{"error": text}: one for each array of positions in `rows`, or one for the whole tables where `rows` is None.
"""

import importlib
import importlib.util
import json
import pickle
import socket
import sys
from collections.abc import Callable
from typing import Any


def _said(error: BaseException) -> dict[str, str]:
    reason = (str(error).strip() or "no reason given").splitlines()[0][:300]
    return {"error": f"{type(error).__name__}: {reason}"}


def load(where: str, function: str) -> Callable[..., Any] | None:
    """The function of a file or of an installed module; None if there is no such function in it."""
    if where.endswith(".py"):
        spec = importlib.util.spec_from_file_location("own_grader", where)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    else:
        module = importlib.import_module(where)
    found = getattr(module, function, None)
    return found if callable(found) else None


def value(grade: Callable[..., Any], submission: Any, answers: Any, rows: Any) -> dict[str, Any]:
    """The answer on these rows of both tables."""
    try:
        tables = [table if rows is None else table.iloc[rows] for table in (submission, answers)]
        return {"value": float(grade(*(table.reset_index(drop=True) for table in tables)))}
    except Exception as error:  # whatever a stranger's code raises is a fact about these predictions
        return _said(error)


def main() -> None:
    """Answer until the other side closes."""
    with socket.socket(fileno=0) as channel, channel.makefile("rwb") as stream:

        def answer(line: dict[str, Any]) -> None:
            stream.write(json.dumps(line).encode() + b"\n")
            stream.flush()

        try:
            grade = load(*pickle.load(stream))
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
