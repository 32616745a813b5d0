"""The conversion of requests to the messages of a chat model."""

from __future__ import annotations

import json

from gemwire_emulator.engines import grammars
from gemwire_emulator.engines.function_choice import choose_function
from gemwire_emulator.engines.instant import struct_to_json
from gemwire_emulator.engines.json_schema import schema_from_config, schema_from_parameters
from gemwire_emulator.errors import invalid_argument
from gemwire_proto import v1beta

#: What precedes a single question to the pinned model, which otherwise misses the point of many.
GUIDANCE = (
    {"role": "system", "content": "You answer questions correctly, in one or two short sentences."},
    {"role": "user", "content": "What is the capital of Spain?"},
    {"role": "assistant", "content": "The capital of Spain is Madrid."},
    {"role": "user", "content": "Name an animal that can fly."},
    {"role": "assistant", "content": "A bird, such as an eagle, can fly."},
    {"role": "user", "content": "How does a bicycle work?"},
    {
        "role": "assistant",
        "content": "The rider turns the pedals, a chain moves the rear wheel, and the bicycle rolls forward.",
    },
)
_ROLES = {"model": "assistant", "system": "system"}


def build_messages(request: v1beta.GenerateContentRequest) -> list[dict[str, str]]:
    """Return the messages of a chat: roles alternate, and the last message describes the output format.

    Raises:
        StatusError: INVALID_ARGUMENT; the request has a part that a text model cannot read.
    """
    messages: list[dict[str, str]] = []
    system = _extract_text(request.system_instruction, "system_instruction")
    if system:
        messages.append({"role": "system", "content": system})
    for i, content in enumerate(request.contents):
        role = _ROLES.get(content.role, "user")
        text = _extract_text(content, f"contents[{i}]")
        if not text:
            continue
        # The templates of many models require alternating roles.
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"] += f"\n\n{text}"
        else:
            messages.append({"role": role, "content": text})
    if not messages:
        raise invalid_argument("contents", "has no text, which the local model requires")
    if messages[-1]["role"] == "user":
        messages[-1]["content"] = _add_format(request, messages[-1]["content"])
    return messages


def is_single_question(request: v1beta.GenerateContentRequest) -> bool:
    """Return whether a request is one question, without instructions, history, format or functions.

    One with a seed and a temperature is not: rounding depends on what is computed together, and more of it is
    for a longer prompt.
    """
    config = request.generation_config
    return (
        len(request.contents) == 1
        and not request.HasField("system_instruction")
        and not request.tools
        and schema_from_config(config) is None
        and not (config.HasField("seed") and config.temperature > 0)
    )


def _add_format(request: v1beta.GenerateContentRequest, text: str) -> str:
    function = choose_function(request)
    if function is not None:
        named = f"{function.name} ({function.description})" if function.description else function.name
        fields = grammars.describe_fields(schema_from_parameters(function))
        return f"Fill in the arguments of the function {named}: {fields}.\nRequest: {text}"
    schema = schema_from_config(request.generation_config)
    if schema is None:
        return text
    if request.generation_config.response_mime_type == "text/x.enum":
        values = ", ".join(str(value) for value in schema.get("enum", ()))
        return f"{text}\n\nAnswer with one of: {values}." if values else text
    fields = grammars.describe_fields(schema) if has_schema(request.generation_config) else ""
    return f"{text}\n\nAnswer as JSON with the fields {fields}." if fields else text


def has_schema(config: v1beta.GenerationConfig) -> bool:
    """Return whether a request has a schema, and not only a JSON media type."""
    return (
        config.HasField("response_schema")
        or config.HasField("response_json_schema")
        or config.HasField("response_json_schema_ordered")
    )


def _extract_text(content: v1beta.Content, field: str) -> str:
    texts = []
    for i, part in enumerate(content.parts):
        kind = part.WhichOneof("data")
        if part.thought:
            continue
        if kind == "text":
            texts.append(part.text)
        elif kind == "function_response":
            result = json.dumps(struct_to_json(part.function_response.response), ensure_ascii=False)
            texts.append(f"The function {part.function_response.name} returned: {result}")
        elif kind == "inline_data" and part.inline_data.mime_type.startswith("text/"):
            texts.append(part.inline_data.data.decode("utf-8", "replace"))
        elif kind == "tool_response":
            found = json.dumps(struct_to_json(part.tool_response.response), ensure_ascii=False)
            texts.append(f"A search found: {found}")
        elif kind == "executable_code":
            texts.append(f"```\n{part.executable_code.code}\n```")
        elif kind == "code_execution_result":
            texts.append(part.code_execution_result.output)
        elif kind not in (None, "function_call", "tool_call"):
            # Calls are left out: the prompt reads better with the question next to the result.
            raise invalid_argument(
                f"{field}.parts[{i}].{kind}", "cannot be read by the local model, which takes text only"
            )
    return "\n".join(texts)
