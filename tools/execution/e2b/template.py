"""The solutions' packages in sandboxes: installed once, kept as a snapshot in the user's account by content."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from e2b import Sandbox

from gome.state.errors import GomeError
from gome.tools.execution.e2b.box import ROOT, Box, SandboxLost, refused
from gome.tools.execution.environment.runtime import PINS

INSTALL_S = 1200
_FOLDER = f"{ROOT}/runtime"
_INSTALL = (
    f"python3 -m venv {_FOLDER} && "
    f"{_FOLDER}/bin/python -m pip install -q --only-binary :all: -r {ROOT}/runtime.txt"
)


@dataclass(frozen=True)
class Service:
    """How sandboxes are made.

    `template` names one whose `python` has the solutions' packages; without it, `requirements` are installed into E2B's
    base template, and the result is kept as a snapshot for all later runs. `lifetime_s` is the longest life that the
    account allows: 3600 s (Hobby) or 86400 s (Pro).
    """

    template: str | None = None
    python: str = "/usr/local/bin/python3"
    requirements: Path = PINS
    lifetime_s: int = 3600

    @property
    def interpreter(self) -> str:
        """Path of the interpreter with the packages; '~' stands for the program's working folder."""
        return self.python if self.template else "~/../runtime/bin/python"


class Start(Protocol):
    """Makes a sandbox."""

    def __call__(self, template: str | None, seconds: float, *, network: bool = False) -> Box:
        """See Box.make."""


def ready_template(service: Service, start: Start, end: Callable[[Box], None]) -> str:
    """The template, or snapshot, to make sandboxes of. Builds the snapshot if the account has none: minutes, once.

    A sandbox that it needs for that is made and ended by `start` and `end`. Raises GomeError if it can't be built.
    """
    if service.template:
        return service.template
    recipe = json.dumps([_INSTALL, service.requirements.read_text()])
    name = f"gome-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}"
    with refused("its snapshots can't be listed"):
        pages = Sandbox.list_snapshots(name=name)
        known = pages.next_items() if pages.has_next else []
    if known:
        return known[0].snapshot_id
    box = start(None, INSTALL_S, network=True)
    try:
        _install(box, service.requirements)
        with refused("no snapshot of a sandbox could be made (or set E2B_TEMPLATE)"):
            return box.sandbox.create_snapshot(name).snapshot_id
    finally:
        end(box)


def _install(box: Box, requirements: Path) -> None:
    said: list[str] = []
    try:
        with requirements.open("rb") as file:
            box.upload("runtime.txt", file)
        code = box.execute(_INSTALL, INSTALL_S, said.append)
    except SandboxLost as error:
        code, said = 1, [str(error)]
    if code:
        last = "".join(said).strip().splitlines()[-1:] or [f"exit code {code}"]
        raise GomeError(
            f"E2B: the solutions' packages can't be installed into a sandbox ({last[0][:300]}); "
            "set E2B_TEMPLATE to a template that holds them"
        )
