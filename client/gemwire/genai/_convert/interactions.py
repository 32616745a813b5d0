"""Interactions as messages: what programs give for the fields that hold any JSON."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, cast

from gemwire.genai._json.jsonable import to_jsonable
from gemwire_proto.interactions import views
from gemwire_runtime.pydantic_models import unwrap
from gemwire_runtime.views import View

#: Fields of any JSON, in requests and in what they hold.
_JSON_FIELDS = frozenset({"environment", "input", "response_format"})
#: Types of steps; other dicts are contents.
_STEPS = frozenset(
    {
        "model_output",
        "thought",
        "user_input",
        *(
            f"{tool}_{part}"
            for tool in (
                "code_execution",
                "file_search",
                "function",
                "google_maps",
                "google_search",
                "mcp_server_tool",
                "processing",
                "retrieval",
                "tool_search",
                "url_context",
            )
            for part in ("call", "result")
        ),
    }
)


def to_create_request(fields: Mapping[str, object], *, stream: bool) -> views.CreateInteractionRequest:
    """Build the request for an interaction.

    Raises:
        ValueError: An argument does not exist, is missing or is out of range.
        TypeError: An argument is of a wrong type.
    """
    if ("model" in fields) is ("agent" in fields):
        problem = "excludes agent; give one of them" if "model" in fields else "is required, or agent"
        raise ValueError(f"model: {problem}")
    if fields.get("background") and fields.get("store") is False:
        raise ValueError("store: must not be False with background, or nothing could be got later")
    if "input" not in fields and "continuation_token" not in fields:
        raise ValueError("input: is required")
    request = views.CreateInteractionRequest.model_validate(convert_input(fields))
    if stream:
        request.stream = True
    return request


def convert_input(fields: Mapping[str, object]) -> dict[str, object]:
    """Return the fields of a request, what may be any JSON converted. Raises as `to_create_request`."""
    given = {name: _to_json(value, name) if name in _JSON_FIELDS else value for name, value in fields.items()}
    if "input" in given:
        given["input"] = _to_steps(given["input"])
    return given


def convert_interaction(fields: Mapping[str, object]) -> dict[str, object]:
    """Return the fields of a trigger, its interaction converted. Raises as `to_create_request`."""
    interaction = unwrap(fields.get("interaction"))
    if not isinstance(interaction, Mapping):
        return dict(fields)
    return {**fields, "interaction": convert_input(interaction)}


def _to_json(value: object, path: str) -> object:
    """Convert views, dicts and pydantic models to JSON; bytes and files become base64.

    Raises:
        TypeError: A value has no JSON form; ``path`` and its place in it are named.
    """
    if isinstance(value, os.PathLike):
        return base64.b64encode(Path(value).read_bytes()).decode()
    if hasattr(value, "read"):
        return base64.b64encode(cast("BinaryIO", value).read()).decode()
    fields = value if isinstance(value, View) else unwrap(value)
    if isinstance(fields, Mapping):
        return {str(name): _to_json(item, f"{path}.{name}") for name, item in fields.items()}
    if isinstance(fields, (list, tuple)):
        return [_to_json(item, f"{path}[{at}]") for at, item in enumerate(fields)]
    try:
        return to_jsonable(fields)
    except TypeError as error:
        raise TypeError(f"{path}: {error}") from None


def _to_steps(tree: object) -> object:
    """Return an input as the service takes it: lists hold contents of one step, or steps."""
    if isinstance(tree, dict):
        return _to_content(tree)
    if not isinstance(tree, list):
        if not isinstance(tree, str):
            raise TypeError(f"input: expected a text, a content, a step or a list, got {type(tree).__name__}")
        return tree
    if not tree:
        raise ValueError("input: is empty")
    items = [_to_text(item) if isinstance(item, str) else item for item in tree]
    for at, item in enumerate(items):
        if not isinstance(item, dict):
            raise TypeError(f"input[{at}]: expected a text, a content or a step, got {type(item).__name__}")
    if any(item.get("type") in _STEPS or "role" in item or "content" in item for item in items):
        return items
    return [{"type": "user_input", "content": [_to_content(item) for item in items]}]


def _to_content(tree: dict[str, object]) -> dict[str, object]:
    return {**tree, "type": "text"} if "text" in tree and "type" not in tree else tree


def _to_text(text: str) -> dict[str, object]:
    return {"type": "text", "text": text}
