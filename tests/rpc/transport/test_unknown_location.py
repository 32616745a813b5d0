"""A location that has the form of one and does not exist: the error says what to try."""

from __future__ import annotations

import asyncio

import pytest

from gemwire import ClientOptions, Retry, aiplatform_v1, errors
from gemwire._transport.locations import describe_unknown

_TRANSPORTS = ("grpc", "rest", "h2")
#: No name server knows any host of this universe.
_UNIVERSE = "-unknown-.invalid"
_MODEL = "projects/p/locations/us-centrl1/publishers/google/models/m"
_ONCE = Retry(max_attempts=1)


def _options(location: str) -> ClientOptions:
    return ClientOptions(api_key="k3y", location=location, universe_domain=_UNIVERSE)


def _fail(transport: str, location: str) -> errors.APIError:
    with (
        aiplatform_v1.PredictionServiceClient(
            transport=transport, client_options=_options(location)
        ) as client,
        pytest.raises(errors.Unavailable) as caught,
    ):
        client.generate_content(model=_MODEL, contents=[], retry=_ONCE)
    return caught.value


async def _fail_async(transport: str, location: str) -> errors.APIError:
    async with aiplatform_v1.PredictionServiceAsyncClient(
        transport=f"{transport}_asyncio", client_options=_options(location)
    ) as client:
        with pytest.raises(errors.Unavailable) as caught:
            await client.generate_content(model=_MODEL, contents=[], retry=_ONCE)
    return caught.value


@pytest.mark.parametrize("transport", _TRANSPORTS)
@pytest.mark.parametrize("flavour", ["sync", "async"])
def test_the_error_names_host_location_and_near_ones(
    transport: str, flavour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GEMINI_EMULATOR_HOST", "GEMINI_EMULATOR_HTTP_HOST"):
        monkeypatch.delenv(name, raising=False)
    location = "us-centrl1"
    error = (
        asyncio.run(_fail_async(transport, location)) if flavour == "async" else _fail(transport, location)
    )
    assert f"there is no host 'us-centrl1-aiplatform.{_UNIVERSE}'" in error.message
    assert error.hint.startswith("The location 'us-centrl1' is not known; near it: 'us-central1'")
    assert error.hint in str(error)


def test_a_known_location_is_not_to_blame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEMINI_EMULATOR_HOST", raising=False)
    error = _fail("grpc", "us-central1")
    assert "there is no host 'us-central1-aiplatform." in error.message
    assert error.hint == "Check api_endpoint, and the DNS of this network."


@pytest.mark.parametrize(
    ("host", "near"),
    [
        ("europe-west5-aiplatform.googleapis.com", "'europe-west"),
        ("asia-aiplatform.mtls.googleapis.com", "'asia-"),
        ("zz-aiplatform.googleapis.com", "'us-central1', 'global'"),
    ],
)
def test_near_ones(host: str, near: str) -> None:
    assert f"near it: {near}" in describe_unknown(host)


@pytest.mark.parametrize(
    "host",
    [
        "aiplatform.googleapis.com",
        "aiplatform.eu.rep.googleapis.com",
        "us-east4-aiplatform.googleapis.com",
        "x.y",
    ],
)
def test_hosts_of_known_locations_and_of_none(host: str) -> None:
    assert not describe_unknown(host)
