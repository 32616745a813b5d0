"""Automatic function calling without the calls: its settings, and the function calls of a response."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, MutableSequence, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from gemwire._log import log
from gemwire.genai._convert.request_bytes import RequestDraft
from gemwire.genai._convert.tools import declares_functions
from gemwire.genai._json.functions import Function, bind_arguments, get_function_name, is_function
from gemwire.genai._json.jsonable import to_jsonable
from gemwire.genai._types.content import Content, to_part
from gemwire.genai._types.family import Family
from gemwire.genai._types.generate_content import AutomaticFunctionCallingConfig, GenerateContentConfig
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views

_MAXIMUM_REMOTE_CALLS = 10

Functions: TypeAlias = Mapping[str, Function]


class HasContents(Protocol):
    """A request with contents: a message, or a `RequestDraft`."""

    @property
    def contents(self) -> MutableSequence[v1beta.Content]: ...


@dataclass(frozen=True)
class Settings:
    """Settings of automatic function calling.

    Attributes:
        maximum_remote_calls: Maximum number of calls to the model. Function calls in the last response are
            not executed.
        keep_history: Whether responses have the contents that led to them.
    """

    maximum_remote_calls: int = _MAXIMUM_REMOTE_CALLS
    keep_history: bool = True

    def get_history(
        self, request: v1beta.GenerateContentRequest | RequestDraft, family: Family
    ) -> list[Content]:
        """Return the contents of a request, for its response."""
        if not self.keep_history:
            return []
        message = request.parse() if isinstance(request, RequestDraft) else request
        return [family.view(Content).of(content) for content in message.contents]


def to_settings(config: GenerateContentConfig) -> Settings:
    """Return the settings of a config."""
    options = _get_options(config)
    maximum = options.maximum_remote_calls
    if maximum is None:
        maximum = _MAXIMUM_REMOTE_CALLS
    elif isinstance(maximum, bool) or maximum != int(maximum):
        raise TypeError(
            "config.automatic_function_calling.maximum_remote_calls: expected a whole number, "
            f"got {type(maximum).__name__}"
        )
    return Settings(int(maximum), not options.ignore_call_history)


def find_functions(config: GenerateContentConfig) -> Functions:
    """Return the functions in the tools by name; none if they are not called automatically.

    That is so with ``disable``, with a limit of 0, and if any function is only declared: the model may call
    it in the same response, and it has no implementation here.
    """
    if not config.tools and config.automatic_function_calling is None:
        return {}
    tools: Sequence[object] = config.tools or ()
    functions = {get_function_name(tool): tool for tool in tools if is_function(tool)}
    options = _get_options(config)
    if not functions or options.disable or to_settings(config).maximum_remote_calls <= 0:
        return {}
    if any(map(declares_functions, tools)):
        warnings.warn(
            "automatic function calling is off: some functions in the tools are only declared",
            stacklevel=3,
        )
        return {}
    if options.maximum_remote_calls is None and _must_call(config):
        warnings.warn(
            "with mode ANY every response calls a function, so that the model is called "
            f"{_MAXIMUM_REMOTE_CALLS} times; set automatic_function_calling.maximum_remote_calls",
            stacklevel=3,
        )
    return functions


class Invocation:
    """A function call of the model."""

    def __init__(self, call: v1beta.FunctionCall, functions: Functions, family: Family) -> None:
        """Keep the call."""
        self._call = family.view(views.FunctionCall).of(call)
        self._family = family
        self._functions = functions

    def prepare(self) -> tuple[Function, tuple[object, ...], dict[str, object]]:
        """Return the function and its positional and keyword arguments.

        Raises:
            LookupError: There is no such function.
            ValueError: An argument does not match its annotation.
        """
        function = self._functions.get(self._call.name or "")
        if function is None:
            known = ", ".join(self._functions)
            raise LookupError(f"there is no function {self._call.name!r}; there is {known}")
        return function, *bind_arguments(function, self._call.args or {})

    def to_response(self, result: object) -> v1beta.Part:
        """Build the part that tells the model the result."""
        return self._to_part({"result": to_jsonable(result)})

    def to_error(self, error: Exception) -> v1beta.Part:
        """Build the part that tells the model about an error, and log the error."""
        log(logging.WARNING, "function %s failed; the model is told", self._call.name, error=error)
        return self._to_part({"error": str(error) or type(error).__name__})

    def _to_part(self, response: dict[str, object]) -> v1beta.Part:
        answer = views.FunctionResponse(name=self._call.name, response=response, id=self._call.id)
        return to_part(answer, "response", self._family)


def find_invocations(
    response: v1beta.GenerateContentResponse, functions: Functions, family: Family
) -> list[Invocation]:
    """Return the function calls of the first candidate."""
    if not response.candidates:
        return []
    parts = response.candidates[0].content.parts
    calls = (part.function_call for part in parts if part.HasField("function_call"))
    return [Invocation(call, functions, family) for call in calls]


def append_results(
    request: HasContents, response: v1beta.GenerateContentResponse, results: Sequence[v1beta.Part]
) -> None:
    """Append the function calls of a response and their results to the next request."""
    content = response.candidates[0].content
    request.contents.append(content)
    request.contents.append(type(content)(role="user", parts=results))


def _get_options(config: GenerateContentConfig) -> AutomaticFunctionCallingConfig:
    return AutomaticFunctionCallingConfig.of(
        config.automatic_function_calling, "config.automatic_function_calling"
    )


def _must_call(config: GenerateContentConfig) -> bool:
    if config.tool_config is None:
        return False
    calling = views.ToolConfig.model_validate(config.tool_config).function_calling_config
    return calling is not None and calling.mode == "ANY"
