"""The readers of foreign bytes, fuzzed for as long as one likes: python -m benchmarks.fuzz.run --minutes 60."""

import argparse
import itertools
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from benchmarks.faults.watch import as_table
from tests.fuzz.target import LONGEST, Target
from tests.fuzz.targets import TARGETS

A_ROUND = 100


@dataclass
class Tally:
    """What became of one target: inputs read, the slowest in seconds of the processor, findings by their last line."""

    inputs: int = 0
    seconds: float = 0.0
    slowest_s: float = 0.0
    findings: Counter[str] = field(default_factory=Counter)

    def as_row(self, name: str) -> dict[str, Any]:
        """A line of the table."""
        found = "; ".join(f"{line} ({n}x)" for line, n in self.findings.most_common()) or "none"
        took = {"inputs": f"{self.inputs:,}", "seconds": f"{self.seconds:.0f}"}
        return {"reader": name, **took, "slowest input, CPU s": f"{self.slowest_s:.2f}", "found": found}


def one_round(target: Target, number: int, tally: Tally, *, shrink: bool) -> None:
    """`A_ROUND` inputs made from one seed; a finding ends it, is printed, if asked for made small, and counted."""

    @seed(number)
    @settings(
        max_examples=A_ROUND,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, *([Phase.shrink] if shrink else [])],
    )
    @given(target.inputs)
    def holds(read: Any) -> None:
        tally.inputs += 1
        tally.slowest_s = max(tally.slowest_s, target(read))

    began = time.monotonic()
    try:
        holds()
    except Exception as error:
        line = traceback.format_exception_only(error)[0].strip()[:120]
        if line not in tally.findings:
            print(
                f"== {target.name}, seed {number}\n{''.join(traceback.format_exception(error))[-6000:]}",
                flush=True,
            )
        tally.findings[line] += 1
    tally.seconds += time.monotonic() - began


def main() -> int:
    """Run rounds of all targets in turn; 1 if anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--only", help="the name of one target")
    parser.add_argument("--seed", type=int, default=0, help="of the first round")
    parser.add_argument("--shrink", action="store_true", help="make findings small, for minutes each")
    arguments = parser.parse_args()
    chosen = [t for t in TARGETS if arguments.only in (None, t.name)]
    if not chosen:
        parser.error(f"targets are: {', '.join(t.name for t in TARGETS)}")
    tallies = {target.name: Tally() for target in chosen}
    end, number = time.monotonic() + 60 * arguments.minutes, arguments.seed
    for target in itertools.cycle(chosen):
        if time.monotonic() >= end:
            break
        one_round(target, number, tallies[target.name], shrink=arguments.shrink)
        number += target is chosen[-1]
    print(as_table([tally.as_row(name) for name, tally in tallies.items()]))
    print(f"seeds {arguments.seed} to {number}, inputs of at most {LONGEST:,} characters")
    return 1 if any(tally.findings for tally in tallies.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
