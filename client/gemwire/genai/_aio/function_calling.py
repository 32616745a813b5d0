"""Automatic function calling: the loop that calls the model, and the functions that it asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from gemwire.genai._aio.api import AsyncApi
from gemwire.genai._aio.continuation import AsyncContinuedStream, AsyncMessageStream, generate
from gemwire.genai._aio.function_executor import check_functions, map_calls, run_function
from gemwire.genai._aio.response_stream import AsyncResponseStream
from gemwire.genai._backends.base import Backend, GenerateRequest
from gemwire.genai._convert import function_calls
from gemwire.genai._convert.continuation import is_enabled
from gemwire.genai._convert.error_details import details_as_json
from gemwire.genai._convert.function_calls import Functions, Invocation, append_results, find_invocations
from gemwire.genai._convert.response_schema import find_answer_schema
from gemwire.genai._convert.stream_merging import ResponseMerger
from gemwire.genai._types.content import Content
from gemwire.genai._types.generate_content import GenerateContentConfig, GenerateContentResponse
from gemwire.genai._types.response_headers import ResponseOrigin
from gemwire.genai.errors import UnsupportedFunctionError
from gemwire_proto import v1beta


async def generate_content(
    api: AsyncApi, request: GenerateRequest, config: GenerateContentConfig, functions: Functions
) -> GenerateContentResponse:
    """Call the model, and again with the results of functions as long as it calls some.

    Returns:
        The first response that calls no function, or the last that ``maximum_remote_calls`` allows.
    """
    backend, settings = api.backend, api.settings(config.http_options)
    continues = is_enabled(config, request)
    api.extend(request, config.http_options)
    with details_as_json:
        if not functions:
            response, received = await generate(api, request, settings, continues=continues)
            return backend.response.of(response, ResponseOrigin(find_answer_schema(config), received))
        check_functions(functions.values())
        limits = function_calls.to_settings(config)
        history: list[Content] = []
        response, received = await generate(api, request, settings, continues=continues)
        for _ in range(limits.maximum_remote_calls - 1):
            wanted = find_invocations(response, functions, backend.family)
            if not wanted:
                break
            append_results(request, response, await map_calls(_run, wanted))
            history = limits.get_history(request, backend.family)
            response, received = await generate(api, request, settings, continues=continues)
    result = backend.response.of(response, ResponseOrigin(find_answer_schema(config), received))
    result.automatic_function_calling_history = history
    return result


async def generate_content_stream(
    api: AsyncApi, request: GenerateRequest, config: GenerateContentConfig, functions: Functions
) -> AsyncResponseStream:
    """Start a streaming call of the model; see `generate_content`."""
    check_functions(functions.values())
    settings = api.settings(config.http_options)
    api.extend(request, config.http_options)

    async def call() -> AsyncMessageStream:
        method, wire = api.backend.models.generate_content_stream(request)
        with details_as_json:
            return await api.caller.server_stream(method, wire, (), **settings)

    async def start() -> AsyncMessageStream:
        stream = await call()
        # Over gRPC there are no tokens to go on with.
        if is_enabled(config, request) and stream.carries_json_only:
            return AsyncContinuedStream(stream, call, request)
        return stream

    stream = await start()
    origin = ResponseOrigin(find_answer_schema(config), await stream.initial_metadata())
    if functions:
        return AsyncFunctionCallingStream(stream, start, request, config, functions, origin, api.backend)
    return AsyncResponseStream(stream, origin, api.backend)


class AsyncFunctionCallingStream(AsyncResponseStream):
    """The responses of several calls of the model; functions are called in between."""

    def __init__(
        self,
        stream: AsyncMessageStream,
        start: Callable[[], Awaitable[AsyncMessageStream]],
        request: GenerateRequest,
        config: GenerateContentConfig,
        functions: Functions,
        origin: ResponseOrigin,
        backend: Backend,
    ) -> None:
        """Read the streams of all calls."""
        super().__init__(stream, origin, backend)
        self._start = start
        self._request = request
        self._functions = functions
        self._limits = function_calls.to_settings(config)
        self._merged = ResponseMerger(self._backend.family)
        self._history: list[Content] = []
        self._cancelled = False

    async def _read(self) -> AsyncIterator[GenerateContentResponse]:
        for calls_left in reversed(range(self._limits.maximum_remote_calls)):
            self._merged = ResponseMerger(self._backend.family)
            with details_as_json:
                async for message in self._stream:
                    self._merged.add(message)
                    yield self._to_response(message)
            wanted = find_invocations(self._merged.message, self._functions, self._backend.family)
            if not wanted or not calls_left or self._cancelled:
                return
            append_results(self._request, self._merged.message, await map_calls(_run, wanted))
            self._history = self._limits.get_history(self._request, self._backend.family)
            if self._cancelled:
                return
            self._stream = await self._start()
            self.origin = ResponseOrigin(self.origin.schema, await self._stream.initial_metadata())

    def _to_response(self, message: v1beta.GenerateContentResponse) -> GenerateContentResponse:
        response = self.show(message)
        response.automatic_function_calling_history = list(self._history)
        return response

    def cancel(self) -> bool:
        """End the call, from any task or thread; no further function is called.

        Returns:
            Whether there was something left to end.
        """
        self._cancelled = True
        return super().cancel()

    async def get_final_response(self) -> GenerateContentResponse:
        """Read to the end and return the response of the last call, with adjacent texts merged."""
        async for _ in self:
            pass
        return self._to_response(self._merged.message)


async def _run(invocation: Invocation) -> v1beta.Part:
    """Run a function that the model called, and return the part with its result or error."""
    try:
        function, args, kwargs = invocation.prepare()
        part: v1beta.Part = invocation.to_response(await run_function(function, *args, **kwargs))
    except UnsupportedFunctionError:
        raise
    except Exception as error:
        # The model is told, and may call the function again; `to_error` logs the traceback.
        part = invocation.to_error(error)
    return part
