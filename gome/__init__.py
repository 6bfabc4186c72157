"""Gome: a training program improved by directed steps, on LangGraph."""

from pathlib import Path

# A checkout whose links (gome/graph -> ../graph ...) became text files, as on Windows or in some archives,
# still imports: the sub-packages are then found beside this folder.
_root = Path(__file__).resolve().parent.parent
if (_root / "pyproject.toml").is_file():
    __path__.append(str(_root))

__version__ = "0.1.0"
