"""Each reader of foreign bytes, for some seconds and always on the same inputs; benchmarks/fuzz goes on for hours."""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name.replace(" ", "-"))
def test_reader(target: Target) -> None:
    @settings(
        max_examples=target.examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # benchmarks/fuzz --shrink makes a finding small
    )
    @given(target.inputs)
    def holds(read: Any) -> None:
        target(read)

    holds()
