"""What a program's files take is what is its own: not the disk that stands at /dev/shm while its walls are built."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gome.tools.execution.sandbox.file_usage import files_of


@contextmanager
def process_with(mount: str) -> Iterator[int]:
    """The id of a process that sees something else at /dev/shm than everybody else."""
    command = ["unshare", "-rm", "sh", "-c", f"{mount} && echo ready && exec sleep 60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            if process.stdout.readline() != "ready\n":
                pytest.skip("no mount namespaces here")
            yield process.pid
        finally:
            process.kill()


def test_a_folder_of_the_disk_is_not_counted_as_files_in_memory(tmp_path: Path) -> None:
    with process_with(f"mount --bind {tmp_path} /dev/shm") as pid:
        assert os.statvfs(tmp_path).f_files - os.statvfs(tmp_path).f_ffree > 100  # of the whole disk
        assert files_of(tmp_path, [pid], 100).count == 0


def test_files_in_memory_are(tmp_path: Path) -> None:
    with process_with("mount -t tmpfs none /dev/shm && touch /dev/shm/a /dev/shm/b") as pid:
        time.sleep(0.1)
        assert files_of(tmp_path, [pid], 100).count >= 2
