"""Many runs side by side in one process: one compiled graph, a configuration and a budget for each call.

python -m examples.side_by_side [RUNS]
"""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from examples.small import METRIC, TARGET, tidy, write_raw
from gome import RunConfig, build_graph


async def run_all(graph: Any, task: str, configs: Sequence[RunConfig]) -> list[dict[str, Any]]:
    """Each configuration on the same task, all at once; outputs in their order."""
    return list(await asyncio.gather(*(graph.ainvoke({"task": task}, context=c) for c in configs)))


def main(runs: str = "3") -> None:
    """Run after run one step more."""
    with tempfile.TemporaryDirectory() as folder:
        table = tidy(write_raw(Path(folder) / "raw.csv"), Path(folder) / "patients.csv")
        configs = [
            RunConfig(
                target=TARGET,
                metric=METRIC,
                traces=1,
                steps=1 + i,
                finalists=1,
                seed=i,
                slots=1,
                runs_dir=f"{folder}/runs",
            )
            for i in range(int(runs))
        ]
        outputs = asyncio.run(run_all(build_graph().compile(), str(table), configs))
        for config, output in zip(configs, outputs, strict=True):
            score = output["result"]["best"]["selection"]["value"]
            print(f"at most {config.steps} steps: {METRIC} {score:.1f} in {Path(output['run_dir']).name}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
