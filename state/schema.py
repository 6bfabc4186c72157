"""The channels of the two graphs. Plain JSON types, a few kB, flat in the number of steps."""

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from gome.state.in_flight import Incumbent, StepInFlight, TraceSummary
from gome.state.reducers import latest_summaries, upsert_momentum, upsert_recent
from gome.state.result import Result
from gome.state.step import StepBrief


class RunInput(TypedDict, total=False):
    """What a run is given: its task by path, or, as one table, by the rows themselves."""

    task: Annotated[str, Field(description="Path of a task folder, or of one CSV or Parquet table.")]
    rows: Annotated[
        str | list[dict[str, Any]] | dict[str, list[Any]] | None,
        Field(
            description="Instead of a path: the table itself, as CSV text, as one object for each row, "
            "or as one list for each column; in a program also a DataFrame. The "
            "configuration then says what to predict, `target`, and by which `metric` it is graded."
        ),
    ]


class RunOutput(TypedDict, total=False):
    """What a run gives back: its folder and its result (see result.json)."""

    run_dir: str
    result: Result


class Shared(TypedDict, total=False):
    """What traces and the run graph share.

    `records` are the last few steps of each trace in brief, `momentum` the remembered steps most worth having,
    `traces` one summary per trace (keyed by its number as text): step, incumbent, ended.
    """

    records: Annotated[list[StepBrief], upsert_recent]
    momentum: Annotated[list[StepBrief], upsert_momentum]
    traces: Annotated[dict[str, TraceSummary], latest_summaries]


class RunState(RunInput, Shared, total=False):
    """State of the run graph. `rows` are let go of as soon as they are in a file."""

    run_dir: str
    until: int
    ensemble: dict[str, float]
    result: Result
    next: str


class TraceState(Shared, total=False):
    """State of one trace. `work` is the step in flight; programs and logs in it are artifact references."""

    run_dir: str
    trace: int
    step: int
    until: int
    incumbent: Incumbent | None
    work: StepInFlight
    next: str


class SingleTraceState(RunInput, TraceState, total=False):
    """State of the graph of one trace, which is a run of its own."""

    ensemble: dict[str, float]
    result: Result


class TraceOutput(Shared, total=False):
    """What a trace hands to the join: only channels that have a reducer, so that traces can end together."""
