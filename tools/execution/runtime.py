"""The solutions' own environment: packages pinned in runtime.txt, apart from the agent's, built once per machine."""

import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from uv import find_uv_bin

from gome.state.errors import GomeError
from gome.tools.execution.package_sources import pip_settings, uv_arguments, uv_environment

PINS = Path(__file__).with_name("runtime.txt")
_MARKER = "gome-runtime.json"
_XGBOOST = "xgboost" if sys.platform == "darwin" else "xgboost-cpu"
OFFERED = {
    "pandas": "pandas",
    "numpy": "numpy",
    "scipy": "scipy",
    "scikit-learn": "sklearn",
    "lightgbm": "lightgbm",
    _XGBOOST: "xgboost",
    "optuna": "optuna",
    "pillow": "PIL",
    "pyarrow": "pyarrow",
}
"""Distribution: module. What solutions are told that they may import; the other pins are what these need."""


@dataclass(frozen=True)
class Runtime:
    """The interpreter of the environment and the packages in it that import, {distribution: version}.

    `notes` say in one line each what is not there and why.
    """

    python: Path
    packages: dict[str, str]
    notes: tuple[str, ...] = ()


def ensure_runtime(cache: Path | None = None, progress: Callable[[str], None] = lambda line: None) -> Runtime:
    """The environment, built first if it is not there yet (seconds with uv and a warm cache, else a download of 250 MB).

    It lies below `cache`, by default $XDG_CACHE_HOME/gome/runtimes, in a folder named by the pins and the interpreter.
    Two processes may ask at once: one builds, the other waits. `progress` is told in one line what takes long.

    Raises GomeError, with the end of the installer's log and the log's path, if it cannot be built.
    """
    root = cache or default_cache()
    folder = root / _key()
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GomeError(
            f"{root}: no folder for the solutions' environment can be made here ({error})"
        ) from None
    with _locked(root / f"{folder.name}.lock", progress):
        found = _read_marker(folder)
        if found is None:
            progress("building the environment that solutions run in; once, up to some minutes")
            _build(folder, progress)
        if found is None or found["notes"]:  # what was missing may have been installed since
            found = _import_all(folder)
            _write_marker(folder, found)
    return Runtime(_python(folder), found["packages"], tuple(found["notes"]))


def default_cache() -> Path:
    """$XDG_CACHE_HOME/gome/runtimes, else ~/.cache/gome/runtimes."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "gome" / "runtimes"


def _key() -> str:
    parts = (
        PINS.read_text(),
        sys.version,
        sys.base_prefix,
        platform.platform(terse=True),
        platform.machine(),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


@contextmanager
def _locked(path: Path, progress: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock file; the kernel lets go of it if this process dies."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            progress("waiting for another process that prepares the environment of the solutions")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _read_marker(folder: Path) -> dict[str, Any] | None:
    """What a finished build wrote last; None if there is no finished build, or its base interpreter is gone."""
    try:
        found = dict(json.loads((folder / _MARKER).read_text()))
    except (OSError, ValueError):
        return None
    return found if _python(folder).exists() else None


def _write_marker(folder: Path, found: dict[str, Any]) -> None:
    draft = folder / f"{_MARKER}.draft"
    draft.write_text(json.dumps(found, indent=1))
    draft.replace(folder / _MARKER)


def _build(folder: Path, progress: Callable[[str], None]) -> None:
    """With uv, which takes seconds; with pip where uv fails. Both leave what they say in <folder>.log."""
    log_path, said = folder.with_suffix(".log"), []
    with log_path.open("w") as log:
        for tool, recipe in (("uv", _with_uv), ("pip", _with_pip)):
            shutil.rmtree(folder, ignore_errors=True)
            failure = recipe(folder, log)
            if not failure:
                return
            said.append(f"{tool}: {failure}")
            progress(f"{tool} failed to build the environment")
    raise GomeError(
        f"the environment that solutions run in can't be built ({'; '.join(said)}); "
        f"see {log_path}, and check that pip can reach a package index"
    )


def _with_uv(folder: Path, log: TextIO) -> str:
    try:
        uv = find_uv_bin()
    except FileNotFoundError as error:
        return str(error)
    settings = pip_settings()
    env = uv_environment(settings)
    make = [uv, "venv", "--quiet", "--python", sys.executable, str(folder)]
    install = [
        uv,
        "pip",
        "install",
        "--python",
        str(_python(folder)),
        "--compile-bytecode",
        "--only-binary",
        ":all:",
    ]
    install += [*uv_arguments(settings), "-r", str(PINS)]
    return _run(make, folder, log, env) or _run(install, folder, log, env)


def _with_pip(folder: Path, log: TextIO) -> str:
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME", "PIP_USER")}
    make = [sys.executable, "-m", "venv", str(folder)]
    install = [str(_python(folder)), "-m", "pip", "install", "--only-binary", ":all:", "-r", str(PINS)]
    return _run(make, folder, log, env) or _run(install, folder, log, env)


def _run(command: list[str], folder: Path, log: TextIO, env: dict[str, str]) -> str:
    """Run beside `folder`, where no project configuration of the user's is; '' or the last line of what went wrong."""
    log.write(f"$ {' '.join(command)}\n")
    done = subprocess.run(
        command, cwd=folder.parent, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    log.write(done.stdout)
    log.flush()
    if done.returncode == 0:
        return ""
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    return lines[-1][:300] if lines else f"exit code {done.returncode}"


_IMPORT_ALL = """
import importlib, importlib.metadata, json, sys
for name, module in json.loads(sys.argv[1]).items():
    try:
        importlib.import_module(module)
        found = [importlib.metadata.version(name), ""]
    except Exception as error:
        found = ["", f"{type(error).__name__}: {error}"[:300]]
    print(json.dumps([name, *found]), flush=True)
"""


def _import_all(folder: Path) -> dict[str, Any]:
    """Import what is offered, in one process: {"packages": {name: version}, "notes": [why another does not import]}."""
    command = [str(_python(folder)), "-I", "-c", _IMPORT_ALL, json.dumps(OFFERED)]
    done = subprocess.run(
        command, capture_output=True, text=True, env={"PATH": os.defpath, "HOME": str(folder)}
    )
    rows = {name: (version, why) for name, version, why in map(json.loads, done.stdout.splitlines())}
    packages = {name: version for name, (version, _) in rows.items() if version}
    if not packages:
        raise GomeError(
            f"the environment that solutions run in does not work: {done.stderr[-300:]!r}; remove {folder}"
        )
    missing = {
        name: rows.get(name, ("", "importing ends the process"))[1]
        for name in OFFERED
        if name not in packages
    }
    return {"packages": packages, "notes": [_note(name, why) for name, why in missing.items()]}


def _note(name: str, why: str) -> str:
    hint = "; install the system package libgomp1 (dnf: libgomp)" if "libgomp" in why else ""
    return f"{name} does not import and is not offered ({why.splitlines()[0]}){hint}"
