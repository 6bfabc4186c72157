"""Hooks of mkdocs: what a page says of the code is taken from the code when the page is built.

`<!-- drawing: run -->`, `<!-- drawing: trace -->` become pictures of the compiled graphs, `<!-- fields: module:Model -->`
a table of a pydantic model's fields.
"""

import importlib
import re
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

sys.path.insert(0, str(Path(__file__).parent))  # mkdocs loads hooks by path, not as a package

from drawing import graphs, svg

_DRAWING = re.compile(r"<!-- drawing: (\w+) -->")
_FIELDS = re.compile(r"<!-- fields: ([\w.]+):(\w+) -->")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put drawings and tables in their places. KeyError or AttributeError for what there is not."""
    markdown = _DRAWING.sub(lambda match: svg(graphs()[match[1]]), markdown)
    return _FIELDS.sub(lambda match: table(getattr(importlib.import_module(match[1]), match[2])), markdown)


def table(model: type[BaseModel]) -> str:
    """Name, default and description of each field."""
    rows = [
        f"| `{name}` | {'needed' if field.is_required() else f'`{field.get_default(call_default_factory=True)!r}`'} "
        f"| {(field.description or '').replace('|', '&#124;')} |"
        for name, field in model.model_fields.items()
    ]
    return "\n".join(["| field | default | meaning |", "| --- | --- | --- |", *rows])
