"""Where the benchmark puts what is given, takes what is made, and leaves us room."""

import os
from dataclasses import dataclass, fields
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """The benchmark's folders, and `agent`, our own."""

    data: Path
    instructions: Path
    submission: Path
    code: Path
    logs: Path
    agent: Path

    @classmethod
    def from_environment(cls) -> "Places":
        """As start.sh says them: DATA_DIR and so on."""
        return cls(*(Path(os.environ[f"{field.name.upper()}_DIR"]) for field in fields(cls)))

    @property
    def run(self) -> Path:
        """The folder of Gome's run."""
        return self.agent / "run"
