"""The log and OpenTelemetry see every call, and nothing secret."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import grpc
import grpc.aio
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import Histogram, HistogramDataPoint, InMemoryMetricReader, Metric
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from gemwire import errors, otel, v1beta
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2_grpc as stubs
from gemwire_proto.google.ai.generativelanguage.v1beta import model_service_pb2_grpc as model_stubs

KEY = "AIzaSecretSecretSecret"


class Generative(stubs.GenerativeServiceServicer):
    async def GenerateContent(self, request: Any, context: Any) -> Any:  # noqa: N802
        if request.model == "models/none":
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such model")
        return v1beta.GenerateContentResponse(
            candidates=[{"finish_reason": "STOP"}],
            model_version="bench-001",
            response_id="r1",
            usage_metadata={"prompt_token_count": 3, "candidates_token_count": 5},
        )

    async def StreamGenerateContent(self, request: Any, context: Any) -> Any:  # noqa: N802
        for _ in range(3):
            yield v1beta.GenerateContentResponse(model_version="bench-001")


class Models(model_stubs.ModelServiceServicer):
    async def GetModel(self, request: Any, context: Any) -> Any:  # noqa: N802
        return v1beta.Model(name=request.name)


async def calls() -> None:
    """One of each kind: answered, failed, streamed, left early, and one that generates nothing."""
    options = {"api_key": KEY, "log_content": False}
    async with (
        v1beta.GenerativeServiceAsyncClient(client_options=options) as client,
        v1beta.ModelServiceAsyncClient(client_options=options) as models,
    ):
        config = {"temperature": 0.5, "max_output_tokens": 9, "stop_sequences": ["x"]}
        await client.generate_content({"model": "models/a", "generation_config": config})
        with pytest.raises(errors.NotFound):
            await client.generate_content(model="models/none")
        async for _ in await client.stream_generate_content(model="models/a"):
            pass
        async for _ in await client.stream_generate_content(model="models/a"):
            break
        await models.get_model(name="models/a")


def run(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        server = grpc.aio.server()
        stubs.add_GenerativeServiceServicer_to_server(Generative(), server)
        model_stubs.add_ModelServiceServicer_to_server(Models(), server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        monkeypatch.setenv("GEMINI_EMULATOR_HOST", f"127.0.0.1:{port}")
        await calls()
        await server.stop(None)

    asyncio.run(main())


@pytest.fixture
def spans() -> Iterator[tuple[InMemorySpanExporter, InMemoryMetricReader]]:
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    meters = MeterProvider(metric_readers=[reader])
    stop = otel.instrument(provider, meters)
    yield exporter, reader
    stop()
    provider.shutdown()
    meters.shutdown()


def test_every_call_has_a_span_by_the_genai_conventions(
    spans: tuple[InMemorySpanExporter, InMemoryMetricReader], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(monkeypatch)
    finished = spans[0].get_finished_spans()
    assert [s.name for s in finished] == [
        "generate_content a",
        "generate_content none",
        "generate_content a",
        "generate_content a",
        "google.ai.generativelanguage.v1beta.ModelService/GetModel",
    ]
    answered = dict(finished[0].attributes or {})
    assert answered["gen_ai.provider.name"] == "gcp.gemini"
    assert answered["gen_ai.request.temperature"] == 0.5
    assert answered["gen_ai.request.max_tokens"] == 9
    assert answered["gen_ai.request.stop_sequences"] == ("x",)
    assert answered["gen_ai.response.model"] == "bench-001"
    assert answered["gen_ai.response.finish_reasons"] == ("stop",)
    assert answered["gen_ai.usage.input_tokens"] == 3
    assert answered["gen_ai.usage.output_tokens"] == 5
    assert answered["server.address"] == "127.0.0.1"
    failed = dict(finished[1].attributes or {})
    assert failed["error.type"] == "NOT_FOUND"
    assert failed["rpc.grpc.status_code"] == 5
    assert not finished[1].status.is_ok
    assert "gen_ai.response.time_to_first_chunk" in dict(finished[2].attributes or {})
    assert KEY not in str([s.to_json() for s in finished])


def histogram(metric: Metric) -> list[HistogramDataPoint]:
    assert isinstance(metric.data, Histogram)
    return list(metric.data.data_points)


def test_metrics(
    spans: tuple[InMemorySpanExporter, InMemoryMetricReader], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(monkeypatch)
    data = spans[1].get_metrics_data()
    assert data is not None
    found = {m.name: m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics}
    durations = histogram(found["gen_ai.client.operation.duration"])
    assert sum(p.count for p in durations) == 4
    tokens = {
        (p.attributes or {})["gen_ai.token.type"]: p.sum
        for p in histogram(found["gen_ai.client.token.usage"])
    }
    assert tokens["output"] == 5
    assert "gen_ai.client.operation.time_to_first_chunk" in found
    assert "rpc.client.duration" in found


def test_the_log_tells_method_status_time_attempts_and_sizes(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with caplog.at_level(logging.DEBUG, logger="gemwire"):
        run(monkeypatch)
    lines = [r.getMessage() for r in caplog.records if r.name == "gemwire"]
    assert len(lines) == 5
    assert "GenerativeService/GenerateContent OK in" in lines[0]
    assert "1 attempt(s)" in lines[0]
    assert "NOT_FOUND" in lines[1]
    assert "3 message(s)" in lines[2]
    assert "CANCELLED" in lines[3]
    assert KEY not in caplog.text


def test_content_is_logged_only_when_asked(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(log_content: bool) -> str:
        caplog.clear()
        server = grpc.aio.server()
        stubs.add_GenerativeServiceServicer_to_server(Generative(), server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        monkeypatch.setenv("GEMINI_EMULATOR_HOST", f"127.0.0.1:{port}")
        async with v1beta.GenerativeServiceAsyncClient(client_options={"log_content": log_content}) as client:
            await client.generate_content(model="models/a", contents=[{"parts": [{"text": "between us"}]}])
        await server.stop(None)
        return caplog.text

    with caplog.at_level(logging.DEBUG, logger="gemwire"):
        assert "between us" not in asyncio.run(main(False))
        assert "between us" in asyncio.run(main(True))


def test_a_failing_observer_fails_no_call(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def on_start(self, call: Any) -> None:
            raise KeyError("begin")

        def on_end(self, call: Any, state: Any) -> None:
            raise KeyError("end")

    from gemwire._transport.observe import add_observer

    remove = add_observer(Broken())
    try:
        run(monkeypatch)
    finally:
        remove()
    assert "an observer of calls failed" in caplog.text
