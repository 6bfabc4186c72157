"""Calls one function of an adapter, in a sandbox. Started there as a program of its own, with no package of ours.

The request comes in as JSON by standard input: {"source": the adapter's text, "name": what it is called, "call":
"about", "units" or "carve", "folds": a list of [ids to train on, graded ids]}. The answer is reply.json, {"error": text}
if it went wrong, and beside it units.csv, or for fold N answers.csv and the folder carved/ in a folder N.
"""

import json
import sys
import traceback
import types
import warnings
from pathlib import Path
from typing import Any

SETTINGS = ("sample", "id", "target", "metric", "direction", "problem", "positive")
FUNCTIONS = ("units", "carve", "grade")
CHAINED = "chained assignment changes nothing from pandas 3 on: write table.loc[rows, column] = value"


def load(source: str, name: str) -> types.ModuleType:
    """The adapter as a module."""
    module = types.ModuleType("adapter")
    module.__file__ = name
    sys.modules["adapter"] = module
    exec(compile(source, name, "exec"), module.__dict__)
    return module


def about(module: types.ModuleType) -> dict[str, Any]:
    """Which functions it has, and what it says of the task in plain names."""
    return {
        "functions": [f for f in FUNCTIONS if callable(getattr(module, f, None))],
        "settings": {s: said_as(getattr(module, s)) for s in SETTINGS if hasattr(module, s)},
    }


def said_as(value: Any) -> Any:
    """A setting as text, or as a list of texts."""
    return [str(v) for v in value] if isinstance(value, list | tuple) else str(value)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Do what is asked; what the reply says."""
    public = Path("input").resolve()
    module = load(request["source"], request["name"])
    if request["call"] == "about":
        return about(module)
    _refuse_chained()
    if request["call"] == "units":
        module.units(public).to_csv("units.csv", index=False)
        return {}
    for number, (train, graded) in enumerate(request["folds"]):
        left = Path(str(number)).resolve()
        (left / "carved").mkdir(parents=True)
        module.carve(public, left / "carved", train, graded).to_csv(left / "answers.csv", index=False)
    return {"public": str(public)}


def _refuse_chained() -> None:
    """An adapter that was written for older pandas would lay out something else, with a warning that nobody sees."""
    import pandas

    warnings.simplefilter("error", pandas.errors.ChainedAssignmentError)  # type: ignore[attr-defined]


def said(error: BaseException, name: str) -> str:
    """What was raised, and in which line of the adapter; one line."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == name]
    if isinstance(error, SyntaxError) and error.filename == name:
        lines.append(error.lineno)
    where = f"line {lines[-1]}: " if lines else ""
    if type(error).__name__ == "ChainedAssignmentError":
        return f"{where}{CHAINED}"
    reason = (str(error).strip() or "no reason given").splitlines()[0][:300]
    return f"{where}{type(error).__name__}: {reason}"


def main() -> None:
    """Answer the one request."""
    request = json.load(sys.stdin)
    try:
        reply = answer(request)
    except (Exception, SystemExit) as error:
        reply = {"error": said(error, request["name"])}
    Path("reply.json").write_text(json.dumps(reply), encoding="utf-8")


if __name__ == "__main__":
    main()
