"""Pauses of the retry policy: random, and never beyond a limit of time."""

from __future__ import annotations

import pytest

from gemwire import errors
from gemwire._transport.retry import PUSHBACK, RetryPolicy
from gemwire_proto.google.rpc import error_details_pb2

UNAVAILABLE = errors.Unavailable("no")


def delays(
    policy: RetryPolicy,
    error: errors.APIError = UNAVAILABLE,
    *,
    elapsed: float = 0.0,
    remaining: float | None = None,
    attempt: int = 5,
) -> list[float]:
    """Return what 200 draws give, without those that give up."""
    drawn = (policy.next_delay(error, attempt, elapsed, remaining) for _ in range(200))
    return [delay for delay in drawn if delay is not None]


def policy(max_elapsed: float | None = None, max_attempts: int | None = None) -> RetryPolicy:
    return RetryPolicy(lambda error: True, max_attempts, 1.0, 8.0, 2.0, max_elapsed)


def test_no_attempt_begins_after_the_timeout_of_a_google_retry() -> None:
    found = delays(policy(max_elapsed=10.0), elapsed=6.0)
    assert found, "some pauses fit"
    assert len(found) < 200, "some do not"
    assert max(found) <= 4.0
    assert not delays(policy(max_elapsed=10.0), elapsed=10.001)


def test_no_attempt_begins_after_the_deadline() -> None:
    found = delays(policy(), remaining=3.0)
    assert found
    assert len(found) < 200
    assert max(found) < 3.0
    assert not delays(policy(), remaining=0.0)


def test_pauses_grow_to_the_maximum() -> None:
    for attempt, bound in ((1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (9, 8.0), (10_000, 8.0)):
        found = delays(policy(), attempt=attempt)
        assert len(found) == 200
        assert bound * 0.8 < max(found) <= bound
        assert min(found) < bound * 0.2


@pytest.mark.parametrize("how", ["RetryInfo", "pushback"])
def test_a_server_is_not_asked_before_it_said(how: str) -> None:
    info = error_details_pb2.RetryInfo(retry_delay={"seconds": 20})
    asked = (
        errors.Unavailable("no", details=[info])
        if how == "RetryInfo"
        else errors.Unavailable("no", trailing_metadata=[(PUSHBACK, "20000")])
    )
    found = delays(policy(), asked)
    assert len(found) == 200
    assert 20.0 <= min(found) < max(found) <= 22.0
    assert not delays(policy(), asked, remaining=20.0)
    assert not delays(policy(max_elapsed=19.0), asked)


def test_attempts_are_counted() -> None:
    assert delays(policy(max_attempts=2), attempt=1)
    assert not delays(policy(max_attempts=2), attempt=2)
