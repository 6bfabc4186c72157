"""The example notebook runs as it is, and shows what it is said to show."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.slow
NOTEBOOK = Path(__file__).resolve().parents[2] / "examples" / "notebook.ipynb"


def test_the_example_notebook(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pages = [output["data"].get("text/html", "") for output in shown if "data" in output]
    words = "".join(output.get("text", "") for output in shown)
    assert (
        sum(page.startswith("<pre") and "accepted" in page for page in pages) == 1
    )  # progress: one output, renewed in place
    assert any("<th" in page and "held back" in page for page in pages)  # the run itself
    assert any("<iframe" in page for page in pages)
    assert "on rows that Gome kept aside" in words
    assert any(
        "## What was chosen" in output["data"].get("text/markdown", "")
        for output in shown
        if "data" in output
    )
