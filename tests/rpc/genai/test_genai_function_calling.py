"""Automatic function calling over gRPC: unary and streaming, sync and async."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import logging
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from scripted_grpc_server import Api, Fail, Loopback

from gemwire import errors, genai, v1beta
from gemwire.genai import types
from gemwire.genai.errors import UnsupportedFunctionError
from gemwire.testing import RunningEmulator, emulator

MODEL = "gemini-2.5-flash"
PROMPT = "What is the weather in Boston?"


class Models:
    """``client.models`` of one flavour; async calls are awaited."""

    def __init__(self, api: Api, client: genai.Client) -> None:
        self.api = api
        self.raw: Any = client.aio.models if api.is_async else client.models

    def generate(self, tools: list[Any], contents: Any = PROMPT, **config: Any) -> Any:
        config["tools"] = tools
        return self.api(self.raw.generate_content(model=MODEL, contents=contents, config=config))

    def stream(self, tools: list[Any], contents: Any = PROMPT, **config: Any) -> Any:
        config["tools"] = tools
        return self.api(self.raw.generate_content_stream(model=MODEL, contents=contents, config=config))

    def chunks(self, tools: list[Any], **config: Any) -> list[Any]:
        return self.api.list(self.stream(tools, **config))


@pytest.fixture(scope="module")
def _running() -> Iterator[RunningEmulator]:
    with emulator() as running:
        yield running


@pytest.fixture
def gemini(_running: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> RunningEmulator:
    _running.reset()
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", _running.address)
    return _running


def _models(api: Api) -> Iterator[Models]:
    client = genai.Client(api_key="a-key")
    yield Models(api, client)
    api(client.aio.close()) if api.is_async else client.close()


@pytest.fixture
def models(api: Api, gemini: RunningEmulator) -> Iterator[Models]:
    """Models of the emulator."""
    yield from _models(api)


@pytest.fixture
def scripted(api: Api, server: Loopback) -> Iterator[Models]:
    """Models with scripted responses."""
    yield from _models(api)


def calls(*wanted: tuple[str, dict[str, Any]], ids: bool = True, text: str = "") -> Any:
    """Build a response that calls functions, with ids c0, c1…"""
    parts: list[Any] = [{"text": text}] if text else []
    parts += [
        {"function_call": {"name": name, "args": args, "id": f"c{at}" if ids else ""}}
        for at, (name, args) in enumerate(wanted)
    ]
    return says(*parts)


def says(*parts: Any) -> Any:
    candidate = {
        "content": {"role": "model", "parts": [p if isinstance(p, dict) else {"text": p} for p in parts]}
    }
    return v1beta.GenerateContentResponse(candidates=[candidate])


def answers_in(request: Any) -> list[Any]:
    """Return the function responses in the last content of a request."""
    return [types.FunctionResponse.of(part.function_response) for part in request.contents[-1].parts]


class Weather:
    """Return functions, and the list of their calls."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def weather(self, city: str, days: int = 1) -> str:
        """The weather.

        Args:
            city: Where.
            days: How many.
        """
        self.seen.append((city, days))
        return "sunny"


# Against the emulator -------------------------------------------------------------------------------


def test_result_of_a_function_is_sent_to_the_model(models: Models, gemini: RunningEmulator) -> None:
    record = Weather()
    response = models.generate([record.weather])
    assert response.text.startswith('Emulated answer from weather: {"result": "sunny"}')
    ((city, days),) = record.seen
    assert isinstance(city, str)
    assert type(days) is int
    first, second = gemini.calls("GenerateContent")
    assert len(first.requests[0].contents) == 1
    asked, called, answered = second.requests[0].contents
    assert asked.parts[0].text == PROMPT
    assert (called.role, answered.role) == ("model", "user")
    history = response.automatic_function_calling_history
    assert [content._pb for content in history] == [asked, called, answered]
    assert all(isinstance(content, types.Content) for content in history)
    assert history[1].parts[0].function_call.args == {"city": city, "days": days}
    assert history[2].parts[0].function_response.response == {"result": "sunny"}


def test_stream_yields_the_chunks_of_all_calls(models: Models, gemini: RunningEmulator) -> None:
    record = Weather()
    first, *others = models.chunks([record.weather])
    assert first.function_calls[0].name == "weather"
    assert first.automatic_function_calling_history == []
    text = "".join(chunk.text or "" for chunk in others)
    assert text.startswith('Emulated answer from weather: {"result": "sunny"}')
    assert len(others) > 3
    for chunk in others:
        assert [content.role for content in chunk.automatic_function_calling_history] == [
            "user",
            "model",
            "user",
        ]
    assert len(record.seen) == 1
    assert len(gemini.calls("StreamGenerateContent")) == 2


def test_final_response_of_a_stream_is_that_of_the_last_call(models: Models) -> None:
    whole = models.generate([Weather().weather])
    final = models.api(models.stream([Weather().weather]).get_final_response())
    assert final.text == whole.text
    assert final.automatic_function_calling_history == whole.automatic_function_calling_history


def test_history_begins_with_earlier_contents(models: Models) -> None:
    before = [types.UserContent("Hello"), types.ModelContent("Hi")]
    contents = [*before, PROMPT]
    response = models.generate([Weather().weather], contents)
    assert response.automatic_function_calling_history[:2] == before
    assert len(response.automatic_function_calling_history) == 5
    assert contents == [*before, PROMPT]


@pytest.mark.parametrize(
    ("config", "count"),
    [
        ({"automatic_function_calling": {"disable": True}}, 1),
        ({"automatic_function_calling": {"maximum_remote_calls": 0}}, 1),
        ({"automatic_function_calling": {"maximum_remote_calls": 1}}, 1),
        ({}, 2),
    ],
)
def test_disabled_calling(models: Models, gemini: RunningEmulator, config: Any, count: int) -> None:
    record = Weather()
    response = models.generate([record.weather], **config)
    assert len(gemini.calls("GenerateContent")) == count
    assert bool(response.function_calls) == (count == 1)
    assert len(record.seen) == count - 1
    assert bool(response.automatic_function_calling_history) == (count > 1)


def test_history_can_be_left_out(models: Models) -> None:
    config = {"automatic_function_calling": {"ignore_call_history": True}}
    assert models.generate([Weather().weather], **config).automatic_function_calling_history == []
    for chunk in models.chunks([Weather().weather], **config):
        assert chunk.automatic_function_calling_history == []


def test_response_without_function_calls(models: Models, gemini: RunningEmulator) -> None:
    record = Weather()
    response = models.generate([record.weather], "Hello")
    assert response.text.startswith("Emulated answer to: Hello")
    assert response.automatic_function_calling_history == []
    assert record.seen == []


def test_declared_functions_disable_calling(models: Models, gemini: RunningEmulator) -> None:
    record = Weather()
    declared = types.Tool(
        function_declarations=[types.FunctionDeclaration(name="other", description="Other.")]
    )
    with pytest.warns(UserWarning, match="only declared"):
        response = models.generate([record.weather, declared])
    assert response.function_calls[0].name == "weather"
    assert record.seen == []


def test_last_response_is_parsed(scripted: Models, server: Loopback) -> None:
    @dataclasses.dataclass
    class Report:
        sky: str

    server.on("GenerateContent", calls(("weather", {"city": "A"})), says('{"sky": "blue"}'))
    assert scripted.generate([Weather().weather], response_schema=Report).parsed == Report("blue")


# Limits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("config", "count"), [({}, 10), ({"maximum_remote_calls": 3}, 3)])
def test_limit_counts_model_calls(
    scripted: Models, server: Loopback, config: dict[str, Any], count: int
) -> None:
    server.on("GenerateContent", calls(("weather", {"city": "A"})))
    record = Weather()
    response = scripted.generate([record.weather], automatic_function_calling=config)
    assert len(server.calls("GenerateContent")) == count
    # What the last answer asks for is not done: nobody would be told of it.
    assert len(record.seen) == count - 1
    assert response.function_calls
    assert len(response.automatic_function_calling_history) == 2 * count - 1


def test_limit_in_a_stream(scripted: Models, server: Loopback) -> None:
    server.on("StreamGenerateContent", [calls(("weather", {"city": "A"}))])
    record = Weather()
    chunks = scripted.chunks([record.weather], automatic_function_calling={"maximum_remote_calls": 3})
    assert len(server.calls("StreamGenerateContent")) == 3
    assert len(record.seen) == 2
    assert [len(chunk.automatic_function_calling_history) for chunk in chunks] == [0, 3, 5]


# What goes back to the model ------------------------------------------------------------------------


def test_call_ids_are_returned_in_order(scripted: Models, server: Loopback) -> None:
    def slow(n: int) -> int:
        time.sleep(0.05 * (3 - n))
        return n

    def other() -> str:
        return "other"

    server.on(
        "GenerateContent",
        calls(("slow", {"n": 0}), ("slow", {"n": 1}), ("other", {}), ("slow", {"n": 2}), text="I look."),
        says("Done."),
    )
    assert scripted.generate([slow, other]).text == "Done."
    _, second = server.calls("GenerateContent")
    assert [(a.id, a.name, a.response) for a in answers_in(second.request)] == [
        ("c0", "slow", {"result": 0}),
        ("c1", "slow", {"result": 1}),
        ("c2", "other", {"result": "other"}),
        ("c3", "slow", {"result": 2}),
    ]
    assert second.request.contents[1].parts[0].text == "I look."


def test_missing_call_ids_stay_missing(scripted: Models, server: Loopback) -> None:
    server.on("GenerateContent", calls(("weather", {"city": "A"}), ids=False), says("Done."))
    scripted.generate([Weather().weather])
    (answer,) = answers_in(server.calls("GenerateContent")[1].request)
    assert answer.id is None


def test_errors_are_sent_to_the_model(
    scripted: Models, server: Loopback, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(n: int) -> int:
        raise RuntimeError(f"no {n}")

    def silent() -> None:
        raise KeyError

    def formless() -> Any:
        return object()

    wanted: list[tuple[str, dict[str, Any]]] = [
        ("broken", {"n": 1}),
        ("broken", {"n": "x"}),
        ("broken", {}),
        ("silent", {}),
    ]
    server.on("GenerateContent", calls(*wanted, ("formless", {}), ("nobody", {})), says("Sorry."))
    with caplog.at_level(logging.WARNING, "gemwire"):
        assert scripted.generate([broken, silent, formless]).text == "Sorry."
    told = [a.response for a in answers_in(server.calls("GenerateContent")[1].request)]
    assert told == [
        {"error": "no 1"},
        {"error": 'n: expected a whole number, got "x"'},
        {"error": "broken: the required parameter n is missing"},
        {"error": "KeyError"},
        {"error": "object has no JSON form"},
        {"error": "there is no function 'nobody'; there is broken, silent, formless"},
    ]
    assert "function broken failed" in caplog.text
    assert "RuntimeError: no 1" in caplog.text


def test_results_of_all_types(scripted: Models, server: Loopback) -> None:
    @dataclasses.dataclass
    class Report:
        sky: str
        day: Any

    def report() -> list[Report]:
        return [Report("blue", {1.5})]

    server.on("GenerateContent", calls(("report", {})), says("Done."))
    scripted.generate([report])
    (answer,) = answers_in(server.calls("GenerateContent")[1].request)
    assert answer.response == {"result": [{"sky": "blue", "day": [1.5]}]}


def test_callables_of_all_kinds(scripted: Models, server: Loopback) -> None:
    class Callable:
        def __call__(self, a: int, /, b: int) -> int:
            return a - b

    def minus(a: int, b: int, *rest: int, c: int = 0, **more: int) -> int:
        return a - b - c

    tools = [functools.partial(minus, b=1), Callable(), Weather().weather]
    wanted: list[tuple[str, dict[str, Any]]] = [
        ("minus", {"a": 3.0, "c": 1}),
        ("Callable", {"b": 1, "a": 5}),
        ("weather", {"city": "A"}),
    ]
    server.on("GenerateContent", calls(*wanted), says("Done."))
    scripted.generate(tools)
    told = [a.response for a in answers_in(server.calls("GenerateContent")[1].request)]
    assert told == [{"result": 1}, {"result": 4}, {"result": "sunny"}]


@pytest.mark.filterwarnings("ignore:the response has other parts")
def test_streamed_chunks_become_one_content(scripted: Models, server: Loopback) -> None:
    server.on(
        "StreamGenerateContent",
        [says("I "), says("look."), calls(("weather", {"city": "A"})), calls(("weather", {"city": "B"}))],
        [says("Sun"), says("ny.")],
    )
    record = Weather()
    chunks = scripted.chunks([record.weather])
    assert [chunk.text for chunk in chunks] == ["I ", "look.", None, None, "Sun", "ny."]
    assert record.seen == [("A", 1), ("B", 1)]
    _, second = server.calls("StreamGenerateContent")
    _, called, answered = second.request.contents
    assert [part.WhichOneof("data") for part in called.parts] == ["text", "function_call", "function_call"]
    assert called.parts[0].text == "I look."
    assert len(answered.parts) == 2


def test_failure_between_model_calls(scripted: Models, server: Loopback) -> None:
    server.on("GenerateContent", calls(("weather", {"city": "A"})), Fail("PERMISSION_DENIED"))
    record = Weather()
    with pytest.raises(errors.PermissionDenied):
        scripted.generate([record.weather])
    assert len(record.seen) == 1


async def _left_by_task(stream: Any) -> None:
    async for _ in stream:
        stream.cancel()


def _left_by_thread(stream: Any) -> None:
    for _ in stream:
        stream.cancel()


def test_cancelled_stream_calls_no_further_functions(scripted: Models, server: Loopback) -> None:
    server.on("StreamGenerateContent", [calls(("weather", {"city": "A"})), 5, says("late")])
    record = Weather()
    stream = scripted.stream([record.weather])

    read = _left_by_task if scripted.api.is_async else _left_by_thread
    with pytest.raises(errors.Cancelled):
        scripted.api(read(stream))
    assert record.seen == []
    assert len(server.calls("StreamGenerateContent")) == 1


# What differs between threads and asyncio -----------------------------------------------------------


@pytest.mark.parametrize("api", ["async"], indirect=True)
def test_functions_run_concurrently(scripted: Models, server: Loopback) -> None:
    both = threading.Barrier(2, timeout=5)
    met = asyncio.Event()

    def meets(n: int) -> int:
        both.wait()  # passes only when the other is under way
        return n

    async def waits() -> str:
        await asyncio.wait_for(met.wait(), 5)
        return "met"

    async def releases() -> str:
        met.set()
        return "released"

    wanted = [("meets", {"n": 1}), ("waits", {}), ("meets", {"n": 2}), ("releases", {})]
    server.on("GenerateContent", calls(*wanted), says("Done."))
    scripted.generate([meets, waits, releases])
    told = [a.response for a in answers_in(server.calls("GenerateContent")[1].request)]
    assert told == [{"result": 1}, {"result": "met"}, {"result": 2}, {"result": "released"}]


@pytest.mark.parametrize("api", ["async"], indirect=True)
def test_async_functions(models: Models) -> None:
    loops: list[Any] = []

    class Callable:
        """The weather, asked for."""

        async def __call__(self, city: str) -> str:
            loops.append(asyncio.get_running_loop())
            return "rainy"

    async def weather(city: str, mood: str = "") -> str:
        """The weather."""
        loops.append(asyncio.get_running_loop())
        return f"{mood} sunny"

    assert '"result": "rainy"' in models.generate([Callable()]).text
    assert '"result": "very sunny"' in models.generate([functools.partial(weather, mood="very")]).text
    assert loops == [models.api.loop] * 2


@pytest.mark.parametrize("api", ["async"], indirect=True)
def test_sync_functions_do_not_block_the_event_loop(models: Models) -> None:
    threads: list[Any] = []

    def weather(city: str) -> str:
        """The weather."""
        threads.append(threading.current_thread())
        return "sunny"

    models.generate([weather])
    assert threads
    assert threads[0] is not threading.main_thread()


@pytest.mark.parametrize("api", ["sync"], indirect=True)
def test_sync_client_refuses_async_functions(models: Models, gemini: RunningEmulator) -> None:
    async def weather(city: str) -> str:
        """The weather."""
        return "sunny"

    class Callable:
        async def __call__(self, city: str) -> str:
            """The weather."""
            return "sunny"

    for tool in (weather, Callable(), functools.partial(weather)):
        for ask in (models.generate, models.stream):
            with pytest.raises(UnsupportedFunctionError, match=r"is async, which .* use client\.aio"):
                ask([tool])
    assert not gemini.calls()
    # Not called, it is as good as any other.
    off = {"automatic_function_calling": {"disable": True}}
    assert models.generate([weather], **off).function_calls


@pytest.mark.parametrize("api", ["sync"], indirect=True)
def test_sync_client_refuses_functions_that_return_awaitables(models: Models) -> None:
    async def inner() -> str:
        return "sunny"

    def weather(city: str) -> Any:
        """The weather."""
        return inner()

    with pytest.raises(UnsupportedFunctionError, match="weather"):
        models.generate([weather])


# As google-genai does it ---------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")
@pytest.mark.parametrize("config", [{}, {"automatic_function_calling": {"maximum_remote_calls": 1}}])
def test_google_genai_makes_the_same_calls(config: types.GenerateContentConfigDict) -> None:
    google: Any = pytest.importorskip("google.genai", reason="google-genai 3 needs Python 3.11")
    warnings.simplefilter("ignore", google._common.ExperimentalWarning)

    def weather(city: str) -> str:
        """The weather."""
        return "sunny"

    given: types.GenerateContentConfigDict = {"tools": [weather], **config}
    with emulator(http_port=0) as gemini:
        theirs = google.Client(api_key="k", http_options={"base_url": gemini.http, "api_version": "v1beta"})
        ours = genai.Client(api_key="k")
        found: list[Any] = [
            client.models.generate_content(model=MODEL, contents=PROMPT, config=given)
            for client in (theirs, ours)
        ]
        theirs.close()
        ours.close()
        assert len({len(call.requests[0].contents) for call in gemini.calls()}) == len(gemini.calls()) // 2
    wanted, got = found
    assert [part.text for part in got.parts] == [part.text for part in wanted.parts]
    history = wanted.automatic_function_calling_history
    assert [content.to_json_dict() for content in got.automatic_function_calling_history] == [
        content.model_dump(mode="json", exclude_none=True) for content in history
    ]
