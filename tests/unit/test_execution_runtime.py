"""The solutions' environment: where packages come from, what is pinned, and how a failed build is told."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from gome.state.errors import GomeError
from gome.tools.execution.environment.interpreter import packages_of
from gome.tools.execution.environment.package_sources import (
    pip_settings,
    read_settings,
    uv_arguments,
    uv_environment,
)
from gome.tools.execution.environment.runtime import OFFERED, ensure_runtime, keep_runtime, requirements_of

UV_SETTINGS = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "SSL_CERT_FILE")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No settings of uv's own."""
    for name in UV_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize("named", [None, "torch", "audio"])
def test_every_pin_is_exact_and_stands_once(named: str | None) -> None:
    lines = [line for line in requirements_of(named).splitlines() if line and not line.startswith("#")]
    marker = r"; (sys_platform [!=]= \"darwin\"|python_full_version (<|>=) \"3\.12\")"
    assert all(re.fullmatch(rf"[a-z0-9-]+==[0-9.]+(post1)?({marker})?", line) for line in lines)
    assert all(lines.count(line) == 1 for line in lines)
    pins = dict(line.partition(";")[0].split("==") for line in lines)
    assert set(OFFERED) <= set(pins)
    assert int(pins["pandas"].split(".")[0]) < 3
    assert {"torch", "torchvision", "timm"} <= set(pins) or named is None


def test_a_name_is_kept_as_its_pins_and_a_folder_of_that_name_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch").mkdir()
    monkeypatch.chdir(tmp_path)
    kept = keep_runtime("torch", tmp_path)
    assert Path(kept).read_text() == requirements_of("torch") == requirements_of(kept)
    assert "torch==" in requirements_of(kept)
    assert "librosa==" in requirements_of("audio")
    with pytest.raises(GomeError, match="no Python environment"):
        keep_runtime("./torch", tmp_path)


def test_settings_of_pip_are_read_the_stronger_last() -> None:
    listing = """:env:.index-url='https://env.example/simple'
global.index-url='https://global.example/simple'
install.find_links='/wheels /more'
global.cert='/ca.pem'
debug.index-url='https://wrong.example'
nonsense
global.broken='unclosed
"""
    assert read_settings(listing) == {
        "index-url": "https://env.example/simple",
        "find-links": "/wheels /more",
        "cert": "/ca.pem",
    }


def test_settings_come_from_pips_own_files(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "pip.conf"
    config.write_text(
        "[global]\nindex-url = https://mirror.example/simple\nextra-index-url = file:///a\n  file:///b\n"
    )
    for name in [n for n in os.environ if n.startswith("PIP_")]:
        bare.delenv(name)
    bare.setenv("PIP_CONFIG_FILE", str(config))
    arguments = uv_arguments(pip_settings())
    assert arguments[:2] == ["--default-index", "https://mirror.example/simple"]
    assert " ".join(arguments).count("--index file:///a --index file:///b") == 1


def test_uv_is_told_what_pip_is_told(bare: pytest.MonkeyPatch) -> None:
    settings = {
        "extra-index-url": "file:///a\nfile:///b",
        "find-links": "/w",
        "no-index": "true",
        "cert": "/ca.pem",
    }
    assert uv_arguments(settings) == [
        *("--index", "file:///a", "--index", "file:///b", "--find-links", "/w", "--no-index"),
        *("--index-strategy", "unsafe-best-match"),
    ]
    assert uv_environment(settings)["SSL_CERT_FILE"] == "/ca.pem"
    bare.setenv("UV_DEFAULT_INDEX", "https://own.example")
    bare.setenv("SSL_CERT_FILE", "/own.pem")
    assert uv_arguments(settings) == []
    assert uv_environment(settings)["SSL_CERT_FILE"] == "/own.pem"


def test_a_build_that_fails_is_told_in_one_line(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare.setenv("PIP_NO_INDEX", "1")
    bare.setenv("PIP_CONFIG_FILE", os.devnull)
    bare.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    bare.setenv("UV_DEFAULT_INDEX", (tmp_path / "nowhere").as_uri())
    bare.delenv("PIP_FIND_LINKS", raising=False)
    said: list[str] = []
    with pytest.raises(GomeError, match=r"uv: .*pip: .*see .*\.log") as error:
        ensure_runtime(cache=tmp_path / "runtimes", progress=said.append)
    assert "\n" not in str(error.value)
    assert "uv failed to build the environment" in said
    (log,) = (tmp_path / "runtimes").glob("*.log")
    assert "No matching distribution" in log.read_text()


def test_the_environment_holds_what_it_offers_and_is_built_once() -> None:
    runtime, said = ensure_runtime(), []
    again = ensure_runtime(progress=said.append)
    assert (again, said) == (runtime, []) or runtime.notes
    assert set(runtime.packages) | {note.split()[0] for note in runtime.notes} == set(OFFERED)
    code = "import pandas, sys; print(pandas.__version__, sys.prefix)"
    told = subprocess.run(
        [runtime.python, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert told == [runtime.packages["pandas"], str(runtime.python.parents[1])]


def test_an_interpreter_is_asked_what_it_holds() -> None:
    packages, notes = packages_of(Path(sys.executable), {"pandas": "pandas", "pytest": "no_such_module"})
    assert packages["pandas"] == pd.__version__
    assert "pytest" not in packages
    assert notes == [
        "pytest does not import and is not offered (ModuleNotFoundError: No module named 'no_such_module')"
    ]
    assert "pip" not in packages
    assert "pluggy" not in packages  # pytest needs it


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("absent.txt", "nor a requirements file"),
        ("folder", "no Python environment"),
        ("include.txt", "line 2: '-r more.txt'"),
        ("binary.txt", "nor a requirements file"),
        ("program", "does not run as Python (no Python here)"),
        ("bin/python", "would see all of it"),
    ],
)
def test_a_runtime_that_is_none_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, says: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "folder").mkdir()
    (tmp_path / "include.txt").write_text("pandas\n-r more.txt\n")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe")
    (tmp_path / "program").write_text("#!/bin/sh\necho no Python here >&2\n")
    (tmp_path / "program").chmod(0o755)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    with pytest.raises(GomeError, match=re.escape(says)) as error:
        ensure_runtime(str(tmp_path / named), cache=tmp_path / "cache")
    assert "\n" not in str(error.value)


def test_a_run_keeps_its_requirements_and_its_interpreter(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "mine.txt").write_text("pandas<3\n")
    kept = keep_runtime(str(tmp_path / "mine.txt"), tmp_path / "run")
    (tmp_path / "mine.txt").unlink()
    assert Path(kept).read_text() == "pandas<3\n"
    assert keep_runtime(sys.prefix, tmp_path / "run") == f"{sys.prefix}/bin/python"
