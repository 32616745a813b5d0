"""OpenTelemetry spans and metrics of calls, following the GenAI semantic conventions.

    from gemwire import otel

    stop = otel.instrument()

Requires ``gemwire[otel]``. Costs nothing until `instrument` is called. Content is never recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from google.protobuf.message import Message
from opentelemetry import context as otel_context
from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode

from gemwire import __version__
from gemwire._transport.observe import ObservedCall, add_observer
from gemwire.errors import APIError
from gemwire_runtime import status_code
from gemwire_runtime.method import Kind

Attributes = dict[str, str | int | float | Sequence[str]]

#: RPC → gen_ai.operation.name; other RPCs follow the RPC conventions only.
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
#: Span attributes that are metric attributes, too.
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


def instrument(
    tracer_provider: trace.TracerProvider | None = None, meter_provider: metrics.MeterProvider | None = None
) -> Callable[[], None]:
    """Record every call of this process, including those of existing clients.

    Args:
        tracer_provider: Provider of the tracer. Default: the global provider.
        meter_provider: Provider of the meter. Default: the global provider.

    Returns:
        A function that stops the recording.
    """
    return add_observer(_TelemetryObserver(tracer_provider, meter_provider))


class _TelemetryObserver:
    """Records a span and the metrics of each call."""

    def __init__(
        self, tracer_provider: trace.TracerProvider | None, meter_provider: metrics.MeterProvider | None
    ) -> None:
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
            description="Tokens of prompts and of generated content",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        self._rpc = meter.create_histogram(
            "rpc.client.duration", unit="ms", description="Duration of calls that do not generate content"
        )

    def on_start(self, call: ObservedCall) -> Context:
        """Return the context of the caller, the parent of the span."""
        return otel_context.get_current()

    def on_end(self, call: ObservedCall, state: object) -> None:
        """Record the span, with the times of the call."""
        parent = state if isinstance(state, Context) else None
        attributes = _build_attributes(call)
        operation = attributes.get("gen_ai.operation.name")
        model = attributes.get("gen_ai.request.model")
        name = f"{operation} {model or ''}".rstrip() if operation else call.method.path[1:]
        span = self._tracer.start_span(
            name, context=parent, kind=SpanKind.CLIENT, attributes=attributes, start_time=call.began
        )
        if call.error is not None and not isinstance(call.error, GeneratorExit):
            span.set_status(Status(StatusCode.ERROR, call.status))
        span.end(end_time=call.began + int(call.elapsed * 1e9))
        self._record_metrics(call, attributes, trace.set_span_in_context(span, parent))

    def _record_metrics(self, call: ObservedCall, attributes: Attributes, context: Context) -> None:
        if "gen_ai.operation.name" not in attributes:
            self._rpc.record(call.elapsed * 1000, _select(attributes, _RPC_DIMENSIONS), context)
            return
        common = _select(attributes, _DIMENSIONS)
        self._duration.record(call.elapsed, common, context)
        if call.first is not None and call.method.kind is not Kind.UNARY:
            self._first.record(call.first, common, context)
        for kind in ("input", "output"):
            count = attributes.get(f"gen_ai.usage.{kind}_tokens")
            if isinstance(count, int):
                self._tokens.record(count, {**common, "gen_ai.token.type": kind}, context)


def _select(attributes: Attributes, names: frozenset[str]) -> Attributes:
    return {name: value for name, value in attributes.items() if name in names}


def _build_attributes(call: ObservedCall) -> Attributes:
    host, _, port = call.host.rpartition(":")
    found: Attributes = {
        "rpc.system": "grpc",
        "rpc.service": call.method.service,
        "rpc.method": call.method.name,
        "rpc.grpc.status_code": _status_code(call),
        "server.address": host.strip("[]"),
        "gemwire.attempts": call.attempts,
    }
    if port.isdigit():
        found["server.port"] = int(port)
    if call.hedges:
        found["gemwire.hedges"] = call.hedges
    if call.error is not None and not isinstance(call.error, GeneratorExit):
        found["error.type"] = call.status
    operation = _OPERATIONS.get(call.method.name)
    if operation:
        found["gen_ai.operation.name"] = operation
        found["gen_ai.provider.name"] = "gcp.gemini"
        found.update(_request_attributes(call.request))
        found.update(_response_attributes(call.latest))
        if call.first is not None and call.method.kind is not Kind.UNARY:
            found["gen_ai.response.time_to_first_chunk"] = call.first
    return found


def _status_code(call: ObservedCall) -> int:
    if call.error is None:
        return 0
    return status_code.StatusCode[type(call.error).status] if isinstance(call.error, APIError) else 1


def _request_attributes(request: Message | None) -> Attributes:
    found: Attributes = {}
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


def _finish_reason(candidate: Message) -> str:
    number: int = getattr(candidate, "finish_reason")  # noqa: B009 - of v1beta's and v1's Candidate alike
    value = candidate.DESCRIPTOR.enum_types_by_name["FinishReason"].values_by_number.get(number)
    return value.name.lower() if value else str(number)


def _response_attributes(response: Message | None) -> Attributes:
    found: Attributes = {}
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
