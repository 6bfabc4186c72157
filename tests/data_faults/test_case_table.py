"""Every case that docs/data.md tells is held by the test it names."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_row_names_a_test_that_exists() -> None:
    rows = re.findall(r"^\|.*\| `(\w+\.py)(?:::(\w+))?` \|$", (ROOT / "docs/data.md").read_text(), re.M)
    for file, function in rows:
        source = (ROOT / "tests/data_faults" / file).read_text()
        assert not function or f"def {function}(" in source, f"{file}::{function}"
