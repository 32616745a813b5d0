"""From a line of the input to the request that is sent."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from google.protobuf import json_format

from gemwire.bulk.lines import Line
from gemwire.genai._convert.resource_names import to_model_name
from gemwire_proto import v1beta
from gemwire_runtime.pool import POOL

_FORMS = 'a "request", a "prompt", or the "contents" of a request'


class Asked(NamedTuple):
    """A line, understood.

    Attributes:
        key: What the line is called; None for nothing.
        request: What it asks: a message.
    """

    key: Any
    request: Any


class BadLine(ValueError):
    """A line that cannot be sent.

    Attributes:
        key: What it is called, as far as one can tell.
    """

    def __init__(self, message: str, key: Any = None) -> None:
        super().__init__(message)
        self.key = key


def tree_of(line: Line) -> Any:
    """The JSON of a line.

    Raises:
        BadLine: It is none.
    """
    try:
        return json.loads(line.data.decode())
    except UnicodeDecodeError as error:
        raise BadLine(f"the line is not UTF-8: byte {error.start + 1}") from None
    except json.JSONDecodeError as error:
        raise BadLine(f"the line is not JSON: column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise BadLine("the line is not JSON that can be read: it is nested too deeply") from None


def key_of(line: Line) -> Any:
    """What a line is called; None for nothing, and where that cannot be told."""
    try:
        tree = tree_of(line)
    except BadLine:
        return None
    return tree.get("key") if isinstance(tree, dict) else None


def asked(line: Line) -> Asked:
    """What a line asks of a model.

    Args:
        line: A JSON text; an object with a "prompt"; a GenerateContentRequest; or an object with a "request",
            which is one. Objects may have a "key".

    Raises:
        BadLine: It is none of these, or has something in it that nobody knows.
    """
    tree = tree_of(line)
    if isinstance(tree, str):
        return Asked(None, _prompt(tree, None))
    if not isinstance(tree, dict):
        raise BadLine(f"the line is neither a JSON text nor an object with {_FORMS}")
    key = tree.pop("key", None)
    if "request" in tree:
        request = tree.pop("request")
        tree.pop("metadata", None)  # Allowed by the format; says nothing to the model.
        _refuse_rest(tree, key)
        return Asked(key, _request(request, key))
    if "prompt" in tree:
        prompt = tree.pop("prompt")
        _refuse_rest(tree, key)
        return Asked(key, _prompt(prompt, key))
    if "contents" in tree:
        return Asked(key, _request(tree, key))
    raise BadLine(f"the line has none of {_FORMS}", key)


def _refuse_rest(tree: dict[str, Any], key: Any) -> None:
    if tree:
        raise BadLine(f"the line has {', '.join(map(repr, tree))} beside what is known", key)


def _prompt(prompt: Any, key: Any) -> Any:
    if not isinstance(prompt, str) or not prompt:
        raise BadLine("prompt: expected a text that is not empty", key)
    try:
        return v1beta.GenerateContentRequest(contents=[{"role": "user", "parts": [{"text": prompt}]}])
    except (ValueError, TypeError) as error:
        raise BadLine(f"prompt: {error}", key) from None


def _request(tree: Any, key: Any) -> Any:
    if not isinstance(tree, dict):
        raise BadLine(f"request: expected an object, got {json.dumps(tree)[:40]}", key)
    try:
        request = message(v1beta.GenerateContentRequest, tree)
        if request.model:
            request.model = to_model_name(request.model)
    except (ValueError, TypeError) as error:
        raise BadLine(f"request: {error}", key) from None
    if not request.contents:
        raise BadLine("request.contents: there are none", key)
    return request


def message(kind: Any, tree: dict[str, Any]) -> Any:
    """A message of JSON. Its fields may be in camelCase or as the protos name them.

    Args:
        kind: Class of the message.
        tree: JSON.

    Raises:
        ValueError: It is no such message, or has a field that nobody knows.
    """
    made = kind()
    try:
        json_format.ParseDict(tree, made, descriptor_pool=POOL)
    except (json_format.Error, AttributeError, TypeError) as error:
        # json_format names no path; a field that does not exist is the most likely mistake.
        _known(kind.DESCRIPTOR, tree, "")
        raise ValueError(str(error)) from None
    return made


def _known(descriptor: Any, tree: dict[str, Any], path: str) -> None:
    """See that all names are known."""
    fields = {name: field for field in descriptor.fields for name in (field.name, field.json_name)}
    for name, value in tree.items():
        field = fields.get(name)
        if field is None:
            raise ValueError(f"{path}{name}: {descriptor.name} has no such field")
        inner = field.message_type
        if inner is None or inner.full_name.startswith("google.protobuf.") or inner.name.endswith("Entry"):
            continue
        for at, part in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(part, dict):
                _known(inner, part, f"{path}{name}{'' if at is None else f'[{at}]'}.")


def over(base: Any, request: Any) -> Any:
    """A request with what all have in common. What it says itself counts, field by field.

    Args:
        base: What all have in common; it is not changed.
        request: What is special; it is not changed.
    """
    made = type(base)()
    made.CopyFrom(base)
    for field, _ in request.ListFields():
        if field.name != "generation_config":
            made.ClearField(field.name)
            continue
        for inner, _ in request.generation_config.ListFields():
            made.generation_config.ClearField(inner.name)
    made.MergeFrom(request)
    return made


def borrows(request: Any) -> bool:
    """Whether a request names files or caches, each of which may be denied while the rest is not."""
    return bool(request.cached_content) or any(
        part.HasField("file_data") for content in request.contents for part in content.parts
    )
