"""MLE-bench's container without a container: its folders, its user without privileges, its checker of submissions."""

import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
PACK = ROOT / "mlebench" / "gome"
NOBODY = 1000
COMPETITION = "a-secret-contest"
Refuses = Callable[[pd.DataFrame], bool]

SHUT_IN = """\
set -eu
root=$1 home=$2; shift 2
mount --rbind / "$root"
python_home=$(dirname "$(dirname "$(readlink -f "$1")")")
if [[ $python_home == /root/* ]]; then
    mount --bind "$python_home" "$root/mnt"
    mount -t tmpfs -o mode=755 none "$root/root"
    mkdir -p "$root$python_home"
    mount --move "$root/mnt" "$root$python_home"
fi
mount --bind "$home" "$root/home"
mount --bind "$home/data" "$root/home/data"
mount -o remount,bind,ro "$root/home/data"
shift
exec chroot "$root" setpriv --reuid NOBODY --regid NOBODY --clear-groups --no-new-privs \\
    --inh-caps=-all --bounding-set=-all "$@"
""".replace("NOBODY", str(NOBODY))
"""Another root folder, in which no user namespace can be made, with /home as the benchmark lays it out."""


@dataclass
class Checker:
    """The grading server of the benchmark on a loopback port; `asked` are the submissions that it was shown."""

    refuses: Refuses
    by_header: bool = False
    asked: list[pd.DataFrame] = field(default_factory=list)
    url: str = ""

    def reply(self, competition: str | None, table: pd.DataFrame) -> tuple[int, dict[str, object]]:
        """In the words of the benchmark's own server, or of the one that is told the competition by a header."""
        if self.by_header and competition != COMPETITION:
            return 400, {"error": "Missing 'exp-id' header"}
        self.asked.append(table)
        valid = not self.refuses(table)
        words = (
            "Submission is valid." if valid else "Submission invalid! The attempt to grade it failed: no luck"
        )
        return 200, {"is_valid": valid, "result": words} if self.by_header else {"result": words}


@contextmanager
def serving(checker: Checker) -> Iterator[Checker]:
    """Serve /validate."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            message = BytesParser(policy=HTTP).parsebytes(
                head + self.rfile.read(int(self.headers["Content-Length"]))
            )
            (part,) = message.iter_parts()
            assert part.get_param("name", header="content-disposition") == "file"
            table = pd.read_csv(io.BytesIO(part.get_payload(decode=True)))  # type: ignore[arg-type]
            status, body = checker.reply(self.headers.get("exp-id"), table)
            content = json.dumps(body).encode()
            self.send_response(status if self.path == "/validate" else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    checker.url = f"http://127.0.0.1:{server.server_address[1]}/validate"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield checker
    finally:
        server.shutdown()
        server.server_close()


def lay_out(home: Path, public: Path) -> Path:
    """/home as the image has it and the entry point leaves it: the pack, the data, the instructions."""
    shutil.copytree(PACK, home / "agent", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(public, home / "data")
    for folder in ("submission", "code", "logs", "nonroot"):
        (home / folder).mkdir()
    (home / "instructions.txt").write_text("You are in a benchmark. Post a file to the checker.\n")
    (home / "instructions_obfuscated.txt").write_text("Post a file to the checker of the trial.\n")
    for path in [home, *home.rglob("*")]:
        if not path.is_relative_to(home / "data"):
            path.chmod(path.stat().st_mode | (0o777 if path.is_dir() else 0o666))
    return home


def variables(checker: Checker) -> dict[str, str]:
    """What the container's environment adds to start.sh's own defaults, and what stands in for conda's interpreters."""
    return {
        "PATH": os.environ["PATH"],
        "COMPETITION_ID": COMPETITION,
        "VALIDATE_URL": checker.url,
        "GOME_PYTHON": sys.executable,
        "PROGRAMS_PYTHON": sys.prefix,
        "PYTHONPATH": str(ROOT),
        "TIME_LIMIT_SECS": "300",
    }


def start(home: Path, checker: Checker, *options: str, **more: str) -> subprocess.CompletedProcess[str]:
    """start.sh by whoever runs the tests, with its places named."""
    places = {
        f"{name.upper()}_DIR": str(home / name) for name in ("data", "submission", "code", "logs", "agent")
    }
    env = variables(checker) | places | {"INSTRUCTIONS_DIR": str(home), "HOME": str(home / "nonroot")} | more
    command = ["bash", str(home / "agent" / "start.sh"), *options]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)


def start_shut_in(
    home: Path, checker: Checker, *options: str, **more: str
) -> subprocess.CompletedProcess[str]:
    """start.sh at its own places, as a user without privileges or user namespaces. Needs root."""
    with tempfile.TemporaryDirectory() as root:
        command = ["unshare", "--mount", "bash", "-c", SHUT_IN, "shut-in", root, str(home), sys.executable]
        env = variables(checker) | {"HOME": "/home/nonroot"} | more
        command += ["bash", "/home/agent/start.sh", *options]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
