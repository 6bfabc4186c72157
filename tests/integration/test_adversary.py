"""Hostile programs at every level: the table below says what each level holds, and docs/execution.md shows that table."""

import os
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gome.tools.execution.job import Job
from tests.levels import EXECUTORS, LACKS, PYTHON

DOCS = Path(__file__).parents[2] / "docs" / "execution.md"

# attack: (the program; WON is printed where it succeeds, the levels that hold it)
WALLED = ("bubblewrap", "userns", "landlock")
NAMESPACES = ("bubblewrap", "userns")
ATTACKS = {
    "read a file outside its folder": ("print(open(SECRET).read())", WALLED),
    "list a folder outside its own": ("print(os.listdir(os.path.dirname(SECRET)))", WALLED),
    "overwrite a file outside its folder": ("open(SECRET, 'a').close()", WALLED),
    "change its input": ("open('input/train.csv', 'a').close()", WALLED),
    "hard-link a file from outside": ("os.link(SECRET, 'mine')", WALLED),
    "read the agent's environment": ("open(f'/proc/{AGENT}/environ').read()", WALLED),
    "see the agent's command line": (
        "assert open(f'/proc/{AGENT}/cmdline', 'rb').read()",
        NAMESPACES,
    ),
    "send the agent a signal": ("os.kill(AGENT, 0)", WALLED),
    "connect by TCP": ("socket.create_connection(('127.0.0.1', TCP), 5)", WALLED),
    "send by UDP": (
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('127.0.0.1', UDP))\n"
        "    s.settimeout(2); s.connect(('127.0.0.1', UDP)); s.send(b'x')",
        NAMESPACES,
    ),
}


@dataclass(frozen=True)
class World:
    """What the programs attack."""

    root: Path
    tcp: socket.socket
    udp: socket.socket

    def received(self) -> bool:
        """Whether a datagram has come in."""
        self.udp.setblocking(False)
        try:
            return bool(self.udp.recv(10))
        except BlockingIOError:
            return False


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "secret").write_text("labels")
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "train.csv").write_text("a\n1\n")
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        yield World(tmp_path, tcp, udp)


def attack(level: str, code: str, world: World) -> str:
    """Run one attack; its log."""
    program = world.root / "program.py"
    program.write_text(
        f"import os, socket\nSECRET, AGENT = {str(world.root / 'secret')!r}, {os.getpid()}\n"
        f"TCP, UDP = {world.tcp.getsockname()[1]}, {world.udp.getsockname()[1]}\n"
        f"try:\n    {code}\n    print('WON')\nexcept BaseException as error:\n    print('HELD', repr(error))\n"
    )
    job = Job(program, world.root / "input", world.root / "work", 0, wall_s=60, memory_mb=400, output_mb=5)
    return EXECUTORS[level](PYTHON).run(job, stop=lambda: False).log


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("level", EXECUTORS)
def test_what_a_level_holds(level: str, name: str, world: World) -> None:
    if LACKS[level]:
        pytest.skip(f"{level} does not run here: {LACKS[level]}")
    code, holds = ATTACKS[name]
    log = attack(level, code, world)
    won = world.received() if "UDP" in code else "WON" in log
    assert won == (level not in holds), log
    assert ("WON" in log) != ("HELD" in log), log


def test_the_documented_table_is_this_one() -> None:
    rows = [
        f"| {name} | "
        + " | ".join("held" if level in holds else "**not held**" for level in EXECUTORS)
        + " |"
        for name, (_, holds) in ATTACKS.items()
    ]
    shown = [
        line for line in DOCS.read_text().splitlines() if re.search(r"\| (held|\*\*not held\*\*) \|", line)
    ]
    assert shown == rows


@pytest.mark.parametrize("level", EXECUTORS)
def test_a_submission_with_a_second_name_is_not_taken(level: str, world: World) -> None:
    if LACKS[level]:
        pytest.skip(f"{level} does not run here")
    (world.root / "program.py").write_text(
        "import os\nopen('other', 'w').write('id,y\\n')\nos.link('other', 'submission.csv')\nprint('linked')\n"
    )
    job = Job(world.root / "program.py", world.root / "input", world.root / "work", 0, 60, 400, 5)
    outcome = EXECUTORS[level](PYTHON).run(job, stop=lambda: False)
    assert "linked" in outcome.log
    assert outcome.submission is None
