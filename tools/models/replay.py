"""Replaying a run: the exchanges of an earlier one in place of a model."""

import shutil
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatResult

from gome.state.errors import GomeError, StepFailed
from gome.tools.records.jsonl import read_lines

PREFIX = "replay:"


class RecordedModel(BaseChatModel):
    """Asked only for what the journal does not hold, and has nothing to say then: the step fails."""

    source: str

    @property
    def _llm_type(self) -> str:
        return "recorded"

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        raise StepFailed(f"{self.source} holds no reply to this request")


def recorded(spec: str) -> Path | None:
    """The exchanges that 'replay:FILE' or 'replay:RUN_FOLDER' names; None for another model.

    Raises GomeError if there are none in it.
    """
    if not spec.startswith(PREFIX):
        return None
    path = Path(spec.removeprefix(PREFIX))
    path = path / "exchanges.jsonl" if path.is_dir() else path
    if not path.is_file() or not any("reply" in exchange for exchange in read_lines(path)):
        raise GomeError(f"model {spec!r}: {path} holds no recorded exchanges; name a run's exchanges.jsonl")
    return path.resolve()


def lay_in(spec: str, journal: Path) -> None:
    """Begin a new run's journal with the exchanges that `spec` names, if it names some."""
    if source := recorded(spec):
        shutil.copyfile(source, journal)
