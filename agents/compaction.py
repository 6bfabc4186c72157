"""What a long run lets go of: the predictions of steps that are long past and were not accepted. Its history stays."""

from gome.tools.services import RunServices

KEPT_WHOLE = 20
"""Last steps of a trace whose predictions are kept though they were not accepted: after a kill the step needs them."""


def compact_before(services: RunServices, trace: int, step: int) -> None:
    """Compact the one step of the trace that has now become old."""
    record = services.history.record(trace, step - KEPT_WHOLE)
    if record and record["verdict"] != "accepted" and record["evaluation"]:
        services.evaluator.results.compact(record["evaluation"]["key"])
