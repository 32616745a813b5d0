"""The log and OpenTelemetry fail no call, whatever they are given and whatever they raise."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from typing import Any

import grpc
import grpc.aio
import pytest
import random_messages
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from scripted_grpc_server import TABLE, Api, Fail, Loopback

from gemwire import errors, otel, v1beta
from gemwire_runtime.method import Kind

UNARY, STREAM, BIDI = "GenerateContent", "StreamGenerateContent", "BidiGenerateContent"
GOOD = v1beta.GenerateContentResponse(model_version="m")


class HostileHandler(logging.Handler):
    """Raises for each record, which the standard library passes on to the one who logs."""

    def emit(self, record: logging.LogRecord) -> None:
        record.getMessage()
        raise RuntimeError("a handler failed")


class HostileFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        raise RuntimeError("a filter failed")


class HostileProcessor(SpanProcessor):
    def on_start(self, span: Any, parent_context: Any = None) -> None:
        raise RuntimeError("a processor failed")

    def on_end(self, span: Any) -> None:
        raise RuntimeError("a processor failed")


@pytest.fixture(params=["handler", "filter", "spans"])
def _hostile(request: pytest.FixtureRequest) -> Iterator[None]:
    """One observer that raises whenever it is called."""
    logger = logging.getLogger("gemwire")
    handler, level = HostileHandler(), logger.level
    logger.setLevel(logging.DEBUG)
    provider = TracerProvider()
    stop = None
    if request.param == "handler":
        logger.addHandler(handler)
    elif request.param == "filter":
        logger.addFilter(hostile := HostileFilter())
    else:
        # What it raises is logged, by a handler that raises as well.
        logger.addHandler(handler)
        provider.add_span_processor(HostileProcessor())
        stop = otel.instrument(provider, MeterProvider())
    yield
    if stop:
        stop()
    logger.removeHandler(handler)
    if request.param == "filter":
        logger.removeFilter(hostile)
    logger.setLevel(level)


@pytest.mark.usefixtures("_hostile")
def test_observers_that_raise(api: Api, server: Loopback) -> None:
    server.on(UNARY, Fail("UNAVAILABLE"), GOOD, Fail("NOT_FOUND"))
    server.on(STREAM, [GOOD, GOOD])
    setup = v1beta.BidiGenerateContentServerMessage(setup_complete={})
    server.on(BIDI, [setup])
    client = api.client(client_options={"log_content": True})
    assert api(client.generate_content(model="models/m")) == GOOD
    assert len(server.journal) == 2, "the first attempt was to be retried"
    with pytest.raises(errors.NotFound):
        api(client.generate_content(model="models/m"))
    assert api.list(api(client.stream_generate_content(model="models/m"))) == [GOOD, GOOD]
    assert api.list(api(client.bidi_generate_content())) == [setup]


class _Strict(logging.Handler):
    """Formats each record and keeps what fails, which other handlers only print."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: list[Exception] = []
        self.records = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.records += 1
        try:
            record.getMessage()
        except Exception as error:
            self.failures.append(error)


@pytest.fixture
def observed() -> Iterator[tuple[_Strict, InMemorySpanExporter]]:
    logger, handler, exporter = logging.getLogger("gemwire"), _Strict(), InMemorySpanExporter()
    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    stop = otel.instrument(provider, MeterProvider(metric_readers=[InMemoryMetricReader()]))
    yield handler, exporter
    stop()
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_responses_of_every_shape(
    api: Api, server: Loopback, observed: tuple[_Strict, InMemorySpanExporter]
) -> None:
    handler, exporter = observed
    chance = random.Random(7)
    clients: dict[str, Any] = {}
    calls = 0
    for method in TABLE.values():
        if ".v1beta." not in method.service or method.kind is not Kind.UNARY or method.http_only:
            continue
        service = method.service.rpartition(".")[2]
        client = clients.setdefault(service, api.client(service, client_options={"log_content": True}))
        data = method.request().SerializeToString()
        for turn in range(6):
            response = random_messages.filled(method.response, chance, turn)
            server.on(method.name, response)
            assert api(client.raw.unary(method.path, data)) is not None
            calls += 1
            if method.name in (UNARY, "EmbedContent", "CountTokens", "GenerateAnswer"):
                assert api(getattr(client, method.snake)({})) == response
                calls += 1
    assert not handler.failures
    assert handler.records >= calls > 100
    assert len(exporter.get_finished_spans()) == calls


def test_what_an_interceptor_makes_of_a_response(
    api: Api, server: Loopback, observed: tuple[_Strict, InMemorySpanExporter]
) -> None:
    handler, exporter = observed

    class Outcome:
        """A call with another result."""

        def __init__(self, call: Any) -> None:
            self._call = call

        def __getattr__(self, name: str) -> Any:
            return getattr(self._call, name)

        def result(self) -> object:
            return {"not": "a message"}

    class Other(grpc.UnaryUnaryClientInterceptor):
        def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
            return Outcome(continuation(details, request))

    class AsyncOther(grpc.aio.UnaryUnaryClientInterceptor):
        async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
            await (await continuation(details, request))
            return {"not": "a message"}

    client = api.client(client_options={"interceptors": [AsyncOther() if api.is_async else Other()]})
    assert api(client.generate_content(model="models/m")) == {"not": "a message"}
    assert len(exporter.get_finished_spans()) == 1
    assert not handler.failures
