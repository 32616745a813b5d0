"""Events of a stream wherever their bytes are cut, and answers that are errors."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import example, given
from hypothesis import strategies as st

from gemwire._transport.rest.exchange import parse_message
from gemwire._transport.rest.http_errors import HttpError, from_response
from gemwire._transport.rest.sse import EventParser
from gemwire._transport.status import error_from_rpc
from gemwire.errors import (
    Aborted,
    APIError,
    ClientError,
    NotFound,
    ResourceExhausted,
    ServerError,
    Unavailable,
)
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_runtime.status_code import StatusCode

_STREAM = (
    b"\xef\xbb\xbf: a comment\r\n\r\ndata: one\r\n\r\n"
    b"event: message\nid: 7\ndata: two\n data: not\ndata:lines\n\n"
    b"data\ndata:  three\r\rretry: 5\n\n"
    b'data: {"text": "\xf0\x9f\xa6\x8a"}\r\n\r\n'
)
_EVENTS = [b"one", b"two\nlines", b"\n three", b'{"text": "\xf0\x9f\xa6\x8a"}']


def _parsed(pieces: list[bytes]) -> list[bytes]:
    parser = EventParser()
    return [event for piece in pieces for event in parser.feed(piece)]


def test_events() -> None:
    assert _parsed([_STREAM]) == _EVENTS
    assert _parsed([bytes([byte]) for byte in _STREAM]) == _EVENTS


@given(st.lists(st.integers(0, len(_STREAM)), max_size=8))
def test_events_wherever_they_are_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(_STREAM)]
    assert _parsed([_STREAM[a:b] for a, b in itertools.pairwise(edges)]) == _EVENTS


def test_an_event_of_megabytes_in_small_pieces() -> None:
    text = b"x" * (4 << 20)
    stream = b"data: " + text + b"\n\n"
    pieces = [stream[at : at + 1024] for at in range(0, len(stream), 1024)]
    assert _parsed(pieces) == [text]


def test_the_end_gives_what_was_not_finished() -> None:
    parser = EventParser()
    assert parser.feed(b"data: one\n\ndata: tw") == [b"one"]
    assert parser.end() == b"tw"
    assert parser.end() is None


def test_an_empty_stream() -> None:
    parser = EventParser()
    assert parser.feed(b"") == []
    assert parser.end() is None


# Errors --------------------------------------------------------------------------------------------


def _error(status: int, body: Any, *headers: tuple[str, str]) -> APIError:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return error_from_rpc(from_response(status, list(headers), data), "S/M", 1, 0.1)


def test_an_error_of_the_api_with_its_details() -> None:
    details = [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.5s"},
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "R",
            "domain": "d",
            "metadata": {"k": "v"},
        },
        {"@type": "type.googleapis.com/google.rpc.Tomorrows", "x": 1},
        {"no": "type"},
        7,
        {"@type": "type.googleapis.com/google.rpc.Help", "links": [{"description": "l", "new": 1}]},
    ]
    tree = {"error": {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED", "details": details}}
    error = _error(429, tree, ("x-id", "1"))
    assert isinstance(error, ResourceExhausted)
    assert (error.message, error.retry_delay, error.reason, error.metadata) == ("slow", 1.5, "R", {"k": "v"})
    assert [d.DESCRIPTOR.name for d in error.details] == ["RetryInfo", "ErrorInfo", "Help"]
    assert error.trailing_metadata == [("x-id", "1")]


def test_an_error_in_an_array() -> None:
    assert isinstance(
        _error(404, [{"error": {"code": 404, "message": "m", "status": "NOT_FOUND"}}]), NotFound
    )


@pytest.mark.parametrize(
    ("code", "kind"),
    [(409, Aborted), (404, NotFound), (503, Unavailable), (418, ServerError), ("x", ClientError)],
)
def test_an_error_without_status(code: Any, kind: type[APIError]) -> None:
    error = _error(code if isinstance(code, int) else 400, {"error": {"code": code, "message": "m"}})
    assert isinstance(error, kind)
    assert error.message == "m"


def test_retry_after_is_kept_to() -> None:
    failed = from_response(503, [("retry-after", "2")], b'{"error": {"code": 503, "status": "UNAVAILABLE"}}')
    assert ("grpc-retry-pushback-ms", "2000") in failed.trailing_metadata()
    dated = from_response(503, [("retry-after", "Fri, 01 Jan 2027 00:00:00 GMT")], b"")
    assert [key for key, _ in dated.trailing_metadata()] == ["retry-after"]


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "INTERNAL"),
        (401, "UNAUTHENTICATED"),
        (403, "PERMISSION_DENIED"),
        (404, "UNIMPLEMENTED"),
        (429, "UNAVAILABLE"),
        (500, "UNKNOWN"),
        (502, "UNAVAILABLE"),
        (504, "UNAVAILABLE"),
        (204, "UNKNOWN"),
        (799, "UNKNOWN"),
    ],
)
def test_a_page_in_place_of_an_answer(status: int, name: str) -> None:
    page = b"<html><head><TITLE>Bad\n Gateway</TITLE></head><body>" + b"x" * 100_000
    error = _error(status, page, ("content-type", "text/html; charset=utf-8"))
    assert error.status == name
    assert error.message.startswith(f"HTTP {status}")
    assert error.message.endswith("and text/html instead of a response of the API: Bad Gateway")


def test_a_redirect_says_where_to() -> None:
    error = _error(302, b"", ("location", "https://login.example/"))
    assert error.message == (
        "HTTP 302: redirected to 'https://login.example/', which is not followed; check api_endpoint"
    )


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00", b"[]", b"[7]", b'{"error": 7}', b"{", b"null"])
def test_any_body_gives_an_error(body: bytes) -> None:
    assert _error(500, body).status == "UNKNOWN"


@given(st.integers(100, 999), st.binary(max_size=200))
def test_whatever_comes_is_an_error(status: int, body: bytes) -> None:
    error = _error(status, body)
    assert type(error) is type(_error(status, b"")), "what is no error of the API does not count"
    assert error.message.startswith(f"HTTP {status}")


# Messages ------------------------------------------------------------------------------------------


def test_an_error_among_the_events() -> None:
    data = b'{"error": {"code": 503, "message": "gone", "status": "UNAVAILABLE"}}'
    with pytest.raises(HttpError) as caught:
        parse_message(generative_service_pb2.GenerateContentResponse, data)
    assert caught.value.code() is StatusCode.UNAVAILABLE
    assert caught.value.of_api


def test_an_operation_that_failed_is_an_answer() -> None:
    data = b'{"name": "o", "done": true, "error": {"code": 5, "message": "m"}}'
    assert parse_message(operations_pb2.Operation, data).error.code == 5


@pytest.mark.parametrize(
    "data", [b"{", b"<html>", b"[]", b"7", b"\xff\xff", b'{"candidates": 7}', "{" * 9999]
)
def test_what_cannot_be_read_is_internal(data: bytes | str) -> None:
    with pytest.raises(HttpError, match="the response cannot be read") as caught:
        parse_message(generative_service_pb2.GenerateContentResponse, data)
    assert caught.value.code() is StatusCode.INTERNAL


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    ["candidates", "content", "parts", "text", "error", "details", "usageMetadata", "index"]
                ),
                inner,
            )
        ),
    )
)
# An empty list passes for a message that is not there.
@example({"usageMetadata": []})
@example({"candidates": [{"index": 1, "content": {"parts": [{"text": "a"}]}}], "details": 7})
@example({"candidates": [{"content": 7}]})
@example({"error": {"index": 1}})
def test_whatever_is_sent_is_read_or_refused(tree: Any) -> None:
    kind = generative_service_pb2.GenerateContentResponse
    if isinstance(tree, dict) and isinstance(tree.get("error"), dict):
        with pytest.raises(HttpError) as caught:
            parse_message(kind, json.dumps(tree))
        assert caught.value.of_api
        return
    expected = kind()
    try:
        # By itself, the parser takes an empty list for a message.
        fields: dict[str, Any] = {**tree} if isinstance(tree, dict) else {"candidates": 7}
        json_format.ParseDict(fields, expected, ignore_unknown_fields=True)
    except (json_format.ParseError, AttributeError, TypeError):
        with pytest.raises(HttpError, match="the response cannot be read"):
            parse_message(kind, json.dumps(tree))
    else:
        assert parse_message(kind, json.dumps(tree)) == expected
