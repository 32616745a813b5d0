# Derived from genai/_aio/function_calling.py by scripts/unasync. DO NOT EDIT.
"""Automatic function calling: the model is called, and its calls answered, until it asks for no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from gemwire.genai._convert.function_calls import Functions, Invocation, Settings, invocations, proceed
from gemwire.genai._convert.stream_merging import Merged
from gemwire.genai._sync.function_executor import called, check, each
from gemwire.genai._sync.response_stream import Responses
from gemwire.genai._types.responses import GenerateContentResponse
from gemwire.genai.errors import UnsupportedFunctionError

_Call: TypeAlias = Callable[[Any], Any]


def generate(call: _Call, request: Any, functions: Functions, settings: Settings) -> GenerateContentResponse:
    """The first response that calls no function, or the last that the limit allows.

    Args:
        call: Makes one call of the model: from a request to a response message.
        request: The first; what the model called, and the answers, are added to its contents.
        functions: What the model may call, by name.
        settings: Limits and the like.

    Raises:
        UnsupportedFunctionError: A function is async, and the client is not.
        APIError: A call of the model failed.
    """
    check(functions.values())
    response = call(request)
    history = []
    for _ in range(settings.maximum_remote_calls - 1):
        wanted = invocations(response, functions)
        if not wanted:
            break
        proceed(request, response, each(_answer, wanted))
        history = settings.history(request)
        response = call(request)
    made = GenerateContentResponse.of(response, settings.schema)
    made.automatic_function_calling_history = history
    return made


class Calling(Responses):
    """The answers of all calls of the model, with the functions called in between."""

    def __init__(
        self, stream: Any, call: _Call, request: Any, functions: Functions, settings: Settings
    ) -> None:
        """See `generate`; ``stream`` is what the first call gave, as each does."""
        super().__init__(stream, settings.schema)
        self._call = call
        self._request = request
        self._functions = functions
        self._settings = settings
        self._turn = Merged()
        self._history: list[Any] = []
        self._cancelled = False

    @classmethod
    def begun(cls, call: _Call, request: Any, functions: Functions, settings: Settings) -> Calling:
        """Call the model for the first time.

        Raises:
            UnsupportedFunctionError: A function is async, and the client is not.
            APIError: The call failed.
        """
        check(functions.values())
        return cls(call(request), call, request, functions, settings)

    def __iter__(self) -> Iterator[GenerateContentResponse]:
        of, schema = GenerateContentResponse.of, self._schema
        for left in reversed(range(self._settings.maximum_remote_calls)):
            self._turn = Merged()
            for message in self._stream:
                self._turn.add(message)
                response = of(message, schema)
                response.automatic_function_calling_history = list(self._history)
                yield response
            wanted = invocations(self._turn.message, self._functions)
            if not wanted or not left or self._cancelled:
                return
            proceed(self._request, self._turn.message, each(_answer, wanted))
            self._history = self._settings.history(self._request)
            if self._cancelled:
                return
            self._stream = self._call(self._request)

    def cancel(self) -> bool:
        """End the call, from any thread; no further function is called.

        Returns:
            Whether there was something left to end.
        """
        self._cancelled = True
        return bool(self._stream.cancel())

    def get_final_response(self) -> GenerateContentResponse:
        """The last answer, of all its pieces: texts that follow each other are merged."""
        for _ in self:
            pass
        made = GenerateContentResponse.of(self._turn.message, self._schema)
        made.automatic_function_calling_history = list(self._history)
        return made


def _answer(invocation: Invocation) -> Any:
    """The part that tells the model what its call gave."""
    try:
        function, args, kwargs = invocation.prepare()
        return invocation.succeeded(called(function, *args, **kwargs))
    except UnsupportedFunctionError:
        raise
    except Exception as error:
        # The model gets to know, and may do better; a program that wants to, reads the log.
        return invocation.failed(error)
