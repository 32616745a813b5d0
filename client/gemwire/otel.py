"""OpenTelemetry spans and metrics of every call, by the GenAI semantic conventions.

    from gemwire import otel

    stop = otel.instrument()

Needs ``gemwire[otel]``. Costs nothing until `instrument` is called. Content is never recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import metrics, trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from gemwire import __version__
from gemwire._transport.observe import Watch, add_sink
from gemwire.errors import APIError
from gemwire_runtime.method import Kind

#: RPC → gen_ai.operation.name; other RPCs get the conventions for RPCs only.
_OPERATIONS = {
    "GenerateContent": "generate_content",
    "StreamGenerateContent": "generate_content",
    "BidiGenerateContent": "generate_content",
    "GenerateAnswer": "generate_content",
    "GenerateMessage": "chat",
    "GenerateText": "text_completion",
    "EmbedContent": "embeddings",
    "BatchEmbedContents": "embeddings",
    "EmbedText": "embeddings",
    "BatchEmbedText": "embeddings",
}
#: Field of GenerationConfig → attribute.
_SETTINGS = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "top_k": "gen_ai.request.top_k",
    "max_output_tokens": "gen_ai.request.max_tokens",
    "candidate_count": "gen_ai.request.choice.count",
    "seed": "gen_ai.request.seed",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
}
#: Attributes of a call that its measurements carry too.
_RPC_DIMENSIONS = frozenset(
    {
        "rpc.system",
        "rpc.service",
        "rpc.method",
        "rpc.grpc.status_code",
        "server.address",
        "server.port",
    }
)
_DIMENSIONS = frozenset(
    {
        "gen_ai.operation.name",
        "gen_ai.provider.name",
        "gen_ai.request.model",
        "gen_ai.response.model",
        "server.address",
        "server.port",
        "error.type",
    }
)
_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304)


def instrument(tracer_provider: Any = None, meter_provider: Any = None) -> Callable[[], None]:
    """Record every call of this process, of clients made before as well.

    Args:
        tracer_provider: Where spans go. Default: the global provider.
        meter_provider: Where metrics go. Default: the global provider.

    Returns:
        A function that ends the recording.
    """
    return add_sink(_Recorder(tracer_provider, meter_provider))


class _Recorder:
    """Makes a span and the measurements of each call."""

    def __init__(self, tracer_provider: Any, meter_provider: Any) -> None:
        self._tracer = trace.get_tracer("gemwire", __version__, tracer_provider)
        meter = metrics.get_meter("gemwire", __version__, meter_provider)
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="Duration of calls to the model",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._first = meter.create_histogram(
            "gen_ai.client.operation.time_to_first_chunk",
            unit="s",
            description="Time to the first message of a stream",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Tokens of prompts and of what was generated",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        self._rpc = meter.create_histogram(
            "rpc.client.duration", unit="ms", description="Duration of calls that generate nothing"
        )

    def begin(self, watch: Watch) -> Any:
        """Keep the context of the caller: it is the span's parent."""
        return otel_context.get_current()

    def end(self, watch: Watch, begun: Any) -> None:
        """Make the span, with the times of the call."""
        attributes = _attributes(watch)
        operation = attributes.get("gen_ai.operation.name")
        model = attributes.get("gen_ai.request.model")
        name = f"{operation} {model or ''}".rstrip() if operation else watch.method.path[1:]
        span = self._tracer.start_span(
            name, context=begun, kind=SpanKind.CLIENT, attributes=attributes, start_time=watch.began
        )
        if watch.error is not None and not isinstance(watch.error, GeneratorExit):
            span.set_status(Status(StatusCode.ERROR, watch.status))
        span.end(end_time=watch.began + int(watch.elapsed * 1e9))
        with_span = trace.set_span_in_context(span, begun)
        self._measure(watch, attributes, with_span)

    def _measure(self, watch: Watch, attributes: dict[str, Any], context: Any) -> None:
        if "gen_ai.operation.name" not in attributes:
            self._rpc.record(watch.elapsed * 1000, _only(attributes, _RPC_DIMENSIONS), context)
            return
        common = _only(attributes, _DIMENSIONS)
        self._duration.record(watch.elapsed, common, context)
        if watch.first is not None and watch.method.kind is not Kind.UNARY:
            self._first.record(watch.first, common, context)
        for kind in ("input", "output"):
            count = attributes.get(f"gen_ai.usage.{kind}_tokens")
            if count is not None:
                self._tokens.record(count, {**common, "gen_ai.token.type": kind}, context)


def _only(attributes: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if name in names}


def _attributes(watch: Watch) -> dict[str, Any]:
    host, _, port = watch.host.rpartition(":")
    found: dict[str, Any] = {
        "rpc.system": "grpc",
        "rpc.service": watch.method.service,
        "rpc.method": watch.method.name,
        "rpc.grpc.status_code": _code(watch),
        "server.address": host.strip("[]"),
        "gemwire.attempts": watch.attempts,
    }
    if port.isdigit():
        found["server.port"] = int(port)
    if watch.hedges:
        found["gemwire.hedges"] = watch.hedges
    if watch.error is not None and not isinstance(watch.error, GeneratorExit):
        found["error.type"] = watch.status
    operation = _OPERATIONS.get(watch.method.name)
    if operation:
        found["gen_ai.operation.name"] = operation
        found["gen_ai.provider.name"] = "gcp.gemini"
        found.update(_of_request(watch.request))
        found.update(_of_response(watch.latest))
        if watch.first is not None and watch.method.kind is not Kind.UNARY:
            found["gen_ai.response.time_to_first_chunk"] = watch.first
    return found


def _code(watch: Watch) -> int:
    if watch.error is None:
        return 0
    return watch.error.grpc_code.value[0] if isinstance(watch.error, APIError) else 1


def _of_request(request: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    model = getattr(request, "model", "")
    if model:
        found["gen_ai.request.model"] = model.removeprefix("models/")
    config = getattr(request, "generation_config", None)
    if config is not None:
        for name, attribute in _SETTINGS.items():
            if config.HasField(name):
                found[attribute] = getattr(config, name)
        if config.stop_sequences:
            found["gen_ai.request.stop_sequences"] = list(config.stop_sequences)
    return found


def _finish_reason(candidate: Any) -> str:
    number: int = candidate.finish_reason
    value = candidate.DESCRIPTOR.enum_types_by_name["FinishReason"].values_by_number.get(number)
    return value.name.lower() if value else str(number)


def _of_response(response: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if response is None:
        return found
    for name, attribute in (
        ("model_version", "gen_ai.response.model"),
        ("response_id", "gen_ai.response.id"),
    ):
        if getattr(response, name, ""):
            found[attribute] = getattr(response, name)
    usage = getattr(response, "usage_metadata", None)
    if usage is not None and response.HasField("usage_metadata"):
        found["gen_ai.usage.input_tokens"] = usage.prompt_token_count
        output = getattr(usage, "candidates_token_count", 0) or getattr(usage, "response_token_count", 0)
        found["gen_ai.usage.output_tokens"] = output + getattr(usage, "thoughts_token_count", 0)
    reasons = [c for c in getattr(response, "candidates", ()) if getattr(c, "finish_reason", 0)]
    if reasons:
        found["gen_ai.response.finish_reasons"] = [_finish_reason(c) for c in reasons]
    return found
