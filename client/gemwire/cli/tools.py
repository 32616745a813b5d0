"""``--tools``: the functions that a model may call."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Any

from gemwire import v1beta
from gemwire.cli import protojson

_TOOL = {name for f in v1beta.Tool.DESCRIPTOR.fields for name in (f.name, f.json_name)}
_TYPES = {name.lower(): name for name, _ in v1beta.Type.items()}


class ToolMode(str, enum.Enum):
    """Whether a model may, must or must not call functions."""

    AUTO = "auto"
    ANY = "any"
    NONE = "none"


def read(path: Path) -> list[Any]:
    """The tools of a JSON file: a list of function declarations, of tools, or of both.

    Raises:
        ValueError: It cannot be read, or something in it is neither; the message names file and field.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"--tools {path}: {getattr(error, 'strerror', None) or error}") from None
    value = protojson.loads(text, f"--tools {path}")
    items = value if isinstance(value, list) else [value]
    tools: list[Any] = []
    declarations: list[Any] = []
    for number, item in enumerate(items):
        what = f"--tools {path}[{number}]" if isinstance(value, list) else f"--tools {path}"
        if not isinstance(item, dict):
            raise ValueError(f"{what}: a function declaration or tool is a JSON object")  # noqa: TRY004
        if _TOOL & item.keys():
            tools.append(_tool(item, what))
        else:
            declarations.append(_declaration(item, what))
    if declarations:
        tools.insert(0, v1beta.Tool(function_declarations=declarations))
    if not tools:
        raise ValueError(f"--tools {path}: there are none in it; give a list of function declarations")
    return tools


def config(tools: list[Any], mode: ToolMode | None, allowed: list[str]) -> dict[str, Any] | None:
    """The tool config of a mode and the functions that are allowed; None to leave it to the service.

    Raises:
        ValueError: A function is allowed that is not there, or that the mode does not let be called.
    """
    if not mode and not allowed:
        return None
    if not tools:
        option = "--tool-mode" if mode else "--allowed-function"
        raise ValueError(f"{option}: there are no functions; name a file of them by --tools")
    if allowed and mode and mode is not ToolMode.ANY:
        raise ValueError(f"--allowed-function goes with --tool-mode any, not {mode.value}")
    names = [declaration.name for tool in tools for declaration in tool.function_declarations]
    for name in allowed:
        if name not in names:
            raise ValueError(
                f"--allowed-function {name}: --tools declares no such function; it declares "
                f"{', '.join(names) or 'none'}"
            )
    made: dict[str, Any] = {"mode": (mode or ToolMode.ANY).name}
    if allowed:
        made["allowed_function_names"] = allowed
    return {"function_calling_config": made}


def _tool(item: dict[str, Any], what: str) -> Any:
    key = "functionDeclarations" if "functionDeclarations" in item else "function_declarations"
    declared = item.get(key)
    if isinstance(declared, list):
        item = {name: value for name, value in item.items() if name != key}
        tool = protojson.message(item, v1beta.Tool, what)
        tool.function_declarations.extend(
            _declaration(one, f"{what}.{key}[{number}]") for number, one in enumerate(declared)
        )
        return tool
    return protojson.message(item, v1beta.Tool, what)


def _declaration(item: Any, what: str) -> Any:
    if isinstance(item, dict):
        schemas = ("parameters", "response")
        item = {name: _schema(value) if name in schemas else value for name, value in item.items()}
    made = protojson.message(item, v1beta.FunctionDeclaration, what)
    if not made.name:
        raise ValueError(f"{what}.name: a function declaration needs a name")
    return made


def _schema(value: Any) -> Any:
    """A schema with its types as the API writes them: STRING; most people write them as JSON Schema does."""
    if isinstance(value, list):
        return [_schema(item) for item in value]
    if not isinstance(value, dict):
        return value
    made = dict(value)
    if isinstance(kind := made.get("type"), str):
        made["type"] = _TYPES.get(kind, kind)
    for name in ("items", "anyOf", "any_of"):
        if name in made:
            made[name] = _schema(made[name])
    if isinstance(properties := made.get("properties"), dict):
        made["properties"] = {name: _schema(inner) for name, inner in properties.items()}
    return made
