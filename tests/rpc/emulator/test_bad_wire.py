"""Bad calls below the fields of a request: bytes, sizes, deadlines, methods that there are not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from emulator_calls import Refusal
from google.protobuf.message import DecodeError
from populated_emulator import BY_NAME, CLIENT_ERRORS, DOCUMENT, LONG, METHODS, MODEL, Populated

from gemwire_emulator.server import SERVICES
from gemwire_runtime.method import Method

#: What valid calls may end with: the file was uploaded, not generated; a caller who is gone sent no setup.
REFUSED = {"DownloadFile": {"FAILED_PRECONDITION"}, "BidiGenerateContent": {"INVALID_ARGUMENT"}}


def test_deadlines_that_have_passed(populated: Populated) -> None:
    """The caller gives up while the call waits: nothing is done, and it is written down that nothing was."""
    before, since = populated.state(), max((e.number for e in populated.emulator.calls()), default=0)
    # So long that no call is answered before its caller has gone, however busy the machine is.
    populated.emulator.fail(delay=20, times=0)
    with ThreadPoolExecutor(len(METHODS)) as pool:
        calls = [pool.submit(populated.send, m, populated.request(m), timeout=0.2) for m in METHODS.values()]
        codes = {one.result().code for one in calls}  # type: ignore[union-attr]
    assert codes == {"DEADLINE_EXCEEDED"}
    assert populated.settled()
    # On a busy machine some do not even arrive in time.
    assert {e.status for e in populated.emulator.calls() if e.number > since} == {"CANCELLED"}
    populated.emulator._run_sync(populated.emulator._emulator.admission.rules.clear)
    assert populated.state() == before


@pytest.mark.parametrize("timeout", [0, 0.0001, 0.001, 0.002])
def test_deadlines_that_pass_at_once(populated: Populated, timeout: float) -> None:
    """In the midst of its work a call is done whole or not at all, and the journal says which."""
    for method in METHODS.values():
        refusals = REFUSED.get(method.name, set())
        request, before, since = populated.request(method), populated.state(), len(populated.emulator.calls())
        answer = populated.send(method, request, timeout=timeout)
        assert not isinstance(answer, Refusal) or answer.code in {"DEADLINE_EXCEEDED", *refusals}
        assert populated.settled()
        ended = [entry.status for entry in populated.emulator.calls()[since:]]
        assert set(ended) <= {"OK", "CANCELLED", *refusals}
        if "OK" not in ended:
            assert populated.state() == before
        elif populated.state() != before:
            populated.renew()


@pytest.mark.parametrize("path", METHODS, ids=lambda path: path.rpartition("language.")[2])
def test_bytes_that_are_no_message(populated: Populated, path: str) -> None:
    whole = populated.request(METHODS[path]).SerializeToString()
    damaged = [b"\xff", b"\x0a\xff", b"\x0a\x02\xff\xff", b"\x07", b"\x08" * 11, b"\x0f\x0f", LONG.encode()]
    if whole:
        damaged += [whole[:-1], whole + b"\x0a", b"\x0b" + whole]
    for sent in damaged:
        before = populated.state()
        answer = populated.send(METHODS[path], sent)
        if not _decodes(METHODS[path], sent):
            assert isinstance(answer, Refusal)
            assert answer.code == "INVALID_ARGUMENT"
        if isinstance(answer, Refusal):
            assert answer.code in CLIENT_ERRORS
            assert populated.state() == before


def _decodes(method: Method[Any, Any], sent: bytes) -> bool:
    try:
        method.request.FromString(sent)
    except DecodeError:
        return False
    return True


def test_twenty_megabytes(populated: Populated) -> None:
    size = 20_000_000
    # A field that nobody knows, of a request that is otherwise as it should be: it is skipped.
    unknown = b"\xfa\xff\x07" + _varint(size) + bytes(size)
    for rpc in ("GetModel", "GenerateContent", "CreateCorpus"):
        method = BY_NAME[rpc]
        sent = populated.request(method).SerializeToString() + unknown
        assert not isinstance(populated.send(method, sent), Refusal)
    long = "a" * size
    oversized: dict[str, dict[str, Any]] = {
        "GetModel": {"name": f"models/{long}"},
        "GenerateContent": {"model": MODEL, "contents": [{"parts": [{"text": long}]}]},
        "CreateCorpus": {"corpus": {"display_name": long}},
        "CreateChunk": {"parent": DOCUMENT, "chunk": {"data": {"string_value": long}}},
        "ListTunedModels": {"filter": f"{long}:"},
        "BidiGenerateContent": {"setup": {"model": long}},
    }
    for rpc, fields in oversized.items():
        method = BY_NAME[rpc]
        assert populated.refused(method, method.request(**fields)).code == "INVALID_ARGUMENT"


def _varint(number: int) -> bytes:
    low, rest = number & 127, number >> 7
    return bytes([low | 128]) + _varint(rest) if rest else bytes([low])


def test_methods_that_there_are_not(populated: Populated) -> None:
    names = [f"/{service.name}/Nothing" for service in SERVICES]
    names += [f"/{service.name}/" for service in SERVICES]
    names += ["/", "//", "/nothing", "/Nobody/GetModel", *(path.lower() for path in METHODS)]
    for name in names:
        unary: grpc.UnaryUnaryMultiCallable[bytes, bytes] = populated.channel.unary_unary(name)
        stream: grpc.UnaryStreamMultiCallable[bytes, bytes] = populated.channel.unary_stream(name)
        for call in (unary, stream):
            with pytest.raises(grpc.RpcError) as caught:
                list(call(b"", timeout=20))
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
