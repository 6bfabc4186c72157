"""How a program's end is told: its status and the line for the next prompt."""

import sys
from pathlib import Path

import pytest

from gome.tools.execution.exit_status import failure_line, gpu_peak_mb, status_of
from gome.tools.execution.job import Job, Outcome
from gome.tools.execution.sandbox.plain import PlainExecutor
from tests.unit import nvml_driver

TORCH = (
    "CUDA out of memory. Tried to allocate 2.00 GiB. "
    "GPU 0 has a total capacity of 15.77 GiB of which 1.05 GiB is free."
)


def run(folder: Path, program: str, gpus: tuple[str, ...] = ()) -> Outcome:
    (folder / "input").mkdir()
    (folder / "main.py").write_text(program)
    job = Job(folder / "main.py", folder / "input", folder / "work", 0, 60, 500, 50, gpus=gpus)
    return PlainExecutor(Path(sys.executable)).run(job, stop=lambda: False)


@pytest.mark.parametrize(
    "said",
    [
        f"class OutOfMemoryError(RuntimeError): pass\nraise OutOfMemoryError({TORCH!r})",
        "raise RuntimeError('CUDA error: out of memory')",
        "raise RuntimeError('CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`')",
        "raise RuntimeError('RESOURCE_EXHAUSTED: Out of memory while trying to allocate 17179869184 bytes')",
    ],
)
def test_a_full_card_is_a_shortage_of_memory_with_its_figures(said: str, tmp_path: Path) -> None:
    outcome = run(tmp_path, said)
    assert status_of(outcome) == "memory"
    line = failure_line(outcome, {"gpu_peak_mb": 15021.3})
    assert line.startswith("the GPU's memory was short (15021 MB of it at its peak): ")
    assert said.split("(")[-1].strip("')")[:60] in line or TORCH in line


def test_a_shortage_that_the_program_came_over_is_none(tmp_path: Path) -> None:
    went_on = run(tmp_path, f"print({TORCH!r})\nraise ValueError('no rows')")
    assert status_of(went_on) == "error"
    assert failure_line(went_on, {}) == "ended with exit code 1: ValueError: no rows"


@pytest.mark.parametrize(
    ("pid", "card", "peak"),
    [
        ("os.getpid()", "GPU-aa", 300.0),
        ("2**22", "GPU-aa", 300.0),  # the driver knows the process by another number
        ("os.getpid()", "GPU-xx", None),
    ],
)
def test_the_memory_of_its_card_is_measured_while_it_runs(
    pid: str, card: str, peak: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = nvml_driver.install(tmp_path, monkeypatch)
    program = f"import os, time\nopen('pid', 'w').write(str({pid}))\ntime.sleep(1)\n"
    outcome = run(tmp_path, program, (card,))
    assert outcome.reason == "ok"
    assert gpu_peak_mb(outcome, {}) == peak
    assert driver.opened == 0


def test_what_nobody_measured_is_what_was_logged(tmp_path: Path) -> None:
    outcome = run(tmp_path, "print('hello')")
    assert outcome.gpu_peak_mb is None
    assert gpu_peak_mb(outcome, {"gpu_peak_mb": 812}) == 812
    assert gpu_peak_mb(outcome, {"gpu_peak_mb": "much"}) is None
