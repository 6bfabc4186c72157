"""Steps of AIDE, timed; run by the interpreter of an environment that has `aideml`. Prints a line of JSON."""

import json
import sys
import time

from aide import Experiment


def main(data: str, steps: int) -> None:
    """Take so many steps on the task in `data`, with the model at OPENAI_BASE_URL."""
    experiment = Experiment(data, goal="Predict y.", eval="rmse")
    experiment.cfg.agent.code.model = experiment.cfg.agent.feedback.model = "loopback"
    experiment.run(1)
    began = time.perf_counter(), time.process_time()
    experiment.run(steps)
    ended = time.perf_counter(), time.process_time()
    wall, cpu = (t1 - t0 for t0, t1 in zip(began, ended, strict=True))
    good = len(experiment.journal.good_nodes)
    print(json.dumps({"steps": steps, "wall": wall, "cpu": cpu, "good": good}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
