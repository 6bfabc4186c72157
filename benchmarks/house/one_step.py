"""Which files of a checkout one real step enters, in the order in which it enters them; of any version of Gome.

python benchmarks/house/one_step.py CHECKOUT FOLDER

Runs two steps of one trace on a small table, with the offline reasoner and real programs in a sandbox, in FOLDER. The
step counts from the verdict on the first step to the verdict on the second one: a whole turn of the loop. A file is
entered when a function of it is called; imports do not count, nor what other processes do. The last line is the list as
JSON.
"""

import json
import random
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any


class Entered:
    """The files whose functions are called between two verdicts."""

    def __init__(self, checkout: Path) -> None:
        self.checkout, self.verdicts = checkout, 0
        self.files: dict[str, None] = {}
        self._known: dict[str, str | None] = {}

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        """What `sys.setprofile` calls."""
        code = frame.f_code
        if event != "call" or code.co_name == "<module>":
            return
        if code.co_name == "emit" and "verdict" in frame.f_locals.get("more", {}):
            self.verdicts += 1
        if self.verdicts == 1 and (name := self._name(code.co_filename)):
            self.files.setdefault(name)

    def _name(self, file: str) -> str | None:
        if file not in self._known:
            path = Path(file).resolve()
            ours = file[:1] != "<" and path.is_relative_to(self.checkout) and ".venv" not in path.parts
            self._known[file] = str(path.relative_to(self.checkout)) if ours else None
        return self._known[file]


def write_table(path: Path) -> Path:
    """600 rows: a number that follows from two others and a category, with noise."""
    rng = random.Random(0)
    rows = ["area,age,town,price"]
    for _ in range(600):
        area, age, town = rng.uniform(40, 200), rng.uniform(0, 80), rng.choice("abc")
        price = 2 * area - age + 30 * (town == "a") + rng.gauss(0, 15)
        rows.append(f"{area:.1f},{age:.1f},{town},{price:.1f}")
    path.write_text("\n".join(rows) + "\n")
    return path


def main() -> None:
    """Run the two steps, and print the files."""
    checkout, work = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    sys.path.insert(0, str(checkout))
    from gome import RunConfig, build_graph

    config = RunConfig(
        target="price",
        metric="rmse",
        traces=1,
        steps=2,
        finalists=1,
        selection_seeds=1,
        run_dir=str(work / "run"),
    )
    graph = build_graph(config).compile()
    entered = Entered(checkout)
    threading.setprofile(entered)
    sys.setprofile(entered)
    graph.invoke({"task": str(write_table(work / "houses.csv"))})
    sys.setprofile(None)
    print(json.dumps(list(entered.files)))


if __name__ == "__main__":
    main()
