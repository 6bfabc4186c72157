"""The documents name what is there: every metric, every key of a task file, every option, and files that exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from gome.tools.evaluation import metrics

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/adapters.md",
    "docs/architecture.md",
    "docs/evaluation.md",
    "docs/glossary.md",
    "docs/method.md",
    "docs/mlebench.md",
    "docs/one-step.md",
    "docs/long-runs.md",
    "docs/tasks.md",
    "docs/predict.md",
    "docs/python.md",
    "docs/review.md",
    "docs/runs.md",
    "docs/tracing.md",
    "docs/walks.md",
    "docs/what-a-model-is-sent.md",
]


def section(page: str, heading: str) -> str:
    return (ROOT / page).read_text().split(f"## {heading}\n")[1].split("\n## ")[0]


def test_the_metric_table_is_the_registry() -> None:
    table = next(part for part in section("docs/tasks.md", "Metrics").split("\n\n") if part.startswith("|"))
    assert sorted(re.findall(r"`([^`]+)`", table)) == metrics.names()


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text())
    missing = [link for link in links if "://" not in link and not ((ROOT / page).parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("example", sorted((ROOT / "examples/adapters").glob("*.py")), ids=lambda p: p.stem)
def test_the_worked_examples_are_the_files_that_tests_run(example: Path) -> None:
    assert f"```python\n{example.read_text()}```" in (ROOT / "docs/adapters.md").read_text()


def test_the_readme_uses_options_that_exist() -> None:
    used = {
        option
        for line in (ROOT / "README.md").read_text().splitlines()
        for option in re.findall(r"(--[a-z-]+)", line)
        if "gome" in line or "`--" in line
    }
    known = "".join(
        subprocess.run(
            [sys.executable, "-m", "gome", command, "--help"], capture_output=True, text=True, check=True
        ).stdout
        for command in ("run", "inspect", "report")
    )
    assert used
    assert used <= set(re.findall(r"--[a-z-]+", known))


def test_the_architecture_names_every_folder() -> None:
    named = set(re.findall(r"^\| `([a-z0-9_/]+)/`", (ROOT / "docs/architecture.md").read_text(), re.M))
    tools = {str(path.parent.relative_to(ROOT)) for path in (ROOT / "tools").glob("*/**/__init__.py")}
    assert tools <= named
    assert all((ROOT / name).is_dir() for name in named)


@pytest.mark.parametrize("page", ["docs/glossary.md", "docs/one-step.md", "docs/architecture.md"])
def test_files_that_a_page_names_are_there(page: str) -> None:
    """Paths from the root of the checkout, as `tools/evaluator.py`; a name without a folder is not looked for."""
    named = re.findall(r"`((?:[a-z_0-9]+/)+[a-z_0-9-]+\.(?:py|md|txt|j2))`", (ROOT / page).read_text())
    assert named
    assert not [name for name in named if not (ROOT / name).is_file()]


def test_a_term_stands_once_in_the_glossary() -> None:
    terms = re.findall(r"^\| \*\*([^*]+)\*\*", (ROOT / "docs/glossary.md").read_text(), re.M)
    words = [word for term in terms for word in term.split(", ")]
    assert len(words) == len(set(words)) > 40


def test_the_site_loads_nothing_from_elsewhere() -> None:
    """The theme's search of files would load a script over the network, unless one of ours is named so."""
    named = re.search(r"^extra: \{polyfills: \[(.+?)\]\}", (ROOT / "mkdocs.yml").read_text(), re.M)
    assert named
    assert "iframe-worker" in named[1]
    assert (ROOT / "docs" / named[1]).is_file()
