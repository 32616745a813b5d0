"""Automatic function calling, as far as nothing is called: when, with what, and what the model is told."""

from __future__ import annotations

import inspect
import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gemwire.genai._convert.jsonable import plain
from gemwire.genai._convert.request_bytes import Draft
from gemwire.genai._types.call_configs import AutomaticFunctionCallingConfig, GenerateContentConfig
from gemwire.genai._types.content import Content
from gemwire.genai._types.functions import arguments_of, function_name, is_function
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views
from gemwire_runtime.views import View

_logger = logging.getLogger("gemwire")
_MAXIMUM_REMOTE_CALLS = 10

Functions = Mapping[str, Callable[..., Any]]


@dataclass(frozen=True)
class Settings:
    """How functions are called.

    Attributes:
        maximum_remote_calls: Calls of the model, at most; functions that the last asks for are not run.
        keep_history: Whether responses carry the contents that led to them.
        schema: What `parsed` of the response makes of its text.
    """

    maximum_remote_calls: int = _MAXIMUM_REMOTE_CALLS
    keep_history: bool = True
    schema: Any = None

    def history(self, request: Any) -> list[Content]:
        """The contents of a request, for the response that it got."""
        if not self.keep_history:
            return []
        whole = request.whole() if isinstance(request, Draft) else request
        return [Content.of(content) for content in whole.contents]


def settings(config: GenerateContentConfig) -> Settings:
    """The settings that a config says.

    Raises:
        ValueError: It has an unknown field.
        TypeError: It is of a wrong type, or the limit is no whole number.
    """
    given = _given(config)
    maximum = given.maximum_remote_calls
    if maximum is None:
        maximum = _MAXIMUM_REMOTE_CALLS
    elif isinstance(maximum, bool) or maximum != int(maximum):
        raise TypeError(
            "config.automatic_function_calling.maximum_remote_calls: expected a whole number, "
            f"got {type(maximum).__name__}"
        )
    return Settings(int(maximum), not given.ignore_call_history, config.response_schema)


def functions_of(config: GenerateContentConfig) -> Functions:
    """The functions among the tools that are to be called, by their names; none where that is turned off.

    It is turned off by ``disable``, by a limit of 0, and by functions that are declared only: the model may
    ask for both at once, and those nobody here can call.

    Raises:
        ValueError: The config has an unknown field, or a function no name.
        TypeError: Something is of a wrong type.
    """
    tools: Sequence[Any] = config.tools or ()
    functions = {function_name(tool): tool for tool in tools if is_function(tool)}
    given = _given(config)
    if not functions or given.disable or settings(config).maximum_remote_calls <= 0:
        return {}
    if any(map(_declares, tools)):
        warnings.warn(
            "functions are not called automatically: among the tools are some that are only declared",
            stacklevel=3,
        )
        return {}
    if given.maximum_remote_calls is None and _is_any(config.tool_config):
        warnings.warn(
            "mode ANY has the model call a function in every answer, so that it is called "
            f"{_MAXIMUM_REMOTE_CALLS} times; set automatic_function_calling.maximum_remote_calls",
            stacklevel=3,
        )
    return functions


class Invocation:
    """One call that the model asks for."""

    def __init__(self, call: Any, functions: Functions) -> None:
        """``call`` is a FunctionCall message."""
        self._call = call
        self._functions = functions

    def prepare(self) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
        """The function, and the arguments to call it with.

        Raises:
            LookupError: There is no such function.
            ValueError: An argument is not what the function's annotations say.
        """
        function = self._functions.get(self._call.name)
        if function is None:
            known = ", ".join(self._functions)
            raise LookupError(f"there is no function {self._call.name!r}; there is {known}")
        args = arguments_of(function, views.FunctionCall.of(self._call).args or {})
        bound = inspect.BoundArguments(inspect.signature(function), args)
        return function, bound.args, bound.kwargs

    def succeeded(self, result: Any) -> Any:
        """The part that tells the model the result.

        Raises:
            TypeError: It has no form in JSON.
        """
        return self._part({"result": plain(result)})

    def failed(self, error: Exception) -> Any:
        """The part that tells the model of an error, which may be its own mistake."""
        _logger.warning("the function %s failed, as the model is told", self._call.name, exc_info=error)
        return self._part({"error": str(error) or type(error).__name__})

    def _part(self, response: dict[str, Any]) -> Any:
        answer = views.FunctionResponse(name=self._call.name, response=response, id=self._call.id or None)
        return v1beta.Part(function_response=answer._pb)


def invocations(response: Any, functions: Functions) -> list[Invocation]:
    """What the first candidate of a response message asks to call."""
    if not response.candidates:
        return []
    parts = response.candidates[0].content.parts
    return [Invocation(part.function_call, functions) for part in parts if part.HasField("function_call")]


def proceed(request: Any, response: Any, answers: Sequence[Any]) -> None:
    """Add the calls that the model asked for, and their answers, to the contents of the next request."""
    request.contents.append(response.candidates[0].content)
    request.contents.add(role="user", parts=answers)


def _given(config: GenerateContentConfig) -> AutomaticFunctionCallingConfig:
    return AutomaticFunctionCallingConfig.of(
        config.automatic_function_calling, "config.automatic_function_calling"
    )


def _declares(tool: Any) -> bool:
    if isinstance(tool, Mapping):
        return bool(tool.get("function_declarations") or tool.get("functionDeclarations"))
    message = tool._pb if isinstance(tool, View) else tool
    return isinstance(message, v1beta.Tool) and bool(message.function_declarations)


def _is_any(tool_config: Any) -> bool:
    if tool_config is None:
        return False
    calling = views.ToolConfig.model_validate(tool_config).function_calling_config
    return calling is not None and calling.mode == "ANY"
