"""A Postgres server of its own for a test, out of the machine's programs, where there are any."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def programs() -> Path | None:
    """The folder of initdb and postgres, None if this machine has none."""
    found = [Path(p) for p in (shutil.which("initdb"),) if p]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextmanager
def server() -> Iterator[str]:
    """The URL of an empty database; the server listens on a loopback port, and is gone with the context."""
    bin_dir = programs()
    assert bin_dir is not None
    folder = Path(tempfile.mkdtemp(prefix="gome-postgres-"))
    user = "nobody" if os.geteuid() == 0 else None  # Postgres refuses to run as root
    if user:
        shutil.chown(folder, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    make = [bin_dir / "initdb", "-D", folder, "-U", "gome", "-A", "trust", "--no-sync"]
    subprocess.run(make, user=user, cwd="/", stdout=subprocess.DEVNULL, check=True)
    listen = ["-h", "127.0.0.1", "-p", str(port), "-c", "unix_socket_directories=", "-c", "fsync=off"]
    process = subprocess.Popen(
        [bin_dir / "postgres", "-D", folder, *listen], user=user, cwd="/", stderr=subprocess.DEVNULL
    )
    try:
        _wait(bin_dir, port)
        yield f"postgresql://gome@127.0.0.1:{port}/postgres"
    finally:
        process.send_signal(signal.SIGINT)  # at once, whoever is connected
        process.wait(timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(bin_dir: Path, port: int) -> None:
    until = time.monotonic() + 120
    asked = [bin_dir / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-q"]
    while subprocess.run(asked).returncode:
        if time.monotonic() > until:
            raise RuntimeError("the Postgres server does not come up")
        time.sleep(0.05)
