"""What a trace viewer (LangSmith, OpenTelemetry) is told of a run's parts, by LangChain's callbacks.

Off unless the ecosystem's own switches turn tracing on. Names and labels say where in the run a call stands; programs'
runs are spans of their own, with figures and without what they read or wrote.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config, get_callback_manager_for_config

from gome.state.errors import GaveWay, RunStopped
from gome.state.parts import Evaluation
from gome.state.plain import JsonObject


def labels(name: str, **where: str | int | None) -> RunnableConfig:
    """A config that names a call and labels it: metadata `gome_trace=0 ...`, tags `trace:0 ...`; None is left out."""
    known = {key: value for key, value in where.items() if value is not None}
    return RunnableConfig(
        run_name=name,
        tags=[f"{key}:{value}" for key, value in known.items()],
        metadata={f"gome_{key}": value for key, value in known.items()},
    )


@contextmanager
def span(name: str, **where: str | int | None) -> Iterator[JsonObject]:
    """A span under the node at work; what is put into the yielded dict are its outputs. An error leaves its kind only."""
    manager = get_callback_manager_for_config(ensure_config(labels(name, **where)))
    run = manager.on_chain_start({}, {}, name=name)
    outputs: JsonObject = {}
    try:
        yield outputs
    except (GaveWay, RunStopped):
        run.on_chain_end({"status": "stopped"})
        raise
    except BaseException as error:
        run.on_chain_error(RuntimeError(type(error).__name__))  # the text of an error may hold data
        raise
    run.on_chain_end(outputs)


def figures_of(evaluation: Evaluation) -> JsonObject:
    """The outputs of a program's span: how it ended, its score, its cost."""
    score = evaluation["score"]
    return {
        "status": evaluation["status"],
        "score": score["value"] if score else None,
        "seconds": evaluation["seconds"],
        "peak_mb": evaluation["peak_mb"],
    }
