"""The channels of the two graphs. Plain JSON types, a few kB, flat in the number of steps."""

from typing import Annotated

from typing_extensions import TypedDict

from gome.state.reducers import merge_summaries, upsert_memories, upsert_recent


class RunInput(TypedDict):
    """What a run is given: the task, as the path of a task folder or of one table."""

    task: str


class RunOutput(TypedDict, total=False):
    """What a run gives back: its folder and its result (see result.json)."""

    run_dir: str
    result: dict


class Shared(TypedDict, total=False):
    """What traces and the run graph share.

    `records` are the last few steps of each trace in brief, `momentum` the memory entries most worth having,
    `traces` one summary per trace (keyed by its number as text): step, incumbent, ended.
    """

    records: Annotated[list[dict], upsert_recent]
    momentum: Annotated[list[dict], upsert_memories]
    traces: Annotated[dict, merge_summaries]


class RunState(Shared, total=False):
    """State of the run graph."""

    task: str
    run_dir: str
    until: int
    ensemble: dict
    result: dict
    next: str


class TraceState(Shared, total=False):
    """State of one trace. `work` is the step in flight; programs and logs in it are artifact references."""

    run_dir: str
    trace: int
    step: int
    until: int
    incumbent: dict | None
    work: dict
    next: str


class TraceOutput(Shared, total=False):
    """What a trace hands to the join: only channels that have a reducer, so that traces can end together."""
