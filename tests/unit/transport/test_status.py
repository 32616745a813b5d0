"""Errors of calls: what is kept of the status that grpc gives."""

from __future__ import annotations

import pickle

import grpc
import grpc.aio
import pytest

from gemwire import errors
from gemwire._transport.status import DETAILS, error_from_rpc
from gemwire_proto.google.rpc import error_details_pb2, status_pb2

METHOD = "/google.ai.generativelanguage.v1beta.GenerativeService/GenerateContent"


def failure(*trailers: tuple[str, str | bytes]) -> grpc.RpcError:
    metadata = grpc.aio.Metadata(*trailers)
    return grpc.aio.AioRpcError(grpc.StatusCode.NOT_FOUND, grpc.aio.Metadata(), metadata, details="gone")


def details(reason: str) -> bytes:
    packed = status_pb2.Status(code=5)
    packed.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason))
    return packed.SerializeToString()


def test_trailers_are_kept_as_they_came_but_for_the_details() -> None:
    given = failure(("server", "x"), ("server", "y"), (DETAILS, details("A")), ("b-bin", b"\x00\xff"))
    error = error_from_rpc(given, METHOD, 3, 1.5)
    assert type(error) is errors.NotFound
    assert error.trailing_metadata == [("server", "x"), ("server", "y"), ("b-bin", b"\x00\xff")]
    assert {type(pair) for pair in error.trailing_metadata} == {tuple}
    assert error.reason == "A"
    assert (error.message, error.method, error.attempts, error.elapsed) == ("gone", METHOD, 3, 1.5)
    again = pickle.loads(pickle.dumps(error))
    assert again.trailing_metadata == error.trailing_metadata
    assert again.reason == "A"


def test_without_trailers() -> None:
    error = error_from_rpc(failure(), METHOD, 1, 0.1)
    assert error.trailing_metadata == []
    assert error.details == []


@pytest.mark.parametrize("damaged", [b"\xff\xfe garbage", details("A")[:-3]])
def test_damaged_details_take_nothing_else_with_them(damaged: bytes) -> None:
    error = error_from_rpc(failure((DETAILS, damaged), (DETAILS, details("B")), ("k", "v")), METHOD, 1, 0.1)
    assert (error.message, error.reason) == ("gone", "B")
    assert error.trailing_metadata == [("k", "v")]
