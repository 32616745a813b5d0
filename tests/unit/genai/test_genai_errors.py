"""Errors as google-genai constructs them and as programs read them."""

from __future__ import annotations

import asyncio
import json
import pickle
from typing import Any

import pytest

from gemwire.errors import ResourceExhausted
from gemwire.genai import errors
from gemwire_proto.google.rpc import error_details_pb2

QUOTA: dict[str, Any] = {
    "error": {
        "code": 429,
        "message": "Slow down.",
        "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3s"}],
    }
}


class Response:
    """A response as httpx, requests and aiohttp have them."""

    reason = reason_phrase = "Service Unavailable"

    def __init__(self, status: int, body: str) -> None:
        self.status_code = status
        self.text = body


class AiohttpResponse:
    reason = "Service Unavailable"

    def __init__(self, status: int, body: str) -> None:
        self.status = status
        self._body = body

    async def text(self) -> str:
        return self._body


def test_of_a_code_and_json() -> None:
    error = errors.ClientError(429, QUOTA, "the response")
    assert (error.code, error.status, error.message) == (429, "RESOURCE_EXHAUSTED", "Slow down.")
    assert (error.details, error.response, error.retry_delay) == (QUOTA, "the response", 3.0)
    assert str(error) == "429 RESOURCE_EXHAUSTED: Slow down."
    again = pickle.loads(pickle.dumps(errors.ClientError(429, QUOTA)))
    assert (again.code, again.details) == (429, QUOTA)


@pytest.mark.parametrize(
    ("code", "tree", "found"),
    [
        (None, QUOTA, (429, "RESOURCE_EXHAUSTED", "Slow down.")),
        (None, [QUOTA], (429, "RESOURCE_EXHAUSTED", "Slow down.")),
        (400, {"message": "m", "status": "s", "error": {"message": "x"}}, (400, "s", "m")),
        (None, {}, (None, None, None)),
        (1007, "closed", (1007, None, None)),
        (500, {"error": {"details": [3, {"@type": "x"}, {"a": 1}]}}, (500, None, None)),
    ],
)
def test_of_other_json(code: int | None, tree: object, found: tuple[object, ...]) -> None:
    error = errors.APIError(code, tree)
    assert (error.code, error.status, error.message) == found


def test_json_of_a_call_that_failed() -> None:
    info = error_details_pb2.RetryInfo(retry_delay={"seconds": 3})
    assert ResourceExhausted("Slow down.", details=[info]).to_json() == QUOTA
    assert errors.ClientError(429, QUOTA).to_json() == QUOTA
    assert ResourceExhausted("no").to_json() == {
        "error": {"code": 429, "message": "no", "status": "RESOURCE_EXHAUSTED"}
    }


@pytest.mark.parametrize(
    ("status", "kind"), [(404, errors.ClientError), (503, errors.ServerError), (302, errors.APIError)]
)
@pytest.mark.parametrize("body", [json.dumps(QUOTA), "busy"])
def test_of_a_response(status: int, kind: type[errors.APIError], body: str) -> None:
    for raised in (
        lambda: errors.APIError.raise_for_response(Response(status, body)),
        lambda: asyncio.run(errors.APIError.raise_for_async_response(AiohttpResponse(status, body))),
    ):
        with pytest.raises(errors.APIError) as caught:
            raised()
        assert type(caught.value) is kind
        expected = QUOTA if body != "busy" else {"message": "busy", "status": "Service Unavailable"}
        assert (caught.value.code, caught.value.details) == (status, expected)
    errors.APIError.raise_for_response(Response(200, ""))
    asyncio.run(errors.APIError.raise_for_async_response(AiohttpResponse(200, "")))


def test_what_an_interrupted_continuation_keeps() -> None:
    error = errors.ContinuationInterruptedError("no", continuation_token="t", continuation_ids=["a"])
    assert (str(error), error.continuation_token, error.continuation_ids) == ("no", "t", ["a"])
    assert (error.partial_interaction, error.interaction_id) == (None, None)
    for kind in (
        *(errors.FunctionInvocationError, errors.UnknownApiResponseError),
        *(errors.UnknownFunctionCallArgumentError, errors.UnsupportedFunctionError),
    ):
        assert issubclass(kind, ValueError)
    assert issubclass(errors.ExperimentalWarning, Warning)
