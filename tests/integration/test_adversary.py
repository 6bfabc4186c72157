"""Hostile programs at every level (tests/adversary.py): docs/execution.md shows what each level holds."""

import contextlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gome.graph.registry import ServiceRegistry
from gome.graph.run_layout import prepare_run
from gome.state.config import RunConfig
from gome.tools.execution.job import Job, Outcome
from gome.tools.execution.sandbox.control_group import ControlGroups
from tests.adversary import ALL, GREED, LOCAL, OUTPUTS, REACH, Attack, table
from tests.hostile_world import AT_ONCE, HOSTS, World, executor_of, reach, world
from tests.levels import GROUPS, LACKS, NO_GROUPS

DOCS = Path(__file__).parents[2] / "docs" / "execution.md"
SHORT_S = 1.2  # that a program which nobody is to end still waits: longer than the files are looked at


def greed(
    world: World, run: Callable[[Job], Outcome], attack: Attack, name: str, *, held: bool
) -> tuple[bool, str]:
    patience = 60 if held else SHORT_S
    limits = {"wall_s": 1.0} if attack.reason == "timeout" else {}
    outcome = run(world.job(name, attack.code, patience, **limits))
    left = world.left_over(name)
    for process in left:
        process.kill()
    ended_so = attack.reason == "any" or outcome.reason in attack.reason.split("|")
    return ended_so and not left, f"{outcome}, left: {left}"


def outputs(world: World, run: Callable[[Job], Outcome], attack: Attack, name: str) -> tuple[bool, str]:
    outcome = run(world.job(name, attack.code))
    return outcome.submission is None, str(outcome)


def fought(
    level: str, attacks: Sequence[Attack], groups: ControlGroups | None
) -> Iterator[tuple[Attack, bool, str]]:
    """Each of these attacks, by all who can try it at a level: whether it was held, and what is to be seen of it."""
    with world() as at, executor_of(level, at.root, groups) as executor, ThreadPoolExecutor(AT_ONCE) as pool:

        def run(job: Job) -> Outcome:
            return executor.run(job, stop=lambda: False)

        waiting = []
        for n, attack in enumerate(attacks):
            if attack in GREED:
                expected = attack.holds_it(level, groups=groups is not None)
                waiting.append((attack, pool.submit(greed, at, run, attack, f"n{n}", held=expected)))
            elif attack in OUTPUTS:
                waiting.append((attack, pool.submit(outputs, at, run, attack, f"n{n}")))
        for host in HOSTS if set(attacks) >= set(REACH) else ():
            held = reach(at, executor, host)
            yield from ((attack, held[attack.tries], f"by the {host}") for attack in REACH)
        yield from ((attack, *future.result()) for attack, future in waiting)


def missing(attack: Attack) -> bool:
    """Whether this machine lacks what the attack needs."""
    lacks = {
        "root": os.geteuid() != 0,
        "userns": bool(LACKS["userns"]),
        "groups": GROUPS is None,
        "attributes": not takes_attributes(Path(tempfile.gettempdir())),
    }
    return lacks.get(attack.needs, False)


def takes_attributes(folder: Path) -> bool:
    """Whether files there can have attributes of the user's."""
    with tempfile.NamedTemporaryFile(dir=folder) as file, contextlib.suppress(OSError):
        os.setxattr(file.name, "user.x", b"1")
        return True
    return False


def skip_if_it_does_not_run(level: str) -> None:
    if level == "e2b" and importlib.util.find_spec("e2b") is None:
        pytest.skip("the E2B SDK is not installed")
    if level != "e2b" and LACKS[level]:  # type: ignore[index]
        pytest.skip(f"{level} does not run here: {LACKS[level]}")  # type: ignore[index]


@pytest.mark.parametrize("level", ALL)
def test_what_a_level_holds(level: str) -> None:
    skip_if_it_does_not_run(level)
    attacks = [a for a in (*REACH, *GREED, *OUTPUTS) if level != "e2b" or level in a.holds]
    compare(level, attacks, None if level == "e2b" else GROUPS)


@pytest.mark.skipif(GROUPS is None, reason=f"nothing else is tried: {NO_GROUPS}")
@pytest.mark.parametrize("level", LOCAL)
def test_what_is_held_without_control_groups(level: str) -> None:
    skip_if_it_does_not_run(level)
    compare(level, [attack for attack in GREED if "memory" in attack.reason], None)


def compare(level: str, attacks: Sequence[Attack], groups: ControlGroups | None) -> None:
    results = list(fought(level, attacks, groups))
    assert {attack.tries for attack, _, _ in results} == {attack.tries for attack in attacks}
    wrong = [
        f"{attack.tries}: {seen}"
        for attack, held, seen in results
        if held != (attack.holds_it(level, groups=groups is not None) or missing(attack))
    ]
    assert not wrong, "\n".join(wrong)


def test_the_documented_table_is_this_one() -> None:
    rows = table()
    shown = [line for line in DOCS.read_text().splitlines() if line.startswith("| ") and line in rows]
    tried = [line for line in DOCS.read_text().splitlines() if "held" in line and line.startswith("| ")]
    assert shown == rows
    assert tried == rows


@pytest.mark.parametrize("level", ALL)
def test_what_is_graded_is_a_copy_that_nobody_else_has_open(level: str, tmp_path: Path) -> None:
    skip_if_it_does_not_run(level)
    (tmp_path / "input").mkdir()
    (tmp_path / "p.py").write_text(
        "import os, time\nopen('submission.csv', 'w').write('mine')\nopen('written', 'w').close()\n"
        "while not os.path.exists('seen'): time.sleep(0.01)\n"
    )
    job = Job(tmp_path / "p.py", tmp_path / "input", tmp_path / "work", 0, 60, 400, 5)
    with executor_of(level, tmp_path) as executor, contextlib.ExitStack() as held:
        files = []

        def left_over() -> bool:
            """Opens the file, as a process that outlived its program would have it."""
            for mark in (
                () if files else (*tmp_path.glob("work/written"), *tmp_path.glob("service/*/work/written"))
            ):
                files.append(held.enter_context(mark.with_name("submission.csv").open("r+")))
                mark.with_name("seen").touch()
            return False

        outcome = executor.run(job, stop=left_over)
        (file,) = files
        file.write("forged")
        file.flush()
        assert Path(file.name).read_text() == "forged"
    assert outcome.submission is not None
    assert outcome.submission.read_text() == "mine"


SEEN = """
import glob, os
paths = [os.getcwd(), os.path.realpath("input"), *map(os.path.realpath, glob.glob("input/*")), *os.environ.values()]
for name in ("self/mountinfo", "self/cmdline", "1/cmdline", "self/environ", "self/maps"):
    try:
        paths.append(open(f"/proc/{name}").read())
    except OSError:
        pass
print(*paths, sep="\\n")
"""


@pytest.mark.parametrize("level", ALL)
def test_no_path_tells_which_split_it_is(level: str, diabetes: Path, tmp_path: Path) -> None:
    skip_if_it_does_not_run(level)
    run_dir = prepare_run(str(diabetes), RunConfig(run_dir=str(tmp_path / "run")))
    with executor_of(level, tmp_path) as executor:
        registry = ServiceRegistry(executor=executor)
        evaluator = registry.services(run_dir, None, lambda event: None).evaluator
        for split in ("smoke", "search", "selection", "final"):
            log = evaluator.artifacts.get_text(evaluator.evaluate(SEEN, split)["log"])
            assert "input" in log, log
            assert not re.search(r"smoke|search|selection|final", log), log
        registry.close(run_dir)


def test_what_a_submission_holds_is_neither_unpacked_nor_run(diabetes: Path, tmp_path: Path) -> None:
    script = [sys.executable, str(Path(__file__).parents[1] / "hostile_contents.py")]
    folder = tmp_path / "contents"
    folder.mkdir()
    subprocess.run([*script, "make", str(folder)], check=True)
    checked = subprocess.run(
        [*script, "check", str(folder), str(diabetes)],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    rows = [json.loads(line) for line in checked.stdout.splitlines()]
    assert len(rows) == 12
    for name, taken, said, grown_mb in rows:
        assert not taken, name
        assert 0 < said < 2000, (name, said)
        assert grown_mb < 200, (name, grown_mb)
    assert not list(tmp_path.rglob("sprung"))
