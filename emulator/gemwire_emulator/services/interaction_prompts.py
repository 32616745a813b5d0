"""Interactions as requests to generate content: inputs, steps, tools and settings."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from google.protobuf import json_format

from gemwire_emulator.errors import StatusError, invalid_argument, quote
from gemwire_emulator.json_codec.messages import parse_message
from gemwire_proto import interactions as api
from gemwire_proto import v1beta
from gemwire_proto.google.protobuf import struct_pb2

_CONTENTS = frozenset({"audio", "document", "image", "text", "video"})
_MODES = v1beta.FunctionCallingConfig.Mode
_ROLES = {"user": "user_input", "model": "model_output"}


def parse_input(value: struct_pb2.Value) -> list[api.Step]:
    """Return the steps of an input: a text, a content, a step, or a list of contents, steps or turns.

    Raises:
        StatusError: INVALID_ARGUMENT; it is not one of these.
    """
    tree = json_format.MessageToDict(value)
    if isinstance(tree, list):
        if not tree:
            raise invalid_argument("input", "is empty")
        if all(isinstance(item, dict) and item.get("type") in _CONTENTS for item in tree):
            return [_parse({"type": "user_input", "content": tree}, "input")]
        return [_parse_step(item, f"input[{at}]") for at, item in enumerate(tree)]
    return [_parse_step(tree, "input")]


def _parse_step(tree: object, path: str) -> api.Step:
    if isinstance(tree, str):
        tree = {"type": "text", "text": tree}
    if not isinstance(tree, dict):
        raise invalid_argument(path, "is neither a text nor a content nor a step")
    kind = tree.get("type")
    if kind in _CONTENTS:
        return _parse({"type": "user_input", "content": [tree]}, path)
    if kind is None and tree.get("role") in _ROLES:
        content = tree.get("content")
        texts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        return _parse({"type": _ROLES[tree["role"]], "content": texts}, path)
    if not isinstance(kind, str):
        raise invalid_argument(f"{path}.type", "is required")
    return _parse(tree, path)


def _parse(tree: object, path: str) -> api.Step:
    try:
        step = parse_message(api.Step, tree)
    except StatusError as error:
        raise invalid_argument(path, error.message) from None
    for at, content in enumerate(step.content):
        if content.type not in _CONTENTS:
            raise invalid_argument(
                f"{path}.content[{at}].type",
                f"{quote(content.type)} is not one of {', '.join(sorted(_CONTENTS))}",
            )
    return step


def build_contents(history: Sequence[api.Step], steps: Sequence[api.Step]) -> list[v1beta.Content]:
    """Return the contents of a conversation; consecutive steps of one side become one content.

    Steps of tools that run at the service have no counterpart and are left out.

    Args:
        history: The steps before.
        steps: Those of the input.

    Raises:
        StatusError: INVALID_ARGUMENT; bytes are not base64, or a result has no call.
    """
    contents: list[v1beta.Content] = []
    names: dict[str, str] = {}
    for at, step in enumerate((*history, *steps), -len(history)):
        path = f"input[{at}]"
        role, parts = "model", []
        if step.type in {"user_input", "model_output"}:
            role = "user" if step.type == "user_input" else "model"
            parts = [_to_part(one, f"{path}.content[{i}]") for i, one in enumerate(step.content)]
        elif step.type == "function_call":
            names[step.id] = step.name
            call = v1beta.FunctionCall(id=step.id, name=step.name, args=step.arguments)
            parts = [v1beta.Part(function_call=call)]
        elif step.type == "function_result":
            name = step.name or names.get(step.call_id, "")
            if not name:
                raise invalid_argument(f"{path}.call_id", f"{quote(step.call_id)} is not the id of a call")
            response = v1beta.FunctionResponse(id=step.call_id, name=name, response=_to_response(step))
            role, parts = "user", [v1beta.Part(function_response=response)]
        if not parts:
            continue
        if contents and contents[-1].role == role:
            contents[-1].parts.extend(parts)
        else:
            contents.append(v1beta.Content(role=role, parts=parts))
    return contents


def _to_part(content: api.Content, path: str) -> v1beta.Part:
    if content.type == "text":
        return v1beta.Part(text=content.text)
    if content.uri:
        return v1beta.Part(file_data=v1beta.FileData(file_uri=content.uri, mime_type=content.mime_type))
    if not content.data:
        raise invalid_argument(f"{path}.data", "is required, or uri")
    try:
        data = base64.b64decode(content.data, validate=True)
    except (binascii.Error, ValueError):
        raise invalid_argument(f"{path}.data", "is not base64") from None
    if not content.mime_type:
        raise invalid_argument(f"{path}.mime_type", "is required with data")
    return v1beta.Part(inline_data=v1beta.Blob(data=data, mime_type=content.mime_type))


def _to_response(step: api.Step) -> struct_pb2.Struct:
    if step.result.WhichOneof("kind") == "struct_value":
        return step.result.struct_value
    response = struct_pb2.Struct()
    response.fields["error" if step.is_error else "result"].CopyFrom(step.result)
    return response


def build_request(
    request: api.CreateInteractionRequest, model: str, contents: Sequence[v1beta.Content], system: str
) -> v1beta.GenerateContentRequest:
    """Return the request to generate the output of an interaction.

    Args:
        request: The interaction.
        model: Name of the model.
        contents: The conversation so far, with the input.
        system: Instructions of the agent, which come first; may be empty.

    Raises:
        StatusError: INVALID_ARGUMENT; a setting is invalid.
    """
    made = v1beta.GenerateContentRequest(model=model, contents=contents)
    made.cached_content = request.cached_content
    if instructions := [text for text in (system, request.system_instruction) if text]:
        made.system_instruction.parts.extend(v1beta.Part(text=text) for text in instructions)
    declarations = []
    for at, tool in enumerate(request.tools):
        if tool.type == "function":
            declaration = v1beta.FunctionDeclaration(name=tool.name, description=tool.description)
            if tool.HasField("parameters"):
                declaration.parameters_json_schema.CopyFrom(tool.parameters)
            declarations.append(declaration)
        elif not tool.type:
            raise invalid_argument(f"tools[{at}].type", "is required")
    if declarations:
        made.tools.add(function_declarations=declarations)
    for at, setting in enumerate(request.safety_settings):
        try:
            made.safety_settings.add(
                category=f"HARM_CATEGORY_{setting.type.upper()}", threshold=setting.threshold.upper()
            )
        except ValueError as error:
            raise invalid_argument(f"safety_settings[{at}]", str(error)) from None
    _set_config(made, request)
    return made


def _set_config(made: v1beta.GenerateContentRequest, request: api.CreateInteractionRequest) -> None:
    given, config = request.generation_config, made.generation_config
    for name in ("temperature", "top_p", "seed", "max_output_tokens"):
        if given.HasField(name):
            setattr(config, name, getattr(given, name))
    config.stop_sequences.extend(given.stop_sequences)
    if given.thinking_summaries == "auto":
        config.thinking_config.include_thoughts = True
    if given.HasField("tool_choice"):
        choice = json_format.MessageToDict(given.tool_choice)
        _set_tool_choice(made.tool_config.function_calling_config, choice)
    form = json_format.MessageToDict(request.response_format) if request.HasField("response_format") else []
    config.response_mime_type = request.response_mime_type
    for at, one in enumerate(form if isinstance(form, list) else [form]):
        if not isinstance(one, dict):
            raise invalid_argument(f"response_format[{at}]", "must be an object")
        # Before there were types, the schema itself was given.
        schema = one.get("schema") if one.get("type") in {"audio", "image", "text", "video"} else one
        if one.get("mime_type") and one.get("type") == "text":
            config.response_mime_type = one["mime_type"]
        if schema:
            config.response_mime_type = config.response_mime_type or "application/json"
            json_format.ParseDict(schema, config.response_json_schema)


def _set_tool_choice(config: v1beta.FunctionCallingConfig, choice: object) -> None:
    if isinstance(choice, dict):
        allowed = choice.get("allowed_tools") or {}
        config.allowed_function_names.extend(allowed.get("tools") or ())
        choice = allowed.get("mode", "any")
    name = str(choice).upper()
    if name not in _MODES.keys():  # noqa: SIM118 - not a dict
        raise invalid_argument(
            "generation_config.tool_choice", f"{quote(choice)} is not one of auto, any, none and validated"
        )
    config.mode = _MODES.Value(name)
