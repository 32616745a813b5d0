"""The sync client on grpc's testing channel: every step of a call is in the test's hand.

That channel knows no deadlines, whatever clock it is given, and its streaming calls cannot say
whether they have ended; both are tested in tests/rpc, on servers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import grpc
import grpc_testing
import pytest

from gemwire import GrpcTransport, Retry, errors, v1beta
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2, model_service_pb2
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.google.rpc import error_details_pb2, status_pb2

SERVICE = generative_service_pb2.DESCRIPTOR.services_by_name["GenerativeService"]
GENERATE = SERVICE.methods_by_name["GenerateContent"]
MODELS = model_service_pb2.DESCRIPTOR.services_by_name["ModelService"]
LIST, CREATE = MODELS.methods_by_name["ListModels"], MODELS.methods_by_name["CreateTunedModel"]
OPERATIONS = operations_pb2.DESCRIPTOR.services_by_name["Operations"]
GET = OPERATIONS.methods_by_name["GetOperation"]
ANSWER = v1beta.GenerateContentResponse(model_version="x")
AT_ONCE = Retry(initial=0)

Run = Callable[..., "Future[Any]"]


@pytest.fixture
def channel() -> Any:
    return grpc_testing.channel([SERVICE, MODELS, OPERATIONS], grpc_testing.strict_fake_time(0))


@pytest.fixture
def client(channel: Any) -> v1beta.GenerativeServiceClient:
    return v1beta.GenerativeServiceClient(transport=GrpcTransport(channel=channel))


@pytest.fixture
def run() -> Run:
    """Runs the client's side beside the test, which is the server."""

    def start(function: Callable[..., Any], **arguments: Any) -> Future[Any]:
        outcome: Future[Any] = Future()

        def work() -> None:
            try:
                outcome.set_result(function(**arguments))
            except BaseException as error:
                outcome.set_exception(error)

        # A test that fails midway must not wait for it.
        threading.Thread(target=work, daemon=True).start()
        return outcome

    return start


def failed(code: str, details: str = "no", trailers: Any = ()) -> tuple[Any, ...]:
    return trailers, grpc.StatusCode[code], details


OK = ((), grpc.StatusCode.OK, "")


def test_a_call(client: Any, channel: Any, run: Run) -> None:
    outcome = run(client.generate_content, model="models/m", metadata=[("x-mine", "1")])
    metadata, request, rpc = channel.take_unary_unary(GENERATE)
    assert request == v1beta.GenerateContentRequest(model="models/m")
    # The testing channel adds one of its own and keeps no order.
    ours = {key for key, _ in metadata if key.startswith("x-")}
    assert ours == {"x-goog-api-client", "x-mine", "x-goog-request-params"}
    assert not outcome.done()
    rpc.terminate(ANSWER, *OK)
    assert outcome.result(5) is ANSWER


def test_a_failure(client: Any, channel: Any, run: Run) -> None:
    info = error_details_pb2.ErrorInfo(reason="WHY")
    packed = status_pb2.Status(code=5)
    packed.details.add().Pack(info)
    trailers = (("grpc-status-details-bin", packed.SerializeToString()), ("x-last", "1"))
    outcome = run(client.generate_content, model="models/m")
    _, _, rpc = channel.take_unary_unary(GENERATE)
    rpc.terminate(None, *failed("NOT_FOUND", "gone", trailers))
    with pytest.raises(errors.NotFound, match="gone") as caught:
        outcome.result(5)
    assert caught.value.reason == "WHY"
    assert ("x-last", "1") in caught.value.trailing_metadata


def test_attempts_are_equal(client: Any, channel: Any, run: Run) -> None:
    outcome = run(client.generate_content, model="models/m", retry=AT_ONCE)
    seen = []
    for _ in range(3):
        metadata, request, rpc = channel.take_unary_unary(GENERATE)
        seen.append((tuple(metadata), request))
        rpc.terminate(None, *failed("UNAVAILABLE"))
    *_, rpc = channel.take_unary_unary(GENERATE)
    rpc.terminate(ANSWER, *OK)
    assert outcome.result(5) is ANSWER
    assert seen[0] == seen[1] == seen[2]


def test_pages(channel: Any, run: Run) -> None:
    client = v1beta.ModelServiceClient(transport=channel)
    outcome = run(lambda: [model.name for model in client.list_models(page_size=1)])
    for token, following in (("", "t"), ("t", "")):
        _, request, rpc = channel.take_unary_unary(LIST)
        assert request == v1beta.ListModelsRequest(page_size=1, page_token=token)
        page = v1beta.ListModelsResponse(models=[{"name": f"models/{token}"}], next_page_token=following)
        rpc.terminate(page, *OK)
    assert outcome.result(5) == ["models/", "models/t"]


def test_an_operation(channel: Any, run: Run) -> None:
    client = v1beta.ModelServiceClient(transport=channel)
    begun = run(client.create_tuned_model, tuned_model={"display_name": "t"})
    _, _, rpc = channel.take_unary_unary(CREATE)
    rpc.terminate(operations_pb2.Operation(name="operations/1"), *OK)
    waiting = run(begun.result(5).result, polling=Retry(initial=0, maximum=0))
    for end in (failed("DEADLINE_EXCEEDED"), failed("DEADLINE_EXCEEDED"), OK):
        _, request, rpc = channel.take_unary_unary(GET)
        assert request.name == "operations/1"
        rpc.terminate(operations_pb2.Operation(name="operations/1"), *end)
    _, _, rpc = channel.take_unary_unary(GET)
    done = operations_pb2.Operation(name="operations/1", done=True)
    done.response.Pack(v1beta.TunedModel(name="tunedModels/t"))
    assert not waiting.done()
    rpc.terminate(done, *OK)
    assert waiting.result(5) == v1beta.TunedModel(name="tunedModels/t")


def test_several_at_once(client: Any, channel: Any, run: Run) -> None:
    first = run(client.generate_content, model="models/1")
    _, _, first_rpc = channel.take_unary_unary(GENERATE)
    second = run(client.generate_content, model="models/2")
    _, request, second_rpc = channel.take_unary_unary(GENERATE)
    assert request.model == "models/2"
    second_rpc.terminate(ANSWER, *OK)
    assert second.result(5) is ANSWER
    assert not first.done()
    first_rpc.terminate(None, *failed("INTERNAL"))
    with pytest.raises(errors.Internal):
        first.result(5)
