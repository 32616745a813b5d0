"""``--tools``: the functions that a model may call."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Any

from gemwire import v1beta
from gemwire.cli import protojson

_TOOL_FIELDS = {name for f in v1beta.Tool.DESCRIPTOR.fields for name in (f.name, f.json_name)}
_TYPES = {name.lower(): name for name, _ in v1beta.Type.items()}


class ToolMode(str, enum.Enum):
    """Whether a model may, must or must not call functions."""

    AUTO = "auto"
    ANY = "any"
    NONE = "none"


def read_tools(path: Path) -> list[v1beta.Tool]:
    """Read the tools in a JSON file: function declarations, tools, or a list of both.

    Raises:
        ValueError: The file cannot be read, or an item is invalid; the error names file and field.
    """
    value = protojson.read_value(path, "--tools")
    items = value if isinstance(value, list) else [value]
    tools: list[v1beta.Tool] = []
    declarations: list[v1beta.FunctionDeclaration] = []
    for number, item in enumerate(items):
        source = f"--tools {path}[{number}]" if isinstance(value, list) else f"--tools {path}"
        if not isinstance(item, dict):
            raise ValueError(f"{source}: expected a function declaration or a tool, a JSON object")  # noqa: TRY004
        if _TOOL_FIELDS & item.keys():
            tools.append(_parse_tool(item, source))
        else:
            declarations.append(_parse_declaration(item, source))
    if declarations:
        tools.insert(0, v1beta.Tool(function_declarations=declarations))
    if not tools:
        raise ValueError(f"--tools {path}: no functions in the file; give a list of function declarations")
    return tools


def tool_config(
    tools: list[v1beta.Tool], mode: ToolMode | None, allowed: list[str]
) -> dict[str, object] | None:
    """Return the tool config of ``--tool-mode`` and ``--allowed-function``; None for the service's default.

    Raises:
        ValueError: An allowed function is not declared, or the options contradict each other.
    """
    if not mode and not allowed:
        return None
    if not tools:
        raise ValueError(f"{'--tool-mode' if mode else '--allowed-function'} requires --tools")
    if allowed and mode and mode is not ToolMode.ANY:
        raise ValueError(f"--allowed-function requires --tool-mode any, not {mode.value}")
    names = [declaration.name for tool in tools for declaration in tool.function_declarations]
    for name in allowed:
        if name not in names:
            raise ValueError(
                f"--allowed-function {name}: not declared in --tools, which declares "
                f"{', '.join(names) or 'none'}"
            )
    config: dict[str, object] = {"mode": (mode or ToolMode.ANY).name}
    if allowed:
        config["allowed_function_names"] = allowed
    return {"function_calling_config": config}


def _parse_tool(item: dict[str, Any], source: str) -> v1beta.Tool:
    key = "functionDeclarations" if "functionDeclarations" in item else "function_declarations"
    declarations = item.get(key)
    if not isinstance(declarations, list):
        return protojson.parse_message(item, v1beta.Tool, source)
    rest = {name: value for name, value in item.items() if name != key}
    tool = protojson.parse_message(rest, v1beta.Tool, source)
    tool.function_declarations.extend(
        _parse_declaration(one, f"{source}.{key}[{number}]") for number, one in enumerate(declarations)
    )
    return tool


def _parse_declaration(item: object, source: str) -> v1beta.FunctionDeclaration:
    if isinstance(item, dict):
        schemas = ("parameters", "response")
        item = {name: _normalize_schema(value) if name in schemas else value for name, value in item.items()}
    declaration = protojson.parse_message(item, v1beta.FunctionDeclaration, source)
    if not declaration.name:
        raise ValueError(f"{source}.name: required in a function declaration")
    return declaration


def _normalize_schema(value: object) -> object:
    """Return a schema with the API's type names, such as STRING, in place of JSON Schema's."""
    if isinstance(value, list):
        return [_normalize_schema(item) for item in value]
    if not isinstance(value, dict):
        return value
    schema = dict(value)
    if isinstance(kind := schema.get("type"), str):
        schema["type"] = _TYPES.get(kind, kind)
    for name in ("items", "anyOf", "any_of"):
        if name in schema:
            schema[name] = _normalize_schema(schema[name])
    if isinstance(properties := schema.get("properties"), dict):
        schema["properties"] = {name: _normalize_schema(inner) for name, inner in properties.items()}
    return schema
