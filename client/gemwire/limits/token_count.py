"""How many tokens an item is."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

#: Characters of text that are counted as one token.
CHARACTERS_PER_TOKEN = 4
#: Tokens of one image, as Gemini models count those of up to 384 pixels a side, and each tile of larger ones.
TOKENS_PER_IMAGE = 258


def estimate(item: Any) -> int:
    """Guess the tokens of a prompt, without asking anybody.

    A token is four characters of text, rounded up; binary data and files are `TOKENS_PER_IMAGE` each.
    Requests, contents and parts count what is in them: messages of any kind, dicts, lists and objects.

    Args:
        item: A text, contents, or a request.
    """
    characters, images = _sizes(item)
    return math.ceil(characters / CHARACTERS_PER_TOKEN) + images * TOKENS_PER_IMAGE


#: Fields that hold no content, and fields that hold one piece of data.
_NAMES = frozenset({"model", "role", "mime_type", "mimeType", "name", "display_name", "displayName"})
_DATA = frozenset({"inline_data", "inlineData", "file_data", "fileData"})


def _sizes(item: Any) -> tuple[int, int]:
    """Characters of text, and pieces of data."""
    if isinstance(item, str):
        return len(item), 0
    if item is None or isinstance(item, (int, float)):
        return 0, 0
    if isinstance(item, (bytes, bytearray, memoryview)) or hasattr(item, "tobytes"):
        return 0, 1
    # A proto-plus object carries the message inside.
    item = getattr(item, "_pb", item)
    if isinstance(item, Mapping):
        fields = list(item.items())
    elif hasattr(item, "ListFields"):
        fields = [(field.name, value) for field, value in item.ListFields()]
    elif isinstance(item, Iterable):
        fields = [("", value) for value in item]
    elif hasattr(item, "__dict__"):
        fields = [(name, value) for name, value in vars(item).items() if not name.startswith("_")]
    else:
        return 0, 0
    sizes = [
        (0, 1) if name in _DATA and value else _sizes(value) for name, value in fields if name not in _NAMES
    ]
    return sum(size[0] for size in sizes), sum(size[1] for size in sizes)


def used_tokens(response: Any) -> int | None:
    """Input tokens that an answer says it took; None where it says nothing."""
    usage = getattr(response, "usage_metadata", None)
    return getattr(usage, "prompt_token_count", None) or None


def counted_by(client: Any, model: str) -> Callable[[Any], Awaitable[int]]:
    """See `gemwire.limits.Limits.counted_by`."""
    client = getattr(client, "aio", client)
    # google-genai's shape has it among the models, and takes a text for contents.
    resource = getattr(client, "models", client)

    async def price(item: Any) -> int:
        contents = _contents(item)
        if isinstance(contents, str) and resource is client:
            contents = [{"role": "user", "parts": [{"text": contents}]}]

        def count() -> Any:
            return resource.count_tokens(model=model, contents=contents)

        if "Async" in type(client).__name__:
            answer = await count()
        else:
            answer = await asyncio.get_running_loop().run_in_executor(None, count)
        return int(answer.total_tokens or 0)

    return price


def _contents(item: Any) -> Any:
    if isinstance(item, Mapping):
        return item.get("contents", item)
    return getattr(item, "contents", item)
