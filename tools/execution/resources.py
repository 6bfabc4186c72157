"""What a program asks for beside a slot: GPUs, and how much of their memory. Read from the program itself."""

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

    Without such a line, a program that imports a library for GPUs gets one whole card, any other program none. Memory
    alone means one card of which others may use the rest.
    """
    found = _DECLARED.search(program)
    if found is None:
        return Resources(gpus=1 if _USES_GPU.search(program) else 0)
    said = {name: int(value) for name, value in (word.split("=") for word in found["words"].split())}
    memory = said.get("gpu_memory_mb", 0)
    return Resources(gpus=said.get("gpus", 1 if memory else 0), gpu_memory_mb=memory)
