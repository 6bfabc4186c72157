"""What a program declares of itself in comment lines: which GPUs it asks for, and whether it can keep a model."""

import re
from dataclasses import dataclass

_DECLARED = re.compile(r"^#\s*gome:(?P<words>(?:[ \t]+\w+=\d{1,7})+)[ \t]*$", re.MULTILINE)
_USES_GPU = re.compile(r"^\s*(?:import|from)\s+(?:torch|tensorflow|jax|cupy|cudf|cuml)\b", re.MULTILINE)


@dataclass(frozen=True)
class Resources:
    """`gpus` cards of one machine, of each at least `gpu_memory_mb`; 0: whole cards, that no other program uses."""

    gpus: int = 0
    gpu_memory_mb: int = 0


NOTHING = Resources()


def resources_of(program: str) -> Resources:
    """What a program declares in a comment line `# gome: gpus=1 gpu_memory_mb=6000`; both words may be left out.

    Without them, a program that imports a library for GPUs gets one whole card, any other program none. Memory alone
    means one card of which others may use the rest.
    """
    said = _declared(program)
    if not said.keys() & {"gpus", "gpu_memory_mb"}:
        return Resources(gpus=1 if _USES_GPU.search(program) else 0)
    memory = said.get("gpu_memory_mb", 0)
    return Resources(gpus=said.get("gpus", 1 if memory else 0), gpu_memory_mb=memory)


def keeps_model(program: str) -> bool:
    """Whether a program declares, `# gome: keeps_model=1`, that it fits and predicts in two stages (see `Job.stage`)."""
    return bool(_declared(program).get("keeps_model"))


def _declared(program: str) -> dict[str, int]:
    """The words of all lines `# gome: NAME=NUMBER ...`."""
    words = (word for line in _DECLARED.finditer(program) for word in line["words"].split())
    return {name: int(value) for name, value in (word.split("=") for word in words)}
