"""The solutions' own environment: pinned packages apart from the agent's, built once and kept by content."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from uv import find_uv_bin

from gome.state.errors import GomeError
from gome.tools.records.jsonl import write_json

PINS = Path(__file__).with_name("runtime.txt")
MODULES = {"scikit-learn": "sklearn", "pillow": "PIL", "xgboost-cpu": "xgboost"}
DONE = "gome-runtime.json"


@dataclass(frozen=True)
class Runtime:
    """An interpreter and the packages that programs may import from it; `notes` say what is missing and why."""

    python: Path
    packages: dict[str, str]
    notes: tuple[str, ...]


def ensure_runtime(
    *, cache: Path | None = None, progress: Callable[[str], None] = lambda line: None
) -> Runtime:
    """The pinned environment, built on first use (a minute) and shared by all runs. Safe for processes side by side.

    Raises GomeError with the last line of the installer if it cannot be built.
    """
    root = cache or _cache_root()
    pins = PINS.read_text()
    key = hashlib.sha256(f"{pins}{sys.version}{sys.base_prefix}".encode()).hexdigest()[:16]
    folder = root / key
    root.mkdir(parents=True, exist_ok=True)
    with _locked(root / f"{key}.lock"):
        if not (folder / DONE).is_file():
            progress("building the solutions' environment (once, about a minute)")
            shutil.rmtree(folder, ignore_errors=True)
            _build(folder)
            write_json(folder / DONE, _inspect(folder))
        found = json.loads((folder / DONE).read_text())
    return Runtime(_python(folder), found["packages"], tuple(found["notes"]))


def _cache_root() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "gome" / "runtimes"


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(folder: Path) -> None:
    """uv first, because it takes seconds; pip where uv does not reach the package index that pip is configured for."""
    uv, python = find_uv_bin(), str(_python(folder))
    made = subprocess.run(
        [uv, "venv", "--python", sys.executable, "--seed", str(folder)], capture_output=True, text=True
    )
    if made.returncode:
        _run([sys.executable, "-m", "venv", str(folder)], folder)
    install = ["pip", "install", "--compile-bytecode", "--python", python, "-r", str(PINS)]
    quick = subprocess.run([uv, *install], capture_output=True, text=True, env=_uv_environment())
    if quick.returncode:
        _run([python, "-m", "pip", "install", "-q", "-r", str(PINS)], folder)


def _uv_environment() -> dict[str, str]:
    """uv reads no pip configuration: hand it the index and the certificate that pip is told of by environment."""
    names = {
        "PIP_INDEX_URL": "UV_INDEX_URL",
        "PIP_EXTRA_INDEX_URL": "UV_EXTRA_INDEX_URL",
        "PIP_CERT": "SSL_CERT_FILE",
    }
    told = {ours: os.environ[pips] for pips, ours in names.items() if os.environ.get(pips)}
    return {**told, **os.environ}


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        log = folder.with_suffix(".log")
        log.write_text(done.stdout + done.stderr)
        raise GomeError(
            f"the solutions' environment can't be built: {lines[-1] if lines else 'no output'} (whole log: {log}); "
            "is the package index in reach?"
        )


_PROBE = """
import importlib, importlib.metadata, json, sys
packages, notes = {}, []
for name, module in json.loads(sys.argv[1]).items():
    try:
        importlib.import_module(module)
        packages[name] = importlib.metadata.version(name)
    except Exception as error:
        notes.append(f"{name} can't be imported: {str(error).splitlines()[0]}")
print(json.dumps({"packages": packages, "notes": notes}))
"""


def _inspect(folder: Path) -> dict[str, object]:
    """What really imports: lightgbm, for one, needs the system's libgomp1."""
    names = [line.split("==")[0] for line in PINS.read_text().split()]
    modules = {name: MODULES.get(name, name) for name in names}
    done = subprocess.run(
        [str(_python(folder)), "-c", _PROBE, json.dumps(modules)], capture_output=True, text=True
    )
    if done.returncode:
        raise GomeError(
            f"the solutions' environment in {folder} does not start: {done.stderr.strip()[-300:]}"
        )
    return dict(json.loads(done.stdout))
