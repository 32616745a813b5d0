"""Tools: those of the API, and Python functions declared from their signatures and docstrings."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from google.protobuf.message import Message

from gemwire.genai._convert import annotations as notes
from gemwire.genai._convert.docstrings import described
from gemwire.genai._convert.json_schema import json_schema, object_schema
from gemwire.genai._convert.response_parsing import converted
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views
from gemwire_runtime.views import View

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_:.-]*")
_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class FunctionDeclaration(views.FunctionDeclaration):
    """What the model knows of a function."""

    __slots__ = ()

    @classmethod
    def from_function(cls, function: Callable[..., Any], behavior: Any = None) -> FunctionDeclaration:
        """The declaration of a Python function: its name, signature and docstring.

        What the docstring says of a parameter describes that; the rest describes the function. ``*args`` and
        ``**kwargs`` are left out, as are arguments that a `functools.partial` gives.

        Args:
            function: Also a method, a partial, an object with ``__call__``, and an async one.
            behavior: Whether the model waits for it, in live sessions.

        Raises:
            ValueError: It has no name that the API takes, or a parameter without a schema.
            TypeError: It is no function.
        """
        return cls.of(_declared(function, behavior))

    @classmethod
    def from_callable(
        cls,
        *,
        client: Any = None,
        callable: Callable[..., Any],  # noqa: A002
        behavior: Any = None,
    ) -> FunctionDeclaration:
        """The declaration of a Python function; see `from_function`.

        Args:
            client: As google-genai's; nothing depends on it.
            callable: The function.
            behavior: Whether the model waits for it, in live sessions.

        Raises:
            ValueError: It has no name that the API takes, or a parameter without a schema.
            TypeError: It is no function.
        """
        return cls.from_function(callable, behavior)

    @classmethod
    def from_callable_with_api_option(
        cls,
        *,
        callable: Callable[..., Any],  # noqa: A002
        api_option: str = "GEMINI_API",
        behavior: Any = None,
    ) -> FunctionDeclaration:
        """The declaration of a Python function; see `from_function`.

        Args:
            callable: The function.
            api_option: As google-genai's; both APIs get the same declaration.
            behavior: Whether the model waits for it, in live sessions.

        Raises:
            ValueError: It has no name that the API takes, or a parameter without a schema.
            TypeError: It is no function.
        """
        return cls.from_function(callable, behavior)


def to_tools(value: Any) -> list[Any]:
    """The tools of a request, as messages: all functions are in one, which is the last.

    Args:
        value: A list of `Tool`, of dicts of one, and of Python functions. Nothing in it is changed.

    Raises:
        ValueError: A function cannot be declared, or two have one name.
        TypeError: Something is no tool.
    """
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Sequence):
        raise TypeError(f"config.tools: expected a list of tools, got {type(value).__name__}")
    made = []
    functions = v1beta.Tool()
    for at, item in enumerate(value):
        tool = _tool(item, f"config.tools[{at}]")
        functions.function_declarations.extend(tool.function_declarations)
        tool.ClearField("function_declarations")
        # An empty tool is as good as none, and the API takes functions only from one.
        if tool.ByteSize():
            made.append(tool)
    names = [declaration.name for declaration in functions.function_declarations]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"config.tools: there is more than one function {', '.join(map(repr, twice))}")
    return [*made, functions] if names else made


def is_function(value: Any) -> bool:
    """Whether a tool is a Python function."""
    return callable(value) and not isinstance(value, (type, View, Message))


def function_name(function: Callable[..., Any]) -> str:
    """The name by which the model calls it.

    Raises:
        ValueError: The API takes no such name.
    """
    inner = _innermost(function)
    name = getattr(inner, "__name__", None) or type(inner).__name__
    if not _NAME.fullmatch(name):
        raise ValueError(f"config.tools: {name!r} cannot be the name of a function; give it one with def")
    return str(name)


def parameters_of(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters that the model gives, with their annotations resolved.

    Raises:
        ValueError: There is no signature, or an annotation names nothing.
    """
    name = function_name(function)
    try:
        signature = inspect.signature(function)
    except ValueError as error:
        raise ValueError(f"{_place(name)}: it tells no signature: {error}") from None
    given: Mapping[str, Any] = function.keywords if isinstance(function, functools.partial) else {}
    known = getattr(inspect.unwrap(_code_of(function)), "__globals__", {})
    return {
        parameter.name: parameter.replace(
            annotation=notes.resolved(
                parameter.annotation, known, f"{_place(name)}, parameter {parameter.name}"
            )
        )
        for parameter in signature.parameters.values()
        if parameter.kind not in _VARIABLE and parameter.name not in given
    }


def arguments_of(function: Callable[..., Any], args: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that a model gave, as the function's annotations have them.

    Args:
        function: What it calls.
        args: By name, as JSON has them.

    Raises:
        ValueError: One is missing, unknown, or not what its annotation says.
    """
    parameters = parameters_of(function)
    name = function_name(function)
    unknown = sorted(args.keys() - parameters.keys())
    if unknown:
        known = ", ".join(parameters) or "none"
        raise ValueError(f"{name} has no parameter {', '.join(map(repr, unknown))}; it has {known}")
    made = {}
    for parameter in parameters.values():
        if parameter.name in args:
            value = args[parameter.name]
            # ``x: int = None`` is common, though it does not say so.
            none = value is None and parameter.default is None
            made[parameter.name] = None if none else converted(value, parameter.annotation, parameter.name)
        elif parameter.default is notes.MISSING:
            raise ValueError(f"{name} needs {parameter.name}, which is missing")
    return made


def _tool(item: Any, place: str) -> Any:
    """A tool as a message of its own."""
    if is_function(item):
        return v1beta.Tool(function_declarations=[_declared(item)])
    if isinstance(item, Mapping):
        try:
            return views.Tool(**item)._pb
        except (TypeError, ValueError) as error:
            raise type(error)(f"{place}: {error}") from None
    message = item._pb if isinstance(item, View) else item
    if isinstance(message, v1beta.Tool):
        made = v1beta.Tool()
        made.CopyFrom(message)
        return made
    raise TypeError(f"{place}: expected a Tool, a dict of one or a function, got {type(item).__name__}")


def _declared(function: Callable[..., Any], behavior: Any = None) -> Any:
    if not is_function(function):
        raise TypeError(f"expected a function, got {notes.named(function)}")
    name = function_name(function)
    text, of_parameters = described(_docstring(function))
    made = views.FunctionDeclaration(name=name, description=text or None, behavior=behavior)
    parameters = parameters_of(function)
    if parameters:
        made.parameters_json_schema = _schema(name, parameters, of_parameters)
    made.response_json_schema = _schema_of_result(function)
    return made._pb


def _schema(
    name: str, parameters: Mapping[str, inspect.Parameter], described_as: Mapping[str, str]
) -> dict[str, Any]:
    fields = [
        notes.Member(
            parameter.name, parameter.annotation, parameter.default is notes.MISSING, parameter.default
        )
        for parameter in parameters.values()
    ]
    try:
        made = object_schema(fields)
    except ValueError as error:
        raise ValueError(f"{_place(name)}, parameter {error}") from None
    for parameter, schema in made["properties"].items():
        # What stands at the parameter itself is closer to it than what its type says of itself.
        if parameter in described_as and not notes.core(parameters[parameter].annotation)[1]:
            alone = {"anyOf": [schema]} if "$ref" in schema else schema  # as the API wants references
            made["properties"][parameter] = {**alone, "description": described_as[parameter]}
    return made


def _schema_of_result(function: Callable[..., Any]) -> dict[str, Any] | None:
    """What it returns, as far as that can be said: nobody has to say it."""
    code = inspect.unwrap(_code_of(function))
    annotation = getattr(code, "__annotations__", {}).get("return", notes.MISSING)
    try:
        kind = notes.resolved(annotation, getattr(code, "__globals__", {}), "the result")
        return None if kind is notes.MISSING else json_schema(kind) or None
    except ValueError:
        return None


def _place(function: str) -> str:
    return f"config.tools: function {function}"


def _innermost(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _code_of(function: Any) -> Any:
    """What has the annotations: of an object that can be called and wraps nothing, its method."""
    inner = _innermost(function)
    is_routine = inspect.isroutine(inner) or hasattr(inner, "__wrapped__")
    return inner if is_routine else type(inner).__call__


def _docstring(function: Any) -> str | None:
    inner, code = _innermost(function), _code_of(function)
    # What an object is for, its method may say better than its class.
    return inspect.getdoc(inner) if code is inner else code.__doc__ or type(inner).__doc__
