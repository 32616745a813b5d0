"""Requests as what a chat model is told."""

from __future__ import annotations

import json
from typing import Any

from gemwire_emulator.engines import grammars, schemas
from gemwire_emulator.engines.instant import plain
from gemwire_emulator.errors import invalid_argument

_ROLES = {"model": "assistant", "system": "system"}


def messages_of(request: Any) -> list[dict[str, str]]:
    """The messages of a chat: roles alternate, and the last says what the answer must look like.

    Raises:
        StatusError: INVALID_ARGUMENT for what a model of texts cannot read.
    """
    messages: list[dict[str, str]] = []
    system = _text_of(request.system_instruction, "system_instruction")
    if system:
        messages.append({"role": "system", "content": system})
    for i, content in enumerate(request.contents):
        role = _ROLES.get(content.role, "user")
        text = _text_of(content, f"contents[{i}]")
        if not text:
            continue
        # Templates of many models insist on turns.
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"] += f"\n\n{text}"
        else:
            messages.append({"role": role, "content": text})
    if not messages:
        raise invalid_argument("contents", "has no text that the local model could answer")
    if messages[-1]["role"] == "user":
        messages[-1]["content"] = _asked(request, messages[-1]["content"])
    return messages


def _asked(request: Any, text: str) -> str:
    function = schemas.chosen_function(request)
    if function is not None:
        what = f"{function.name} ({function.description})" if function.description else function.name
        fields = grammars.fields_of(schemas.of_parameters(function))
        return f"Fill in the arguments of the function {what}: {fields}.\nRequest: {text}"
    schema = schemas.of_config(request.generation_config)
    if schema is None:
        return text
    if request.generation_config.response_mime_type == "text/x.enum":
        values = ", ".join(str(value) for value in schema.get("enum", ()))
        return f"{text}\n\nAnswer with one of: {values}." if values else text
    fields = grammars.fields_of(schema) if has_schema(request.generation_config) else ""
    return f"{text}\n\nAnswer as JSON with the fields {fields}." if fields else text


def has_schema(config: Any) -> bool:
    """Whether the caller gave a schema, and not only the wish for JSON."""
    names = ("response_schema", "response_json_schema", "response_json_schema_ordered")
    return any(config.HasField(name) for name in names)


def _text_of(content: Any, where: str) -> str:
    texts = []
    for i, part in enumerate(content.parts):
        kind = part.WhichOneof("data")
        if part.thought:
            continue
        if kind == "text":
            texts.append(part.text)
        elif kind == "function_response":
            given = json.dumps(plain(part.function_response.response), ensure_ascii=False)
            texts.append(f"The function {part.function_response.name} returned: {given}")
        elif kind == "inline_data" and part.inline_data.mime_type.startswith("text/"):
            texts.append(part.inline_data.data.decode("utf-8", "replace"))
        elif kind == "executable_code":
            texts.append(f"```\n{part.executable_code.code}\n```")
        elif kind == "code_execution_result":
            texts.append(part.code_execution_result.output)
        elif kind not in (None, "function_call"):
            # A call is left out: what was asked, and what came of it, read better side by side.
            raise invalid_argument(
                f"{where}.parts[{i}].{kind}", "cannot be read by the local model, which takes text only"
            )
    return "\n".join(texts)
