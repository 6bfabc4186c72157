"""One sandbox at the E2B service, and what can go wrong with it."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO

import httpx
from e2b import (
    AuthenticationException,
    CommandExitException,
    Sandbox,
    SandboxException,
    ServiceBusyException,
)

from gome.state.errors import GomeError
from gome.tools.execution.file_transfer import Manifest

ROOT = "/srv/gome"
LABEL = "gome-run"
_TROUBLE = (SandboxException, ServiceBusyException, AuthenticationException, httpx.HTTPError)


class SandboxLost(Exception):
    """The sandbox ended, or can't be reached, while it was in use."""


@dataclass(eq=False)
class Box:
    """One live sandbox, and all input files that were ever sent into it.

    `at_work`: an earlier process of the run started a job in it.
    """

    sandbox: Sandbox
    born: float = field(default_factory=time.monotonic)
    seen: Manifest = field(default_factory=dict)
    at_work: bool = False

    @classmethod
    def make(cls, template: str | None, label: str, seconds: float, *, network: bool = False) -> "Box":
        """A fresh sandbox that lives so many seconds. GomeError if the service gives none."""
        with refused("no sandbox could be started"):
            return cls(
                Sandbox.create(
                    template, timeout=int(seconds), metadata={LABEL: label}, allow_internet_access=network
                )
            )

    @classmethod
    def resume(cls, name: str, seconds: float, *, age_s: float) -> "Box":
        """The sandbox that an earlier process left, running or paused, for so many seconds. SandboxLost if it is gone.

        `age_s` is how long it has run until now, since it was made or paused last.
        """
        with _lost_if_it_fails():
            sandbox = Sandbox.connect(name, timeout=int(seconds))
        return cls(sandbox, born=time.monotonic() - age_s, at_work=True)

    @property
    def name(self) -> str:
        """The service's name for it."""
        return self.sandbox.sandbox_id

    @property
    def age_s(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self.born

    def end(self) -> None:
        """See end_sandbox."""
        end_sandbox(self.name)

    def pause(self) -> bool:
        """Freeze it, with all that runs in it; whether that worked."""
        try:
            self.sandbox.pause()
        except _TROUBLE:
            return False
        return True

    def keep_for(self, seconds: float) -> None:
        """Let it live that much longer from now on; the service ends it then, whatever becomes of this process."""
        with _lost_if_it_fails():
            self.sandbox.set_timeout(max(1, int(seconds)))

    def upload(self, name: str, file: IO[bytes]) -> None:
        """Write a file below ROOT. A file object is streamed by the SDK; anything else it would hold in memory."""
        with _lost_if_it_fails():
            self.sandbox.files.write(f"{ROOT}/{name}", file, user="root")

    def download(self, name: str, limit: int) -> bytes:
        """Read a file below ROOT. SandboxLost if there is none, or more than `limit` bytes come."""
        data = bytearray()
        with (
            _lost_if_it_fails(),
            self.sandbox.files.read(f"{ROOT}/{name}", format="stream", user="root") as chunks,
        ):
            for chunk in chunks:
                data += chunk
                if len(data) > limit:
                    raise SandboxLost(f"{name} is larger than {limit} bytes")
        return bytes(data)

    def execute(self, command: str, seconds: float, on_output: Callable[[str], None]) -> int:
        """Run a command as root to its end, at most `seconds`; its exit code."""
        with _lost_if_it_fails():
            handle = self.sandbox.commands.run(
                command, background=True, user="root", timeout=seconds, retain_output=False
            )
            try:
                return handle.wait(on_stdout=on_output, on_stderr=on_output).exit_code
            except CommandExitException as error:
                return error.exit_code
            except _TROUBLE:
                raise
            except Exception as error:  # so the SDK says that the stream ended early
                raise SandboxLost(_first_line(error)) from error


def end_sandbox(name: str) -> None:
    """End it; nothing more can be done where the service does not answer: it ends by itself then."""
    with contextlib.suppress(*_TROUBLE):
        Sandbox.kill(name)


@contextlib.contextmanager
def _lost_if_it_fails() -> Iterator[None]:
    try:
        yield
    except _TROUBLE as error:
        raise SandboxLost(_first_line(error)) from error


@contextlib.contextmanager
def refused(what: str) -> Iterator[None]:
    """What the SDK raises becomes a GomeError that says `what` went wrong."""
    try:
        yield
    except AuthenticationException as error:
        raise GomeError(f"E2B refuses the key in E2B_API_KEY: {_first_line(error)}") from error
    except (*_TROUBLE, SandboxLost) as error:
        raise GomeError(f"E2B: {what}: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
