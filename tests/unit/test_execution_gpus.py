"""GPUs: what a program declares, which cards there are, and that no card is given away twice."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome.tools.execution.gpus import Cards, Gpu, find_gpus
from gome.tools.execution.hardware import hardware
from gome.tools.execution.resources import Resources, keeps_model, resources_of
from tests.unit import nvml_driver

TWO_CARDS = "printf 'GPU-aa, Tesla V100, 16384\\nGPU-bb, H100 80GB, 81559\\n'"


@pytest.mark.parametrize(
    ("program", "need"),
    [
        ("import pandas\n", Resources()),
        ("import torch\n", Resources(1)),
        ("x = 1\nif x:\n    from torch import nn\n", Resources(1)),
        ("import torchless\n", Resources()),
        ("# gome: gpus=0\nimport torch\n", Resources()),
        ("import os\n# gome: gpus=2\nimport torch\n", Resources(2)),
        ("# gome: gpu_memory_mb=6000\nimport torch\n", Resources(1, 6000)),
        ("#gome: gpus=1 gpu_memory_mb=300\nimport lightgbm\n", Resources(1, 300)),
        ("# gome: gpus=lots\nimport torch\n", Resources(1)),
        ("text = '# gome: gpus=7'\n", Resources()),
        ("# gome: keeps_model=1\nimport torch\n", Resources(1)),
        ("# gome: keeps_model=1\n# gome: gpu_memory_mb=9\n", Resources(1, 9)),
    ],
)
def test_a_program_says_what_it_needs(program: str, need: Resources) -> None:
    assert resources_of(program) == need
    assert keeps_model(program) == ("keeps_model" in program)


CARDS = st.lists(st.tuples(st.sampled_from([0, 1000, 2000]), st.sampled_from("ab")), max_size=4).map(
    lambda rows: [Gpu(str(i), "card", memory, node) for i, (memory, node) in enumerate(rows)]
)
NEEDS = st.builds(Resources, st.integers(0, 4), st.sampled_from([0, 400, 1000, 5000]))


@given(CARDS, st.lists(st.one_of(NEEDS, st.integers(0, 5)), max_size=30))
def test_no_card_is_given_away_twice_and_all_come_back(
    cards: list[Gpu], moves: list[Resources | int]
) -> None:
    made, held = Cards(cards), list[tuple[Resources, tuple[Gpu, ...]]]()
    for move in moves:
        if isinstance(move, int):
            if held:
                need, given = held.pop(move % len(held))
                made.give_back(given, need)
            continue
        need = made.fit(move)
        assert need.gpus <= move.gpus
        given = made.take(need)
        if given is None:
            assert held, "a need that fits is met while nothing is held"
            continue
        assert len({gpu.id for gpu in given}) == need.gpus
        assert len({gpu.node for gpu in given}) <= 1
        held.append((need, given))
        for card in cards:
            users = [n.gpu_memory_mb for n, gpus in held if card in gpus]
            assert len(users) <= 1 or (0 not in users and sum(users) <= card.memory_mb)
    for need, given in held:
        made.give_back(given, need)
    assert made.take(made.fit(Resources(4))) is not None


def test_shared_cards_are_filled_up_one_after_the_other() -> None:
    made = Cards([Gpu("0", "A", 1000), Gpu("1", "A", 1000)])
    ids = [[gpu.id for gpu in made.take(Resources(1, 400)) or ()] for _ in range(5)]
    assert ids == [["0"], ["0"], ["1"], ["1"], []]


def smi(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of the name nvidia-smi, first and alone in the path; without the driver's library."""
    monkeypatch.setitem(sys.modules, "pynvml", None)
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


@pytest.mark.parametrize(
    ("visible", "ids"),
    [
        (None, ["GPU-aa", "GPU-bb"]),
        ("", []),
        ("1", ["GPU-bb"]),
        ("1,0", ["GPU-bb", "GPU-aa"]),
        ("0,7,1", ["GPU-aa"]),
        ("GPU-b", ["GPU-bb"]),
        ("-1", []),
    ],
)
def test_cuda_visible_devices_is_respected(
    visible: str | None, ids: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smi(tmp_path, TWO_CARDS, monkeypatch)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert [gpu.id for gpu in find_gpus()] == ids


def test_the_library_comes_before_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    smi(tmp_path, "echo 'GPU-cc, Tesla K80, 11441'", monkeypatch)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    driver = nvml_driver.install(tmp_path, monkeypatch)
    assert [(gpu.id, gpu.name, gpu.memory_mb) for gpu in find_gpus()] == nvml_driver.CARDS
    assert driver.opened == 0


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (TWO_CARDS, "Tesla V100, 16384 MB; H100 80GB, 81559 MB"),
        ("echo 'NVIDIA-SMI has failed' ; exit 9", None),
        ("echo No devices were found", None),
        ("true", None),
    ],
)
def test_what_nvidia_smi_says(
    script: str, said: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smi(tmp_path, script, monkeypatch)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert hardware()["gpu"] == said
