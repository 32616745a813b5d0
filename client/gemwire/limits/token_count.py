"""Token counts of prompts: estimated, counted by the API, or reported by a response."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol

#: Characters of text that are counted as one token.
CHARACTERS_PER_TOKEN = 4
#: Tokens of an image of up to 384 pixels a side, and of each tile of a larger one, in Gemini models.
TOKENS_PER_IMAGE = 258


def estimate(item: object) -> int:
    """Estimate the tokens of a prompt, without a call.

    Four characters of text count as one token, rounded up; binary data and files as `TOKENS_PER_IMAGE` each.
    Messages, dicts, lists and objects count as what they contain.

    Args:
        item: Text, contents, or a request.
    """
    characters, blobs = _sizes(item)
    return math.ceil(characters / CHARACTERS_PER_TOKEN) + blobs * TOKENS_PER_IMAGE


#: Fields that are not part of the prompt, and fields that hold one piece of data.
_IGNORED = frozenset({"model", "role", "mime_type", "mimeType", "name", "display_name", "displayName"})
_BLOBS = frozenset({"inline_data", "inlineData", "file_data", "fileData"})


def _sizes(item: Any) -> tuple[int, int]:
    """Return the characters of text and the pieces of data in an item."""
    if isinstance(item, str):
        return len(item), 0
    if item is None or isinstance(item, (int, float)):
        return 0, 0
    if isinstance(item, (bytes, bytearray, memoryview)) or hasattr(item, "tobytes"):
        return 0, 1
    # proto-plus wraps the message.
    item = getattr(item, "_pb", item)
    fields: list[tuple[str, object]]
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
        (0, 1) if name in _BLOBS and value else _sizes(value)
        for name, value in fields
        if name not in _IGNORED
    ]
    return sum(size[0] for size in sizes), sum(size[1] for size in sizes)


def prompt_tokens(response: object) -> int | None:
    """Return the input tokens that a response reports; None if it reports none."""
    count: object = getattr(getattr(response, "usage_metadata", None), "prompt_token_count", None)
    return count if isinstance(count, int) and count > 0 else None


class _TokenCount(Protocol):
    @property
    def total_tokens(self) -> int | None: ...


def counted_by(client: object, model: str) -> Callable[[object], Awaitable[int]]:
    """Return a price function that calls CountTokens; see `gemwire.limits.Limits.counted_by`."""
    client = getattr(client, "aio", client)
    # A genai client counts by its models and accepts plain text.
    resource = getattr(client, "models", client)
    count_tokens: Callable[..., Awaitable[_TokenCount] | _TokenCount] = getattr(resource, "count_tokens")  # noqa: B009
    is_async = "Async" in type(client).__name__

    async def price(item: object) -> int:
        contents = _contents(item)
        if isinstance(contents, str) and resource is client:
            contents = [{"role": "user", "parts": [{"text": contents}]}]

        def count() -> Awaitable[_TokenCount] | _TokenCount:
            return count_tokens(model=model, contents=contents)

        counted = count() if is_async else await asyncio.get_running_loop().run_in_executor(None, count)
        if inspect.isawaitable(counted):
            counted = await counted
        return int(counted.total_tokens or 0)

    return price


def _contents(item: object) -> object:
    if isinstance(item, Mapping):
        return item.get("contents", item)
    return getattr(item, "contents", item)
