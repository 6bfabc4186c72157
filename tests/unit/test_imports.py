"""Imports run one way, and modules stay small enough to read.

state <- tools <- optimizer <- agents <- graph <- gome; offline stands beside agents, and only the place that makes
models imports it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ["state", "tools", "optimizer", "agents", "offline", "graph", "gome"]
BESIDE = {"agents": {"offline"}, "offline": {"agents", "optimizer"}}
"""Layers below in the list that a layer does not import all the same: the offline reasoner only reads prompts."""
MODEL_MAKER = ROOT / "graph/registry.py"
MAX_LINES = 300


def modules(layer: str) -> list[Path]:
    """The Python files of a layer; links in gome/ lead to the other layers and are not followed."""
    folder = ROOT / layer
    linked = [path for path in folder.iterdir() if path.is_symlink()]
    return [
        path for path in sorted(folder.rglob("*.py")) if not any(path.is_relative_to(link) for link in linked)
    ]


def imported(source: str, package: str) -> Iterator[str]:
    """Absolute names of all that `source`, a module in `package`, imports, inside functions as well."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            yield from (f"{module}.{alias.name}" for alias in node.names)


def layer_of(name: str) -> str | None:
    """The layer that an absolute name belongs to; None outside gome."""
    parts = name.split(".")
    if parts[0] != "gome":
        return None
    return parts[1] if len(parts) > 1 and parts[1] in LAYERS else "gome"


def package_of(path: Path) -> str:
    folder = path.relative_to(ROOT).parent.parts
    return ".".join(folder if folder[0] == "gome" else ("gome", *folder))


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_only_itself_and_those_below(layer: str) -> None:
    allowed = set(LAYERS[: LAYERS.index(layer) + 1]) - BESIDE.get(layer, set())
    if layer != "offline":
        allowed.discard("offline")
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(layer)
        for name in imported(path.read_text(), package_of(path))
        if (seen := layer_of(name)) is not None
        and seen not in allowed
        and not (seen == "offline" and path == MODEL_MAKER)
    ]
    assert not wrong, "\n".join(wrong)


def test_every_layer_is_looked_at() -> None:
    assert all(len(modules(layer)) > 1 for layer in LAYERS)
    assert ROOT / "state/task.py" not in modules("gome")


@pytest.mark.parametrize(
    ("source", "layer"),
    [
        ("from gome.graph.trace import build", "graph"),
        ("def f():\n    import gome.agents.coder", "agents"),
        ("from gome import graph", "graph"),
        ("from ..graph import trace", "graph"),
        ("from gome import build_graph", "gome"),
    ],
)
def test_every_way_to_import_is_seen(source: str, layer: str) -> None:
    assert layer_of(next(imported(source, "gome.tools"))) == layer


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_are_absolute(layer: str) -> None:
    relative = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules(layer)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not relative, "\n".join(relative)


def test_modules_are_short() -> None:
    fetched = ROOT / "examples/data"
    long = [
        f"{path.relative_to(ROOT)}: {lines} lines"
        for folder in (*LAYERS, "examples", "benchmarks")
        for path in modules(folder)
        if not path.is_relative_to(fetched) and (lines := len(path.read_text().splitlines())) > MAX_LINES
    ]
    assert not long, "\n".join(long)
