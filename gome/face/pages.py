"""What a notebook shows of a run: its summary as a table, its report as a page within the page, words as Markdown."""

import html
import os
from dataclasses import dataclass
from pathlib import Path

from gome.cli.summary import summary_lines


class Words(str):
    """Text that a notebook shows as Markdown."""

    def _repr_markdown_(self) -> str:
        return str(self)


@dataclass(frozen=True)
class Report(os.PathLike[str]):
    """The report of a run: a file, which a notebook shows as it is."""

    path: Path

    def __fspath__(self) -> str:
        return str(self.path)

    def __str__(self) -> str:
        return str(self.path)

    def _repr_html_(self) -> str:
        page = html.escape(self.path.read_text(encoding="utf-8"), quote=True)
        return f'<iframe srcdoc="{page}" style="width:100%;height:70vh;border:1px solid #8884"></iframe>'


def summary_html(run_dir: Path) -> str:
    """What `gome status` prints, as a table."""
    rows = (line.partition(":") for line in summary_lines(run_dir))
    cells = "".join(
        f'<tr><th style="text-align:left">{html.escape(label)}</th><td style="text-align:left">'
        f"{html.escape(text.strip())}</td></tr>"
        for label, _, text in rows
    )
    return f"<table>{cells}</table>"
