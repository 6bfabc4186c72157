"""How the code base stands, counted: of this checkout, or of two beside one another.

python -m benchmarks.house.run
python -m benchmarks.house.run --beside CHECKOUT     # the same of another checkout
"""

import argparse
import ast
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parents[2]
FOLDERS = ("state", "tools", "optimizer", "agents", "offline", "graph", "gome", "tests")
UNTYPED = re.compile(r"\bdict\[str, Any\]")
ALIAS = re.compile(r"\bJsonObject\b")
STEP = Path(__file__).with_name("one_step.py")

KINDS: dict[str, Callable[[str], bool]] = {
    "the offline reasoner's": lambda name: "offline/" in name,
    "prompt templates": lambda name: name.endswith(".md"),
    "`tools/`": lambda name: name.startswith("tools/"),
    "roles, optimizer, graph, state": lambda name: (
        not ("offline/" in name or name.endswith(".md") or name.startswith("tools/"))
    ),
}
"""Of the files that a step enters: in which part of the code base they lie."""


class Function(NamedTuple):
    """A function, and how many lines it has, its docstring and decorators included."""

    lines: int
    name: str


def sources(checkout: Path, folder: str) -> list[Path]:
    """Python files of a top-level folder; links in gome/ lead to the other folders and are not followed."""
    top = checkout / folder
    linked = [path for path in top.iterdir() if path.is_symlink()] if top.is_dir() else []
    return [p for p in sorted(top.rglob("*.py")) if not any(p.is_relative_to(link) for link in linked)]


def product(checkout: Path) -> list[Path]:
    """Python files of all folders but the tests."""
    return [path for folder in FOLDERS if folder != "tests" for path in sources(checkout, folder)]


def lines_of(path: Path) -> int:
    """Lines of a file, blank ones too."""
    return len(path.read_text(encoding="utf-8").splitlines())


def functions(checkout: Path) -> Iterator[Function]:
    """All functions and methods of the product."""
    for path in product(checkout):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{path.relative_to(checkout)}: {node.name}"
                yield Function((node.end_lineno or node.lineno) - node.lineno + 1, name)


def fullest_room(checkout: Path) -> tuple[int, str]:
    """The folder with the most Python files of its own, and their number."""
    count = Counter(str(path.parent.relative_to(checkout)) for path in product(checkout))
    name, files = count.most_common(1)[0]
    return files, name


def glossary_words(checkout: Path) -> int | None:
    """Terms in docs/glossary.md; None where there is no glossary."""
    page = checkout / "docs/glossary.md"
    if not page.is_file():
        return None
    return sum(line.startswith("| **") for line in page.read_text(encoding="utf-8").splitlines())


def matching_lines(checkout: Path, pattern: re.Pattern[str]) -> int:
    """Lines of the product in which the pattern stands, imports left out."""
    texts = (path.read_text(encoding="utf-8") for path in product(checkout))
    return sum(
        bool(pattern.search(line)) and " import " not in line for text in texts for line in text.splitlines()
    )


def step_files(checkout: Path) -> list[str]:
    """Files of the checkout that one step enters: its second one, an edit, with a scripted model (`one_step.py`)."""
    with tempfile.TemporaryDirectory(prefix="gome-house-") as work:
        done = subprocess.run(
            [sys.executable, str(STEP), str(checkout), work], capture_output=True, text=True, cwd=checkout
        )
    if done.returncode:
        raise RuntimeError(f"one step of {checkout}: {done.stderr[-2000:]}")
    return list(json.loads(done.stdout.splitlines()[-1]))


def figures(checkout: Path) -> dict[str, str]:
    """What is counted, and the figure, in words."""
    found: dict[str, str] = {}
    for folder in FOLDERS:
        paths = sources(checkout, folder)
        found[f"`{folder}/`: files, lines"] = f"{len(paths)}, {sum(map(lines_of, paths)):,}"
    files = product(checkout)
    found["all but tests: files, lines"] = f"{len(files)}, {sum(map(lines_of, files)):,}"
    longest = max(files, key=lines_of)
    found["longest module"] = f"{lines_of(longest)} ({longest.relative_to(checkout)})"
    every = sorted(functions(checkout), reverse=True)
    found["longest function"] = f"{every[0].lines} ({every[0].name})"
    found["functions over 40 lines, over 50"] = (
        f"{sum(f.lines > 40 for f in every)}, {sum(f.lines > 50 for f in every)} of {len(every):,}"
    )
    found["median function, lines"] = str(every[len(every) // 2].lines)
    most, room = fullest_room(checkout)
    found["most files in one folder"] = f"{most} ({room})"
    found["lines with `dict[str, Any]`"] = str(matching_lines(checkout, UNTYPED))
    found["lines with its alias `JsonObject`"] = str(matching_lines(checkout, ALIAS))
    found["terms in the glossary"] = str(glossary_words(checkout) or "no glossary")
    entered = step_files(checkout)
    found["files that one step enters"] = str(len(entered))
    found |= {f"of them {kind}": str(sum(map(has, entered))) for kind, has in KINDS.items()}
    return found


def main() -> None:
    """Count, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--beside", type=Path, metavar="CHECKOUT", help="another checkout of Gome")
    given = parser.parse_args()
    checkouts = {given.beside.name: given.beside.resolve()} if given.beside else {}
    table = {name: figures(checkout) for name, checkout in {**checkouts, "now": HERE}.items()}
    print(f"| what | {' | '.join(table)} |\n| --- |{' --- |' * len(table)}")
    for what in table["now"]:
        print(f"| {what} | {' | '.join(row[what] for row in table.values())} |")


if __name__ == "__main__":
    main()
