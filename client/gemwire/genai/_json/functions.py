"""Python functions: their schemas, and the arguments that a model passes to them."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeGuard

from google.protobuf.message import Message

from gemwire.genai._json import type_hints
from gemwire.genai._json.docstrings import parse_docstring
from gemwire.genai._json.json_schema import JsonSchema, to_json_schema, to_object_schema
from gemwire.genai._json.json_values import convert
from gemwire.genai._json.mcp_tools import McpFunction, McpTool, get_input_schema
from gemwire_runtime.views import View

Function: TypeAlias = Callable[..., Any]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_:.-]*")
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True)
class FunctionSchema:
    """What a model is told about a function.

    Attributes:
        name: Name of the function.
        description: Its docstring without the sections about parameters.
        parameters: JSON Schema of an object of its arguments; None if it takes none.
        result: JSON Schema of its result; None if unknown.
    """

    name: str
    description: str | None
    parameters: JsonSchema | None
    result: JsonSchema | None


def is_function(value: object) -> TypeGuard[Function]:
    """Return whether a tool is a Python function."""
    return callable(value) and not isinstance(value, (type, View, Message))


def describe_function(function: Function) -> FunctionSchema:
    """Describe a function by its name, signature and docstring."""
    if not is_function(function):
        raise TypeError(f"expected a function, got {type_hints.format_annotation(function)}")
    name = get_function_name(function)
    if isinstance(function, McpFunction):
        return describe_mcp_tool(function.tool)
    description, descriptions = parse_docstring(_get_docstring(function))
    parameters = get_parameters(function)
    schema = _to_parameters_schema(name, parameters, descriptions) if parameters else None
    return FunctionSchema(name, description or None, schema, _to_result_schema(function))


def describe_mcp_tool(tool: McpTool) -> FunctionSchema:
    """Describe a tool of an MCP server."""
    schema = get_input_schema(tool)
    return FunctionSchema(tool.name, tool.description, schema if schema.get("properties") else None, None)


def get_function_name(function: Function) -> str:
    """Return the name by which the model calls a function."""
    inner = _unwrap_partial(function)
    name = getattr(inner, "__name__", None) or type(inner).__name__
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"config.tools: {name!r} is not a valid name of a function; define the function with def"
        )
    return str(name)


def get_parameters(function: Function) -> dict[str, inspect.Parameter]:
    """Return the parameters that the model passes, with resolved annotations."""
    place = _place(get_function_name(function))
    try:
        signature = inspect.signature(function)
    except ValueError as error:
        raise ValueError(f"{place}: it has no signature: {error}") from None
    bound: Mapping[str, object] = function.keywords if isinstance(function, functools.partial) else {}
    names = getattr(inspect.unwrap(_get_code(function)), "__globals__", {})
    return {
        parameter.name: parameter.replace(
            annotation=type_hints.resolve(parameter.annotation, names, f"{place}, parameter {parameter.name}")
        )
        for parameter in signature.parameters.values()
        if parameter.kind not in _VARIADIC and parameter.name not in bound
    }


def get_result(function: Function) -> type_hints.Annotation:
    """Return the annotation of the result, resolved; `type_hints.MISSING` if there is none."""
    code = inspect.unwrap(_get_code(function))
    annotation = getattr(code, "__annotations__", {}).get("return", type_hints.MISSING)
    return type_hints.resolve(annotation, getattr(code, "__globals__", {}), "the result")


def bind_arguments(
    function: Function, args: Mapping[str, object]
) -> tuple[tuple[object, ...], dict[str, object]]:
    """Return the positional and keyword arguments of a function call; see `convert_arguments`."""
    if isinstance(function, McpFunction):
        return (), dict(args)  # its server checks them
    bound = inspect.BoundArguments(inspect.signature(function), convert_arguments(function, args))
    return bound.args, bound.kwargs


def convert_arguments(function: Function, args: Mapping[str, object]) -> dict[str, Any]:
    """Convert the arguments of a function call to the types of the function's annotations.

    Args:
        function: The function.
        args: JSON values by parameter.
    """
    parameters = get_parameters(function)
    name = get_function_name(function)
    unknown = sorted(args.keys() - parameters.keys())
    if unknown:
        known = ", ".join(parameters) or "none"
        raise ValueError(f"{name} has no parameter {', '.join(map(repr, unknown))}; it has {known}")
    values = {}
    for parameter in parameters.values():
        if parameter.name in args:
            value = args[parameter.name]
            # ``x: int = None`` is common, although its annotation excludes None.
            is_none = value is None and parameter.default is None
            values[parameter.name] = None if is_none else convert(value, parameter.annotation, parameter.name)
        elif parameter.default is type_hints.MISSING:
            raise ValueError(f"{name}: the required parameter {parameter.name} is missing")
    return values


def _to_parameters_schema(
    name: str, parameters: Mapping[str, inspect.Parameter], descriptions: Mapping[str, str]
) -> JsonSchema:
    members = [
        type_hints.Member(
            parameter.name,
            parameter.annotation,
            parameter.default is type_hints.MISSING,
            parameter.default,
        )
        for parameter in parameters.values()
    ]
    try:
        schema = to_object_schema(members)
    except ValueError as error:
        raise ValueError(f"{_place(name)}, parameter {error}") from None
    properties = schema["properties"]
    for parameter, inner in properties.items():
        # The annotation's own description takes precedence over the docstring, that of its type does not.
        if parameter in descriptions and not type_hints.unwrap(parameters[parameter].annotation)[1]:
            # The API wants references to stand alone.
            inner = {"anyOf": [inner]} if "$ref" in inner else inner  # noqa: PLW2901
            properties[parameter] = {**inner, "description": descriptions[parameter]}
    return schema


def _to_result_schema(function: Function) -> JsonSchema | None:
    """Return the schema of the result; None if it has none, as result annotations are optional."""
    try:
        kind = get_result(function)
        return None if kind is type_hints.MISSING else to_json_schema(kind) or None
    except ValueError:
        return None


def _place(function: str) -> str:
    return f"config.tools: function {function}"


def _unwrap_partial(function: Function) -> Function:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _get_code(function: Function) -> Function:
    """Return what has the annotations: for a callable object that wraps nothing, its method."""
    inner = _unwrap_partial(function)
    is_routine = inspect.isroutine(inner) or hasattr(inner, "__wrapped__")
    method: Function = type(inner).__call__
    return inner if is_routine else method


def _get_docstring(function: Function) -> str | None:
    inner, code = _unwrap_partial(function), _get_code(function)
    # The method of a callable object describes the call better than its class.
    return inspect.getdoc(inner) if code is inner else code.__doc__ or type(inner).__doc__
