"""What traces of this process hold: names, labels and times; what the model read and wrote only if that is asked for."""

import os

from langsmith.run_trees import get_cached_client
from langsmith.utils import tracing_is_enabled

_SWITCHES = ("LANGSMITH_HIDE_INPUTS", "LANGSMITH_HIDE_OUTPUTS")


def keep_content_home() -> None:
    """Unless the environment says otherwise, traces of this process hold no inputs, no outputs and no error texts.

    Prompts carry examples out of the data, replies and errors may repeat them. LangSmith's own switches, set to false,
    let them out. To be called where a process of Gome's own begins; where Gome is a library, its host decides.
    """
    for switch in _SWITCHES:
        os.environ.setdefault(switch, "true")
    if tracing_is_enabled() and os.environ[_SWITCHES[1]] == "true":
        get_cached_client(anonymizer=_without_text)


def _without_text(part: dict) -> dict:
    """LangSmith hands an error over as {'error': text}; its kind is what is left. An interrupt counts as an error."""
    return {"error": str(part["error"]).partition("(")[0]} if part.keys() == {"error"} else part
