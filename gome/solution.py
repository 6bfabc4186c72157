"""The solution of a run: the programs whose predictions are its submission, with their weights."""

import json

from gome.agents.blend import Part
from gome.run_folder import RunFolder
from gome.state.errors import GomeError


def solution_of(folder: RunFolder) -> list[Part]:
    """What the run handed over; of a run that goes on, what it would hand over now. GomeError: no program's."""
    weights = _weights(folder)
    records = {record.id: record for record in folder.records}
    if not weights or not folder.has_program:
        raise GomeError(f"{folder.path}: its submission is a constant prediction, not that of a program")
    return [Part.of(records[name], weight, folder.artifacts) for name, weight in weights.items()]


def _weights(folder: RunFolder) -> dict[str, float]:
    if folder.result:
        best = folder.result.get("best")
        return {member["id"]: member["weight"] for member in best["members"]} if best else {}
    for name in ("provisional.json", "standing.json"):  # its name in version 0.1
        try:
            return {json.loads((folder.path / name).read_text())["id"]: 1.0}
        except (OSError, ValueError, KeyError):
            continue
    return {}
