"""Templates of plain text: prompts, programs, the words beside an exported solution."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def text_templates(folder: Path, **filters: Callable[..., Any]) -> Environment:
    """The templates of a folder, rendered as they stand. A name that is not given is an error, an included file ends its
    last line itself, and nothing is escaped: markup for a browser would corrupt programs."""
    made = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    made.filters.update(filters)
    return made
