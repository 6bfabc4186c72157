"""What happens on a Ray cluster of three nodes, for test_ray.py: `python -m tests.ray_cluster FOLDER`.

Started in a network namespace of its own, as Ray listens on the machine's real address otherwise. Writes
FOLDER/said.json, a part for each scene; the test asserts on it.
"""

import json
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import ray
from ray.cluster_utils import Cluster

from gome.graph.run import build_graph
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.tools.execution.job import Job, Outcome
from gome.tools.execution.ray.access import open_ray
from gome.tools.execution.ray.node import Place
from gome.tools.execution.ray.scheduler import RayScheduler
from gome.tools.execution.resources import resources_of
from gome.tools.records.history import History
from tests.real_tasks import write_breast_cancer
from tests.scripted import player

SOLUTION = """\
import csv
rows = list(csv.DictReader(open("input/test.csv")))
with open("submission.csv", "w") as out:
    out.write("id,malignant\\n")
    out.writelines(f"{row['id']},{float(row['COLUMN']) / 4000}\\n" for row in rows)
"""
TELL = """\
import json, os, time
began = time.time()
open("submission.csv", "w").write(f"began {began}")
time.sleep(SECONDS)
print("GOME", json.dumps({"gpus": os.environ["CUDA_VISIBLE_DEVICES"], "began": began, "ended": time.time()}))
open("submission.csv", "a").write(" ended")
"""


class Scenes:
    """A head without cores, two nodes with one core each, one of them with two (made-up) GPUs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cluster = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": 10**8}
        )
        self.nodes = [self._add(num_gpus=2), self._add()]
        self.cluster.connect()
        (folder / "input").mkdir()
        (folder / "input" / "some.csv").write_text("a\n1\n")

    def _add(self, **resources: int) -> Any:
        return self.cluster.add_node(num_cpus=1, object_store_memory=10**8, **resources)

    def same_records(self) -> dict[str, Any]:
        """The same run in this process and on the cluster."""
        task = write_breast_cancer(self.folder / "cancer")
        columns = ["mean smoothness", "mean area"]
        model = player(lambda facts: f"```python\n{SOLUTION.replace('COLUMN', columns[facts['step']])}```\n")
        said = {}
        for scheduler in ("local", "ray"):
            out = self.folder / scheduler
            small = {"traces": 2, "steps": 2, "folds": 2, "finalists": 1, "selection_seeds": 1}
            config = RunConfig(run_dir=str(out), scheduler=scheduler, sync_every=1, **small)
            graph = build_graph(models=dict.fromkeys(("researcher", "coder", "critic"), model)).compile()
            state = graph.invoke({"task": str(task)}, context=config)
            records = sorted(History(out / "history.jsonl").records(), key=lambda r: r.id)
            said[scheduler] = [_timeless(record) for record in records] + [state["result"]["best"]]
        return said

    def cards(self) -> dict[str, Any]:
        """Programs that need GPUs, and one that needs none, at the same time."""
        heads = ["# gome: gpus=2\n", "# gome: gpus=1\n", ""]
        scheduler, facts = self._open("cards"), [{}, {}, {}]

        def work(index: int) -> None:
            facts[index] = _facts(
                self._run(scheduler, heads[index] + _tell(1.5), f"cards{index}", trace=index)
            )

        _all(work, range(3))
        return {"both": facts[0], "one": facts[1], "none": facts[2], "slots": scheduler.slots}

    def stop(self) -> dict[str, Any]:
        """A program is stopped in the middle."""
        scheduler, stop = self._open("stop"), threading.Event()
        threading.Timer(4, stop.set).start()
        began = time.monotonic()
        outcome = self._run(scheduler, _tell(300), "stop", stop=stop.is_set)
        seconds = time.monotonic() - began
        return {"reason": outcome.reason, "seconds": seconds, "left": _gone(lambda: _programs("stop"))}

    def node_loss(self) -> dict[str, Any]:
        """The node under a running program is lost; its program may run on for a while."""
        scheduler, result = self._open("loss"), list[Outcome]()
        worker = threading.Thread(target=lambda: result.append(self._run(scheduler, _tell(6), "loss")))
        worker.start()
        while not (first := _attempts("loss")):
            time.sleep(0.05)
        time.sleep(2)
        lost_at = time.time()
        lost = next(node for node in self.nodes if node.node_id in str(first[0]))
        self.nodes.remove(lost)
        self.cluster.remove_node(lost, allow_graceful=False)
        worker.join(200)
        submission = self.folder / "work-loss" / "submission.csv"
        then = submission.read_text()
        time.sleep(5)
        return {
            "reason": result[0].reason,
            "began_after_loss": float(then.split()[1]) > lost_at,
            "changed_later": submission.read_text() != then,
            "left": _gone(lambda: _programs("loss")),
        }

    def no_node(self) -> dict[str, Any]:
        """No node is left at all."""
        scheduler = RayScheduler(self.folder / "none", Place("plain"), slots=0, traces=1, patience_s=3)
        for node in self.nodes:
            self.cluster.remove_node(node, allow_graceful=False)
        try:
            outcome = self._run(scheduler, _tell(1), "none")
        except GomeError as error:
            return {"error": str(error)}
        return {"error": f"none, but {outcome}"}

    def _open(self, name: str) -> RayScheduler:
        return open_ray(self.folder / name, RunConfig(traces=1))

    def _run(
        self,
        scheduler: RayScheduler,
        program: str,
        name: str,
        trace: int = 0,
        stop: Callable[[], bool] = lambda: False,
    ) -> Outcome:
        path = self.folder / f"{name}.py"
        path.write_text(f"# {name}\n{program}")
        job = Job(
            program=path,
            input_dir=self.folder / "input",
            work_dir=self.folder / f"work-{name}",
            seed=0,
            wall_s=400,
            memory_mb=2048,
            output_mb=16,
            resources=resources_of(program),
        )
        return scheduler.run(job, trace=trace, stop=stop)


def _tell(seconds: float) -> str:
    return TELL.replace("SECONDS", str(seconds))


_SECONDS = re.compile(
    r"[;.]? [Aa] fold takes \S+ s(, \S+ times as long as before(; of CPU time \S+ s, \S+ times as much)?)?\."
)
"""What feedback and lesson tell of a fold's time, which is another in each run."""


def _timeless(record: Any) -> dict[str, Any]:
    """A step's record without how long things took, and which of two traces that claim the same was asked again."""
    measured = {"seconds", "fold_seconds", "fold_cpu_seconds", "peak_mb"}
    evaluation = {k: v for k, v in record.evaluation.items() if k not in measured}
    words = {k: _SECONDS.sub("", v) if isinstance(v, str) else v for k, v in record.to_json().items()}
    return {**{k: v for k, v in words.items() if k not in ("seconds", "usage")}, "evaluation": evaluation}


def _facts(outcome: Outcome) -> dict[str, Any]:
    lines = [line for line in outcome.log.splitlines() if line.startswith("GOME ")]
    return dict(json.loads(lines[0][5:])) if lines else {"log": outcome.log, "reason": outcome.reason}


def _attempts(name: str) -> list[Path]:
    """Folders of attempts at the program that this name's scene runs."""
    found = (Path(tempfile.gettempdir()) / "gome-ray").glob("*/*/attempts/*/program.py")
    return [path.parent for path in found if path.read_text().startswith(f"# {name}\n")]


def _programs(name: str) -> list[int]:
    """Processes that run in such a folder now."""
    folders = [str(path) for path in _attempts(name)]
    lines = [(p.pid, " ".join(p.info["cmdline"] or [])) for p in psutil.process_iter(["cmdline"])]
    return [pid for pid, line in lines if any(folder in line for folder in folders)]


def _gone(left: Callable[[], list[int]]) -> list[int]:
    """What is left ten seconds later at most."""
    deadline = time.monotonic() + 10
    while left() and time.monotonic() < deadline:
        time.sleep(0.2)
    return left()


def _all(work: Callable[[int], None], items: range) -> None:
    threads = [threading.Thread(target=work, args=(item,)) for item in items]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)


def main(folder: Path) -> None:
    """Play all scenes."""
    scenes = Scenes(folder)
    said = {}
    for scene in (scenes.same_records, scenes.cards, scenes.stop, scenes.node_loss, scenes.no_node):
        began = time.monotonic()
        said[scene.__name__] = scene()
        print(scene.__name__, round(time.monotonic() - began, 1), flush=True)
    (folder / "said.json").write_text(json.dumps(said))
    ray.shutdown()
    scenes.cluster.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
