"""When a call is repeated, after which pause, and when not."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from eventually import PATIENCE
from google.api_core import exceptions as google_errors
from google.api_core import retry as google_retry
from google.api_core import retry_async as google_retry_async
from scripted_grpc_server import BOTH_SERVICES, TABLE, Api, Fail, Headers, Loopback, nap

from gemwire import Retry, errors, v1beta
from gemwire._transport.retry import RetryBudget, RetryPolicy, default_policy, resolve_policy
from gemwire_proto.google.protobuf.any_pb2 import Any as AnyMessage
from gemwire_proto.google.rpc import error_details_pb2

ANSWER = v1beta.GenerateContentResponse(model_version="x")
UNAVAILABLE = Fail("UNAVAILABLE", "later")
SOON = Retry(initial=0.01, maximum=0.02)
RPC = "GenerateContent"


def retry_info(seconds: float) -> error_details_pb2.RetryInfo:
    info = error_details_pb2.RetryInfo()
    info.retry_delay.FromNanoseconds(int(seconds * 1e9))
    return info


def pushback(text: str) -> Fail:
    return Fail("UNAVAILABLE", trailers=(("grpc-retry-pushback-ms", text),))


def generate(api: Api, **arguments: Any) -> Any:
    arguments = {"model": "models/m", "retry": SOON, **arguments}
    return api(api.client().generate_content(**arguments))


@BOTH_SERVICES
def test_an_unavailable_server_is_asked_again(api: Api, server: Loopback) -> None:
    server.on(RPC, UNAVAILABLE, UNAVAILABLE, UNAVAILABLE, ANSWER)
    assert generate(api).model_version == "x"
    assert len(server.journal) == 4


@BOTH_SERVICES
def test_by_default_too(api: Api, server: Loopback) -> None:
    server.on(RPC, UNAVAILABLE, ANSWER)
    client = api.client()
    assert api(client.generate_content(model="models/m")).model_version == "x"


@BOTH_SERVICES
def test_the_log_tells_of_attempts_that_failed(
    api: Api, server: Loopback, caplog: pytest.LogCaptureFixture
) -> None:
    server.on(RPC, UNAVAILABLE, UNAVAILABLE, ANSWER)
    with caplog.at_level(logging.INFO, logger="gemwire"):
        generate(api)
    first, second = (record.getMessage() for record in caplog.records)
    name = f"{api.service.rpartition('.')[2]}/GenerateContent"
    assert f"{name} failed with UNAVAILABLE (later), attempt 1; retrying in 0.0" in first
    assert "attempt 2" in second


@BOTH_SERVICES
def test_the_error_tells_the_attempts(api: Api, server: Loopback) -> None:
    server.on(RPC, UNAVAILABLE)
    with pytest.raises(errors.Unavailable) as caught:
        generate(api, retry=Retry(max_attempts=3, initial=0.01))
    assert caught.value.attempts == len(server.journal) == 3
    assert "later" in str(caught.value)
    assert "3 attempts" in str(caught.value)
    assert caught.value.method == f"{api.service}/GenerateContent"


@BOTH_SERVICES
def test_streams_are_asked_again_too(api: Api, server: Loopback) -> None:
    server.on("StreamGenerateContent", UNAVAILABLE, [Headers(), UNAVAILABLE], [ANSWER, ANSWER])
    stream = api(api.client().stream_generate_content(model="models/m", retry=SOON))
    assert stream.attempts == 3
    assert len(api.list(stream)) == 2


@pytest.mark.parametrize(
    "code", ["INVALID_ARGUMENT", "INTERNAL", "NOT_FOUND", "ABORTED", "RESOURCE_EXHAUSTED"]
)
@BOTH_SERVICES
def test_what_the_policy_does_not_name_is_final(api: Api, server: Loopback, code: str) -> None:
    server.on(RPC, Fail(code), ANSWER)
    with pytest.raises(errors.BY_STATUS[code]):
        generate(api)
    assert len(server.journal) == 1


@BOTH_SERVICES
def test_codes_can_be_chosen(api: Api, server: Loopback) -> None:
    server.on(RPC, Fail("ABORTED"), Fail("INTERNAL"), ANSWER)
    assert generate(api, retry=Retry(codes={"ABORTED", "INTERNAL"}, initial=0.01)).model_version == "x"
    server.on(RPC, UNAVAILABLE, ANSWER)
    with pytest.raises(errors.Unavailable):
        generate(api, retry=Retry(codes="ABORTED"))


@BOTH_SERVICES
def test_none_turns_it_off(api: Api, server: Loopback) -> None:
    server.on(RPC, UNAVAILABLE, ANSWER)
    with pytest.raises(errors.Unavailable) as caught:
        generate(api, retry=None)
    assert caught.value.attempts == len(server.journal) == 1


@BOTH_SERVICES
def test_googles_retry_objects_work(api: Api, server: Loopback) -> None:
    seen: list[Exception] = []
    kind = google_retry_async.AsyncRetry if api.is_async else google_retry.Retry
    predicate = google_retry.if_exception_type(google_errors.ServiceUnavailable, google_errors.NotFound)
    server.on(RPC, UNAVAILABLE, Fail("NOT_FOUND"), ANSWER)
    given = kind(predicate=predicate, initial=0.01, maximum=0.02, timeout=5, on_error=seen.append)
    assert generate(api, retry=given).model_version == "x"
    assert [type(error).__name__ for error in seen] == ["Unavailable", "NotFound"]
    server.on(RPC, UNAVAILABLE)
    began = time.monotonic()
    with pytest.raises(errors.Unavailable) as caught:
        generate(api, retry=kind(predicate=predicate, initial=0.01, maximum=0.05, timeout=0.6))
    assert caught.value.attempts > 3
    assert time.monotonic() - began < PATIENCE
    server.on(RPC, Fail("INVALID_ARGUMENT"))
    with pytest.raises(errors.InvalidArgument):
        generate(api, retry=given)


@BOTH_SERVICES
def test_anything_else_is_a_type_error(api: Api, server: Loopback) -> None:
    with pytest.raises(TypeError, match="retry: expected"):
        generate(api, retry=3)
    assert not server.journal


@BOTH_SERVICES
def test_the_server_may_say_when(api: Api, server: Loopback) -> None:
    server.on(RPC, Fail("RESOURCE_EXHAUSTED", details=(retry_info(0.3),)), ANSWER)
    assert generate(api).model_version == "x"
    first, second = server.journal
    assert 0.3 <= second.time - first.time < PATIENCE


@BOTH_SERVICES
def test_it_is_not_waited_for_in_vain(api: Api, server: Loopback) -> None:
    server.on(RPC, Fail("RESOURCE_EXHAUSTED", "quota", details=(retry_info(40),)), ANSWER)
    began = time.monotonic()
    with pytest.raises(errors.ResourceExhausted) as caught:
        generate(api, timeout=35)
    assert time.monotonic() - began < PATIENCE
    assert caught.value.retry_delay == 40
    assert caught.value.hint == "The server asks to wait 40 s."


@BOTH_SERVICES
def test_without_a_timeout_no_age_is_waited(api: Api, server: Loopback) -> None:
    server.on(RPC, Fail("RESOURCE_EXHAUSTED", details=(retry_info(3e9),)))
    with pytest.raises(errors.ResourceExhausted):
        generate(api, timeout=None)


@pytest.mark.parametrize("delay", [-5.0, 0.0])
@BOTH_SERVICES
def test_a_delay_of_nothing_or_less_is_none(api: Api, server: Loopback, delay: float) -> None:
    server.on(RPC, Fail("RESOURCE_EXHAUSTED", details=(retry_info(delay),)), ANSWER)
    assert generate(api).model_version == "x"


@BOTH_SERVICES
def test_pushback_is_obeyed(api: Api, server: Loopback) -> None:
    server.on(RPC, pushback("250"), ANSWER)
    assert generate(api).model_version == "x"
    first, second = server.journal
    assert 0.25 <= second.time - first.time < PATIENCE
    server.on(RPC, pushback("40000"), ANSWER)
    began = time.monotonic()
    with pytest.raises(errors.Unavailable):
        generate(api, timeout=35)
    assert time.monotonic() - began < PATIENCE


@pytest.mark.parametrize("text", ["-1", "garbage", "", "1.5", "1e3", "9" * 5000])
@BOTH_SERVICES
def test_pushback_can_forbid(api: Api, server: Loopback, text: str) -> None:
    server.on(RPC, pushback(text), ANSWER)
    with pytest.raises(errors.Unavailable):
        generate(api)
    assert len(server.journal) == 1


def test_pauses_are_drawn_evenly_below_a_growing_bound() -> None:
    rules = RetryPolicy(lambda _: True, None, 1.0, 10.0, 2.0)
    error = errors.Unavailable("m")
    random.seed(7)
    for attempt, bound in ((1, 1.0), (2, 2.0), (4, 8.0), (5, 10.0), (5000, 10.0)):
        drawn = [rules.next_delay(error, attempt, 0, None) for _ in range(2000)]
        numbers = [pause for pause in drawn if pause is not None]
        assert len(numbers) == 2000
        assert 0 <= min(numbers) < bound * 0.05
        assert bound * 0.95 < max(numbers) <= bound
        assert abs(sum(numbers) / 2000 - bound / 2) < bound * 0.05


def test_jitter_comes_on_top_of_what_the_server_asks() -> None:
    rules = resolve_policy(Retry(initial=1, maximum=10), None)
    assert rules is not None
    error = errors.ResourceExhausted("m", details=[retry_info(20)])
    drawn = [rules.next_delay(error, 1, 0, None) or 0 for _ in range(500)]
    assert min(drawn) >= 20
    assert max(drawn) <= 21


@pytest.mark.parametrize("timeout", [0.6, 1.2])
@BOTH_SERVICES
def test_the_timeout_spans_all_attempts(api: Api, server: Loopback, timeout: float) -> None:
    server.on(RPC, [0.05, UNAVAILABLE])
    began = time.monotonic()
    with pytest.raises((errors.Unavailable, errors.DeadlineExceeded)) as caught:
        generate(api, timeout=timeout)
    assert time.monotonic() - began < PATIENCE
    assert caught.value.attempts > 2


@BOTH_SERVICES
def test_an_attempt_gets_what_is_left(api: Api, server: Loopback) -> None:
    left: list[float] = []

    def script(_: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        left.append(context.time_remaining())
        if len(left) == 1:
            nap(0.4, context)
            UNAVAILABLE(context)
        nap(30, context)
        yield ANSWER

    server.on(RPC, script)
    with pytest.raises(errors.DeadlineExceeded) as caught:
        generate(api, timeout=1)
    first, second = left
    assert second <= first - 0.4
    assert caught.value.attempts == 2
    assert server.idle()


@BOTH_SERVICES
def test_the_budget_keeps_an_outage_from_being_multiplied(api: Api, server: Loopback) -> None:
    server.on(RPC, UNAVAILABLE)
    client = api.client()
    hints = set()
    for _ in range(60):
        with pytest.raises(errors.Unavailable) as caught:
            api(client.generate_content(model="m", retry=Retry(initial=0, max_attempts=4)))
        hints.add(caught.value.hint)
    # Without the budget it would be 240.
    assert 80 <= len(server.journal) <= 115
    assert "Not retried: too many recent calls failed (retry budget)." in hints
    # Calls themselves are never held back, and success makes room again.
    server.on(RPC, ANSWER)
    for _ in range(600):
        api(client.generate_content(model="m"))
    server.on(RPC, UNAVAILABLE, ANSWER)
    assert api(client.generate_content(model="m", retry=SOON)).model_version == "x"


def test_the_callers_own_mistakes_do_not_use_up_the_budget() -> None:
    budget = RetryBudget()
    assert budget.is_full
    assert budget.record_failure()
    assert not budget.is_full
    for _ in range(11):
        budget.record_success()
    assert budget.is_full


def test_each_rpc_has_the_policy_that_its_table_says() -> None:
    for method in TABLE.values():
        rules = default_policy(method.retry)
        if method.retry is None:
            assert rules is None
            continue
        assert rules is not None
        assert rules.matches(errors.Unavailable("m")) == ("UNAVAILABLE" in method.retry.codes)
        assert not rules.matches(errors.InvalidArgument("m"))
        assert (rules.initial, rules.maximum, rules.multiplier) == (1.0, 10.0, 1.3)
        assert rules.max_attempts is None


@pytest.mark.parametrize(
    "details",
    [b"", b"\xff\xff\xff", b"\x08\x03\x12\x05other", b"\x1a\x7f"],
    ids=["empty", "garbage", "another status", "cut"],
)
@BOTH_SERVICES
def test_details_that_are_damaged_or_contradict_leave_the_status_alone(
    api: Api, server: Loopback, details: bytes
) -> None:
    server.on(
        RPC, Fail("NOT_FOUND", "gone", trailers=(("grpc-status-details-bin", details), ("x-more", "1")))
    )
    with pytest.raises(errors.NotFound) as caught:
        generate(api)
    assert caught.value.message == "gone"
    assert caught.value.details == []
    assert ("x-more", "1") in caught.value.trailing_metadata


@BOTH_SERVICES
def test_all_details_are_decoded(api: Api, server: Loopback) -> None:
    e = error_details_pb2
    sent = (
        retry_info(7.5),
        e.QuotaFailure(violations=[{"subject": "project:1", "description": "per minute"}]),
        e.BadRequest(field_violations=[{"field": "contents", "description": "empty"}]),
        e.ErrorInfo(reason="API_KEY_INVALID", domain="googleapis.com", metadata={"service": "s"}),
        e.Help(links=[{"description": "docs", "url": "https://example.test"}]),
        e.LocalizedMessage(locale="de", message="nein"),
    )
    unknown = v1beta.Model(name="models/m")
    server.on(RPC, Fail("PERMISSION_DENIED", details=(*sent, unknown)))
    with pytest.raises(errors.PermissionDenied) as caught:
        generate(api)
    error = caught.value
    assert error.details[:-1] == list(sent)
    last = error.details[-1]
    assert isinstance(last, AnyMessage)
    assert last.type_url.endswith("v1beta.Model")
    assert (error.reason, error.domain, error.retry_delay) == ("API_KEY_INVALID", "googleapis.com", 7.5)
    assert "aistudio.google.com" in error.hint
    assert (error.code, error.status, error.grpc_status_code) == (
        403,
        "PERMISSION_DENIED",
        grpc.StatusCode.PERMISSION_DENIED,
    )


@pytest.mark.parametrize("code", [c.name for c in grpc.StatusCode if c is not grpc.StatusCode.OK])
@BOTH_SERVICES
def test_every_status_has_its_class(api: Api, server: Loopback, code: str) -> None:
    server.on(RPC, Fail(code, "why"))
    kind = errors.BY_STATUS[code]
    with pytest.raises(kind) as caught:
        generate(api, retry=None)
    assert type(caught.value) is kind
    assert (caught.value.message, caught.value.status) == ("why", code)


@BOTH_SERVICES
def test_hints_name_the_way_out(api: Api, server: Loopback) -> None:
    server.on(RPC, [1.0, ANSWER])
    with pytest.raises(errors.DeadlineExceeded, match="Raise `timeout`"):
        generate(api, timeout=0.1)
    server.on(RPC, Fail("UNAUTHENTICATED", "who"))
    with pytest.raises(errors.Unauthenticated, match="Check the API key"):
        generate(api)
    server.on(RPC, Fail("UNIMPLEMENTED", "Received http2 header with status: 404"))
    with pytest.raises(errors.Unimplemented, match="check api_endpoint"):
        generate(api)
