"""Plain JSON whose keys are not ours to name: a program's own log, a template's variables, a row of a file."""

from typing import Any

JsonObject = dict[str, Any]
