"""Pictures of a task that a model is shown as they are, if it takes any: as LangChain's standard content blocks."""

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage

COUNT = 4
"""Pictures for a model that says that it takes them, where nobody says how many."""
CHARACTERS = 3000
"""What a picture counts for among characters of a prompt: about what providers charge for one of half a megapixel."""
_MOST_BYTES = 1 << 20
_BEGINS = {b"\x89PNG\r\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}


@dataclass(frozen=True)
class Picture:
    """A file of the task. Its bytes go to the model as they are; nothing of ours takes them apart."""

    name: str
    path: Path
    mime: str

    @property
    def blocks(self) -> list[dict[str, Any]]:
        """Its name, and what it shows."""
        shown = base64.b64encode(self.path.read_bytes()).decode()
        return [
            {"type": "text", "text": f"The task's file {json.dumps(self.name, ensure_ascii=False)}:"},
            {"type": "image", "base64": shown, "mime_type": self.mime},
        ]


def pictures_for(
    model: BaseChatModel, folder: Path, names: Sequence[str], count: int | None
) -> tuple[Picture, ...]:
    """The first `count` of the pictures `names` that every provider takes: PNG, JPEG, GIF and WebP of at most a
    megabyte. None: `COUNT` for a model whose profile says that it takes pictures, none for others."""
    if count is None:
        count = COUNT if (model.profile or {}).get("image_inputs") else 0
    return tuple(_sendable(folder, names, count))


def _sendable(folder: Path, names: Sequence[str], count: int) -> Iterator[Picture]:
    for name in names:
        if count <= 0:
            return
        path = folder / name
        if path.is_file() and path.stat().st_size <= _MOST_BYTES and (mime := _mime(path)):
            yield Picture(name, path, mime)
            count -= 1


def _mime(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(12)
    if head[:4] == b"RIFF" and head[8:] == b"WEBP":
        return "image/webp"
    return next((mime for begin, mime in _BEGINS.items() if head.startswith(begin)), "")


def without_pictures(message: BaseMessage) -> str:
    """The text of a message; a line in the place of each picture, by its kind and size."""
    if isinstance(message.content, str):
        return message.content
    return "\n".join(map(_in_words, message.content))


def _in_words(block: str | dict[str, Any]) -> str:
    if isinstance(block, str):
        return block
    if block.get("type") == "image":
        return f"[{block['mime_type']} of {len(base64.b64decode(block['base64'])):,} bytes]"
    return str(block.get("text", ""))


def picture_count(message: BaseMessage) -> int:
    """How many pictures the message holds."""
    blocks = message.content if isinstance(message.content, list) else []
    return sum(isinstance(block, dict) and block.get("type") == "image" for block in blocks)
