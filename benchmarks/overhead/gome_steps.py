"""Steps of Gome, timed. Prints a line of JSON."""

import json
import sys
import time

from gome.driver import drive, prepare
from gome.state.config import RunConfig
from gome.state.event import Event


def main(task: str, steps: int, url: str, run_dir: str) -> None:
    """Take so many steps on the task, with the model at `url`; the first one, which sets things up, is not timed."""
    config = RunConfig(
        run_dir=run_dir,
        model="openai:loopback",
        base_url=url,
        traces=1,
        steps=steps + 1,
        finalists=1,
        selection_seeds=1,
    )
    marks: list[tuple[float, float]] = []

    def observe(event: Event) -> None:
        if "verdict" in event:
            marks.append((time.perf_counter(), time.process_time()))

    drive(prepare(task, config), observe)
    wall, cpu = (t1 - t0 for t0, t1 in zip(marks[0], marks[-1], strict=True))
    print(json.dumps({"steps": len(marks) - 1, "wall": wall, "cpu": cpu}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
