"""A whole run as one LangChain tool, for an agent that has a prediction task to hand on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.config import get_stream_writer
from langgraph.graph.state import CompiledStateGraph
from pydantic import BaseModel, Field

from gome.cli.summary import summary_lines
from gome.graph.run import build_graph
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.state.plain import JsonObject
from gome.tools.execution.job import Executor

NAME = "improve_program"
DESCRIPTION = (
    "Machine-learning engineering: writes a program that learns from a training table and predicts the test rows, "
    "measures it on rows whose labels it never sees, and improves it step by step until its budget ends. Takes "
    "minutes to hours. Returns the score and the paths of the predictions and of the program."
)


class Request(BaseModel):
    """What the agent says to the tool."""

    task: str = Field(description="Path of a task folder, or of one CSV or Parquet table.")
    target: str | None = Field(default=None, description="Column to predict; needed for one table.")
    metric: str | None = Field(
        default=None, description="Metric, e.g. rmse or roc_auc; needed for one table."
    )


def as_tool(
    config: RunConfig | None = None,
    *,
    models: Mapping[str, BaseChatModel] | None = None,
    executor: Executor | None = None,
    name: str = NAME,
    description: str = DESCRIPTION,
) -> BaseTool:
    """A tool that makes a run of its own at every call, within the budget of `config`, which the agent cannot raise.

    Its answer is a text for the agent, its artifact the graph's output {'run_dir', 'result'}; what is wrong with a task
    comes back as text, so that the agent can mend its call. Progress streams through the calling graph, as its own
    custom events (`stream_mode="custom"`; with `subgraphs=True` also under the run's namespace), and reviews surface as
    its interrupts. `models` and `executor`: as in `build_graph`.
    """
    base = config or RunConfig()
    if base.run_dir:
        raise GomeError(
            "a tool makes a folder for each call: leave run_dir empty, and set runs_dir if you like"
        )
    graph = build_graph(models=models, executor=executor).compile(name="gome")

    def improve(
        task: str, target: str | None = None, metric: str | None = None
    ) -> tuple[str, JsonObject | None]:
        given = {k: v for k, v in (("target", target), ("metric", metric)) if v}
        try:
            output = _streamed(graph, task, base.model_copy(update=given))
        except GomeError as error:
            return f"The run could not be made: {error}", None
        return "\n".join(summary_lines(Path(output["run_dir"]))), output

    return StructuredTool.from_function(
        improve,
        name=name,
        description=description,
        args_schema=Request,
        response_format="content_and_artifact",
    )


def _streamed(
    graph: CompiledStateGraph[Any, RunConfig, Any, Any], task: str, config: RunConfig
) -> JsonObject:
    """The graph's output; its progress is written on as progress of the graph that called the tool, if there is one."""
    try:
        write = get_stream_writer()
    except (RuntimeError, KeyError):  # the tool was called by itself
        write = _nobody
    output: JsonObject = {}
    root: object = None
    parts = graph.stream({"task": task}, context=config, stream_mode=["custom", "values"], subgraphs=True)
    for part in parts:
        namespace, mode, value = cast(tuple[object, str, JsonObject], part)
        root = namespace if root is None and mode == "values" else root
        if mode == "custom":
            write(value)
        elif namespace == root:
            output = value
    return output


def _nobody(event: object) -> None:
    """Where nobody listens."""
