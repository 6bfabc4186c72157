"""What an interpreter of the user's own holds: asked of the interpreter itself."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from gome.state.errors import GomeError

OLDEST = (3, 9)
ASK_S = 120
_SCRIPT = r"""
import importlib, importlib.metadata as metadata, json, re, sys
def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()
versions, lines, needed, extras = {}, [], set(), set()
for found in metadata.distributions():
    if found.metadata["Name"]:
        name = plain(found.metadata["Name"])
        versions[name] = found.version
        lines += [(name, line) for line in found.requires or []]
for with_extra in (False, True):
    for name, line in lines:
        extra = re.search("extra == .([^\"']+)", line)
        if with_extra == bool(extra) and (not extra or (name, plain(extra[1])) in extras):
            other, of_other = re.match(r"([A-Za-z0-9._-]+)\s*(?:\[([^\]]*)\])?", line).groups()
            needed.add(plain(other))
            extras |= {(plain(other), plain(part.strip())) for part in (of_other or "").split(",")}
print(json.dumps([sys.version_info[:3], versions, sorted(needed)]), flush=True)
for name, module in json.loads(sys.argv[1]).items():
    if name in versions:
        try:
            importlib.import_module(module)
            why = ""
        except Exception as error:
            why = (type(error).__name__ + ": " + str(error))[:300]
        print(json.dumps([name, why]), flush=True)
"""
_TOOLS = {"pip", "setuptools", "wheel", "uv", "distribute"}


def interpreter_of(path: Path) -> Path:
    """The interpreter at `path`, itself one or the folder of an environment; absolute, links not followed: an
    environment's interpreter is a link, and what it stands for lacks the environment's packages.

    Raises GomeError if there is none.
    """
    path = Path(os.path.abspath(path))
    if path.is_dir():
        python = path / "bin" / "python"
        if not python.exists():
            raise GomeError(f"runtime {path}: a folder without bin/python is no Python environment")
        return python
    return path


def is_interpreter(path: Path) -> bool:
    """Whether `path` is to be taken for an interpreter or an environment, not for a requirements file."""
    named_as_text = path.suffix in (".txt", ".in")  # on some file systems every file may be executed
    return path.is_dir() or (path.is_file() and os.access(path, os.X_OK) and not named_as_text)


def packages_of(python: Path, modules: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """What the interpreter holds, {distribution: version}, and notes on what does not import.

    Left out are packages that are there because others need them, unless they are among `modules` (distribution:
    module); those are imported, and left out if that fails. Raises GomeError if it is no Python, or an old one.
    """
    (version, versions, needed), *imported = _ask(python, modules)
    if tuple(version) < OLDEST:
        raise GomeError(
            f"runtime {python}: Python {'.'.join(map(str, version))} is too old; name "
            f"{'.'.join(map(str, OLDEST))} or newer"
        )
    tried = dict(imported)
    broken = {n: tried.get(n, "importing ends the process") for n in modules if n in versions}
    broken = {name: why for name, why in broken.items() if why}
    hidden = {*_TOOLS, *broken, *(set(needed) - set(modules))}
    packages = {name: found for name, found in sorted(versions.items()) if name not in hidden}
    return packages, [_note(name, why) for name, why in broken.items()]


def _note(name: str, why: str) -> str:
    hint = "; install the system package libgomp1 (dnf: libgomp)" if "libgomp" in why else ""
    return f"{name} does not import and is not offered ({why.splitlines()[0]}){hint}"


def _ask(python: Path, modules: dict[str, str]) -> list[Any]:
    """What the script prints, a line an item. The environment holds nothing of the agent's."""
    command = [str(python), "-I", "-c", _SCRIPT, json.dumps(modules)]
    env = {"PATH": os.defpath, "HOME": str(python.parent)}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ASK_S, env=env)
        if lines := [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]:
            return lines
        why = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:200]
    except OSError as error:
        why = error.strerror or str(error)
    except subprocess.TimeoutExpired:
        why = f"no answer in {ASK_S} s"
    except ValueError as error:
        why = str(error)
    raise GomeError(f"runtime {python}: it does not run as Python ({why})")
