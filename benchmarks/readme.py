"""Tables in the READMEs of benchmarks, between the marks `<!-- table -->` and `<!-- end -->`."""

import platform
import sys
from pathlib import Path

from gome import __version__


def put_table(folder: Path, module: str, table: str) -> None:
    """Put the table, and by which command it was made, into README.md of a benchmark's folder."""
    readme = folder / "README.md"
    before, mark, rest = readme.read_text().partition("<!-- table -->\n")
    _, end, after = rest.partition("<!-- end -->\n")
    command = " ".join([f"python -m {module}", *sys.argv[1:]])
    said = f"\nMade by gome {__version__} (Python {platform.python_version()}) with\n\n    {command}\n"
    readme.write_text(f"{before}{mark}{table}\n{said}{end}{after}")
