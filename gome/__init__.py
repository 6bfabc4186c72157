"""Gome: a training program improved by directed steps, on LangGraph.

`fit` makes a run of a table or a task folder, `load` opens one; `GomeClassifier` and `GomeRegressor` are estimators in
the manner of scikit-learn. `build_graph` gives the whole run as a graph to compile or to add to your own, `build_trace`
one trace of it, `as_tool` a tool for an agent. They load when first used: `import gome` takes milliseconds.
"""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gome.face.estimators import GomeClassifier, GomeRegressor
    from gome.face.fitting import afit, fit, load
    from gome.face.run import Run
    from gome.graph.run import build_graph
    from gome.graph.trace import build_trace
    from gome.state.config import RunConfig
    from gome.state.errors import GomeError
    from gome.tool import as_tool

# A checkout whose links (gome/graph -> ../graph ...) became text files, as on Windows or in some archives,
# still imports: the sub-packages are then found beside this folder.
_root = Path(__file__).resolve().parent.parent
if (_root / "pyproject.toml").is_file():
    __path__.append(str(_root))

__version__ = "0.1.0"
__all__ = [
    "GomeClassifier",
    "GomeError",
    "GomeRegressor",
    "Run",
    "RunConfig",
    "afit",
    "as_tool",
    "build_graph",
    "build_trace",
    "fit",
    "load",
]

_HOMES = {
    "GomeClassifier": "gome.face.estimators",
    "GomeRegressor": "gome.face.estimators",
    "Run": "gome.face.run",
    "afit": "gome.face.fitting",
    "fit": "gome.face.fitting",
    "load": "gome.face.fitting",
    "GomeError": "gome.state.errors",
    "RunConfig": "gome.state.config",
    "as_tool": "gome.tool",
    "build_graph": "gome.graph.run",
    "build_trace": "gome.graph.trace",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
