"""Programs on a Ray cluster: real nodes in one machine, one of which is killed. Needs the extra 'ray'."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray", reason="needs pip install 'gome[ray]'")
pytestmark = pytest.mark.slow

ALONE = ["unshare", "-Urn", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
"""A network namespace with nothing but a loopback."""


@pytest.fixture(scope="module")
def short() -> Iterator[Path]:
    """A temporary folder for Ray's sockets, whose paths have 107 bytes at most."""
    folder = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory, short: Path) -> dict[str, Any]:
    """What all scenes of tests/ray_cluster.py said, played once."""
    if not (shutil.which("ip") and subprocess.run([*ALONE, "true"], capture_output=True).returncode == 0):
        pytest.skip("needs network namespaces and iproute2")
    folder = tmp_path_factory.mktemp("ray")
    env = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "TMPDIR": str(short)}
    env.pop("CUDA_VISIBLE_DEVICES", None)  # Ray would not believe in the cards that are made up
    command = [*ALONE, sys.executable, "-m", "tests.ray_cluster", str(folder)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return dict(json.loads((folder / "said.json").read_text()))


def test_a_run_on_ray_has_the_records_of_a_run_here(said: dict[str, Any]) -> None:
    assert len(said["same_records"]["local"]) == 5
    assert said["same_records"]["ray"] == said["same_records"]["local"]


def test_programs_see_the_cards_that_ray_leased_to_them(said: dict[str, Any]) -> None:
    cards = said["cards"]
    assert cards["slots"] == 2
    assert cards["both"]["gpus"] == "0,1"
    assert cards["one"]["gpus"] in ("0", "1")
    assert cards["none"]["gpus"] == ""
    first, second = sorted((cards["both"], cards["one"]), key=lambda facts: facts["began"])
    assert first["ended"] <= second["began"]


def test_a_stop_ends_the_program_where_it_runs(said: dict[str, Any]) -> None:
    assert said["stop"]["reason"] == "stopped"
    assert said["stop"]["seconds"] < 60
    assert said["stop"]["left"] == []


def test_a_lost_node_costs_an_attempt_and_its_program_writes_nothing_more(said: dict[str, Any]) -> None:
    assert said["node_loss"] == {
        "reason": "ok",
        "began_after_loss": True,
        "changed_later": False,
        "left": [],
    }


def test_without_a_node_the_run_ends_with_one_line(said: dict[str, Any]) -> None:
    assert "no node left with 1 cores" in said["no_node"]["error"]
