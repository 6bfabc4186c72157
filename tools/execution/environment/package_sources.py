"""pip's configuration in uv's words: uv reads none of it, and a user's package index is usually set there."""

import ast
import contextlib
import os
import subprocess
import sys

_LEVELS = ("global", "install", ":env:")  # later ones win
_FLAGS = {"index-url": "--default-index", "extra-index-url": "--index", "find-links": "--find-links"}
_OWN_INDEX = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL")


def pip_settings() -> dict[str, str]:
    """pip's settings of this machine, from its files and PIP_* variables: {"index-url": ...}; {} without pip."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    done = subprocess.run(command, capture_output=True, text=True)
    return read_settings(done.stdout if done.returncode == 0 else "")


def read_settings(listing: str) -> dict[str, str]:
    """The effective settings out of what `pip config list` prints, lines like global.index-url='https://...'."""
    by_level: dict[str, dict[str, str]] = {level: {} for level in _LEVELS}
    for line in listing.splitlines():
        key, _, quoted = line.partition("=")
        level, _, name = key.rpartition(".")
        with contextlib.suppress(ValueError, SyntaxError):
            if level in by_level:
                by_level[level][name.replace("_", "-")] = str(ast.literal_eval(quoted))
    return {name: value for level in _LEVELS for name, value in by_level[level].items()}


def uv_arguments(settings: dict[str, str]) -> list[str]:
    """Arguments of `uv pip install` for the same package sources; none about indexes where uv has its own setting.

    pip takes the best version that any index has, uv that of the first index: it is told to do as pip does.
    """
    arguments: list[str] = []
    if not any(os.environ.get(name) for name in _OWN_INDEX):
        for name, flag in _FLAGS.items():
            arguments += [part for source in settings.get(name, "").split() for part in (flag, source)]
        if settings.get("no-index", "").lower() in ("1", "true", "yes", "on"):
            arguments.append("--no-index")
        if "extra-index-url" in settings:
            arguments += ["--index-strategy", "unsafe-best-match"]
    for host in settings.get("trusted-host", "").split():
        arguments += ["--allow-insecure-host", host]
    return arguments


def uv_environment(settings: dict[str, str]) -> dict[str, str]:
    """The environment for uv: this one, with pip's certificate, proxy and timeout where uv has no setting of its own."""
    passed = {
        "SSL_CERT_FILE": settings.get("cert"),
        "HTTPS_PROXY": settings.get("proxy"),
        "HTTP_PROXY": settings.get("proxy"),
        "UV_HTTP_TIMEOUT": settings.get("timeout") or settings.get("default-timeout"),
    }
    env = {name: value for name, value in passed.items() if value} | dict(os.environ)
    return {
        name: value for name, value in env.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")
    }
