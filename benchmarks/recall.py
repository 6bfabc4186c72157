"""How long a recall takes among so many steps as two traces recall from: `python -m benchmarks.recall [--steps 2000]`.

Prints CPU seconds of the first recall in a process, which takes all texts apart, and of later ones, and how many times
faster these are.
"""

import argparse
import sys
import time

import numpy as np

from gome.optimizer.momentum import recall
from gome.state.step import StepBrief, brief_from_json

WORDS, A_TEXT, HYPOTHESES, LATER = 3000, 25, 3, 5


def remembered(count: int, rng: np.random.Generator) -> list[StepBrief]:
    """Entries with texts of 25 words drawn from 3,000, half of them accepted."""
    vocabulary = np.array([f"word{i}" for i in range(WORDS)])
    return [
        brief_from_json(
            {
                "trace": 0,
                "step": step,
                "hypothesis": " ".join(rng.choice(vocabulary, A_TEXT)),
                "verdict": "accepted" if step % 2 == 0 else "rejected",
                "gain": float(gain),
                "gain_se": float(gain),
                "score": float(gain),
            }
        )
        for step, gain in enumerate(rng.normal(size=count))
    ]


def main(argv: list[str] | None = None) -> int:
    """Time the recalls; 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=2000)
    count = parser.parse_args(argv).steps
    rng = np.random.default_rng(0)
    rows, seconds = remembered(count, rng), []
    for turn in range(1 + LATER):
        texts = [rows[i]["hypothesis"] + f" {turn}" for i in rng.integers(0, count, HYPOTHESES)]
        start = time.process_time()
        recall(texts, rows, incumbent=0.0, stderr=0.1, sign=1, path_length=turn, rng=rng)
        seconds.append(time.process_time() - start)
    later = float(np.median(seconds[1:]))
    print(
        f"{count} steps: first recall {seconds[0]:.2f} s, later {later:.3f} s, {seconds[0] / later:.0f} times faster"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
