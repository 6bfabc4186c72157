"""The environment that solutions run in, apart from the agent's: pinned packages, or those that the user names.

Built once per machine out of requirements, by default runtime.txt; or an environment that the user keeps.
"""

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
from typing import TextIO

from uv import find_uv_bin

from gome.state.errors import GomeError
from gome.state.plain import JsonObject
from gome.tools.execution.environment.interpreter import interpreter_of, is_interpreter, packages_of
from gome.tools.execution.environment.package_sources import pip_settings, uv_arguments, uv_environment
from gome.tools.execution.sandbox.bubblewrap import environment_folders

PINS = Path(__file__).with_name("runtime.txt")
NAMED = {"torch": ("runtime", "torch"), "audio": ("runtime", "torch", "audio")}
"""Environments by name: the files beside this one whose pins are in them together."""
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
    "py7zr": "py7zr",
    "pyarrow": "pyarrow",
}
"""Distribution: module. What solutions are told that they may import; the other pins are what these need."""
_OFFERED_BY_NAME = {
    "torch": "torch",
    "torchvision": "torchvision",
    "timm": "timm",
    "opencv-python-headless": "cv2",
    "pydicom": "pydicom",
    "nibabel": "nibabel",
    "tifffile": "tifffile",
    "librosa": "librosa",
    "soundfile": "soundfile",
}
"""The same of the named environments, and of the user's own where they are in it."""
_ELSEWHERE = ("-r", "--requirement", "-c", "--constraint", "-e", "--editable", ".")


@dataclass(frozen=True)
class Runtime:
    """The interpreter of the environment and the packages in it that import, {distribution: version}.

    `notes` say in one line each what is not there and why.
    """

    python: Path
    packages: dict[str, str]
    notes: tuple[str, ...] = ()

    def changed(self, before: dict[str, str]) -> list[str]:
        """The packages that came, went or have another version than they had `before`."""
        return sorted(n for n in {**before, **self.packages} if before.get(n) != self.packages.get(n))


def ensure_runtime(
    named: str | None = None,
    *,
    cache: Path | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> Runtime:
    """The environment; built first if it is not there yet (seconds with uv and a warm cache, else a download of 250 MB).

    `named` is a name of `NAMED`, a requirements file, an interpreter, or an environment's folder; without it, the pins of
    runtime.txt. What is built lies below `cache`, by default $XDG_CACHE_HOME/gome/runtimes, in a folder named by its
    requirements and this interpreter. Two processes may ask at once: one builds, the other waits. `progress` is told in
    one line what takes long.

    Raises GomeError, with the end of the installer's log and the log's path, if it cannot be built, or if what is named
    is no such thing.
    """
    if named and names_interpreter(named):
        python = interpreter_of(Path(named).expanduser())
        packages, notes = packages_of(python, OFFERED | _OFFERED_BY_NAME)
        not_the_home(python)
        return Runtime(python, packages, tuple(notes))
    requirements = requirements_of(named)
    folder = (cache or default_cache()) / _key(requirements)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GomeError(
            f"{folder.parent}: no folder for the solutions' environment can be made here ({error})"
        ) from None
    with _locked(folder.with_name(f"{folder.name}.lock"), progress):
        found = _read_marker(folder)
        if found is None:
            progress("building the environment that solutions run in; once, up to some minutes")
            _build(folder, requirements, named or PINS.name, progress)
        if found is None or found["notes"]:  # what was missing may have been installed since
            packages, notes = packages_of(_python(folder), OFFERED | _OFFERED_BY_NAME)
            found = {"packages": packages, "notes": notes}
            _write_marker(folder, found)
    return Runtime(_python(folder), found["packages"], tuple(found["notes"]))


def names_interpreter(named: str) -> bool:
    """Whether an interpreter or an environment of the user's own is named, not packages. A name of `NAMED` is no folder:
    that would be ./torch."""
    return named not in NAMED and is_interpreter(Path(named).expanduser())


def requirements_of(named: str | None) -> str:
    """The requirements that a name of `NAMED` or a file stands for, the pinned ones without either. GomeError as for a
    file."""
    if named is None or named in NAMED:
        parts = NAMED[named] if named else (PINS.stem,)
        return "\n".join(PINS.with_stem(part).read_text(encoding="utf-8") for part in parts)
    return read_requirements(Path(named).expanduser())


def is_built(named: str | None) -> bool:
    """Whether the environment of these requirements is there. GomeError as for `requirements_of`."""
    return _read_marker(default_cache() / _key(requirements_of(named))) is not None


def read_requirements(path: Path) -> str:
    """The text of a requirements file. Raises GomeError if it cannot be read, or does not stand on its own: the run
    keeps a copy of it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise GomeError(
            f"runtime {path}: neither {' nor '.join(NAMED)}, nor a requirements file, an interpreter or the folder of an "
            f"environment ({error})"
        ) from None
    for number, line in enumerate(text.splitlines(), 1):
        if line.split("#")[0].strip().startswith(_ELSEWHERE):
            raise GomeError(
                f"runtime {path}, line {number}: {line.strip()!r} names another file; put all requirements into one "
                "(pip freeze), or name the folder of an environment"
            )
    return text


def keep_runtime(named: str, run_dir: Path) -> str:
    """What a run remembers of the runtime that was named: its interpreter, or a copy of the requirements. Raises
    GomeError if there is no such thing."""
    if names_interpreter(named):
        return str(interpreter_of(Path(named).expanduser()))
    kept = run_dir / "requirements.txt"
    kept.write_text(requirements_of(named), encoding="utf-8")
    return str(kept)


def not_the_home(python: Path) -> None:
    """Programs read the folders of their interpreter. GomeError if the user's home would be among them."""
    for folder in environment_folders(python):
        if Path.home().is_relative_to(folder):
            raise GomeError(
                f"runtime {python}: its folder is {folder}, and programs would see all of it; name the interpreter "
                "in an environment's own folder"
            )


def default_cache() -> Path:
    """$XDG_CACHE_HOME/gome/runtimes, else ~/.cache/gome/runtimes."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "gome" / "runtimes"


def _key(requirements: str) -> str:
    parts = (
        requirements,
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


def _read_marker(folder: Path) -> JsonObject | None:
    """What a finished build wrote last; None if there is no finished build, or its base interpreter is gone."""
    try:
        found = dict(json.loads((folder / _MARKER).read_text()))
    except (OSError, ValueError):
        return None
    return found if _python(folder).exists() else None


def _write_marker(folder: Path, found: JsonObject) -> None:
    draft = folder / f"{_MARKER}.draft"
    draft.write_text(json.dumps(found, indent=1))
    draft.replace(folder / _MARKER)


def _build(folder: Path, requirements: str, told: str, progress: Callable[[str], None]) -> None:
    """With uv, which takes seconds; with pip where uv fails. Both leave what they say in <folder>.log."""
    (asked := folder.with_suffix(".txt")).write_text(requirements, encoding="utf-8")
    wanted = ["-r", str(asked)]
    if requirements in (requirements_of(name) for name in (None, *NAMED)):
        wanted = ["--only-binary", ":all:", *wanted]
    log_path, said = folder.with_suffix(".log"), []
    with log_path.open("w") as log:
        for tool, recipe in (("uv", _with_uv), ("pip", _with_pip)):
            shutil.rmtree(folder, ignore_errors=True)
            failure = recipe(folder, wanted, log)
            if not failure:
                return
            said.append(f"{tool}: {failure}")
            progress(f"{tool} failed to build the environment")
    raise GomeError(
        f"the environment that solutions run in can't be built from {told} ({'; '.join(said)}); "
        f"see {log_path}, and check that pip can reach a package index"
    )


def _with_uv(folder: Path, wanted: list[str], log: TextIO) -> str:
    try:
        uv = find_uv_bin()
    except FileNotFoundError as error:
        return str(error)
    settings = pip_settings()
    env = uv_environment(settings)
    make = [uv, "venv", "--quiet", "--python", sys.executable, str(folder)]
    install = [uv, "pip", "install", "--python", str(_python(folder)), "--compile-bytecode"]
    install += [*uv_arguments(settings), *wanted]
    return _run(make, folder, log, env) or _run(install, folder, log, env)


def _with_pip(folder: Path, wanted: list[str], log: TextIO) -> str:
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME", "PIP_USER")}
    make = [sys.executable, "-m", "venv", str(folder)]
    install = [str(_python(folder)), "-m", "pip", "install", *wanted]
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
