"""Gome as a tool of a LangChain agent: the agent decides to hand a prediction task on, and reads what came back.

    python -m examples.agent_tool [MODEL]        e.g. openai:gpt-5-mini; needs: pip install langchain

Without a MODEL a stand-in plays the agent, so that this runs without a key: it calls the tool and repeats its answer.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from examples.small import METRIC, TARGET, tidy, write_raw
from gome import RunConfig, as_tool


class StandIn(BaseChatModel):
    """No language model: calls the first tool with `arguments`, then says what the tool said."""

    arguments: dict[str, Any]
    tool: str = ""

    @property
    def _llm_type(self) -> str:
        return "stand-in"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> "StandIn":
        """The same with a tool to call."""
        return self.model_copy(update={"tool": tools[0].name})

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> ChatResult:
        last = messages[-1]
        if isinstance(last, ToolMessage):
            message = AIMessage(f"This came of it:\n{last.text}")
        else:
            message = AIMessage("", tool_calls=[{"name": self.tool, "args": self.arguments, "id": "1"}])
        return ChatResult(generations=[ChatGeneration(message=message)])


def build(agent_model: str | BaseChatModel, config: RunConfig, **models: Any) -> Any:
    """An agent with one tool. The budget is in `config`: the agent chooses the task, not what it may cost."""
    return create_agent(agent_model, tools=[as_tool(config, **models)])


def main(model: str = "") -> None:
    """Asks the agent for a model of one table."""
    with tempfile.TemporaryDirectory() as folder:
        table = str(tidy(write_raw(Path(folder) / "raw.csv"), Path(folder) / "patients.csv"))
        config = RunConfig(
            model=model or "offline", traces=1, steps=2, finalists=1, runs_dir=f"{folder}/runs"
        )
        stand_in = StandIn(arguments={"task": table, "target": TARGET, "metric": METRIC})
        question = f"Which {METRIC} can be reached for the column {TARGET} of {table}?"
        answer = build(model or stand_in, config).invoke({"messages": [("user", question)]})
        print(answer["messages"][-1].text)


if __name__ == "__main__":
    main(*sys.argv[1:2])
