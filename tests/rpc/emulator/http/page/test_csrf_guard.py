"""Protection of the control API: requests that foreign pages can make a browser send are rejected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from json_http import Http, Json

from gemwire.testing import RunningEmulator, emulator

FAULT = {"status": "UNAVAILABLE", "times": 0}


@pytest.fixture(scope="module")
def gemini() -> Iterator[RunningEmulator]:
    with emulator(http_port=0) as made:
        yield made


@pytest.fixture
def ask(gemini: RunningEmulator) -> Http:
    gemini.reset()
    return Http(gemini.http)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Host": "evil.example"},
        {"Host": "evil.example:80"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "[x"},
        {"Host": ""},
    ],
)
@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("GET", "/emulator/calls", None),
        ("GET", "/emulator/events", None),
        ("POST", "/emulator/faults", FAULT),
        ("DELETE", "/emulator/calls", None),
        ("PUT", "/emulator/quota", {"requests_per_minute": 1}),
    ],
)
def test_foreign_pages_are_rejected(
    ask: Http, verb: str, path: str, body: Json, headers: dict[str, Any]
) -> None:
    status, answer = ask(verb, path, body, **headers)
    assert (status, answer["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert ask.ok("GET", "/emulator/faults")["faults"] == []
    assert ask.ok("GET", "/emulator/quota")["requests_per_minute"] == 0


def test_the_page_and_local_programs_are_allowed(ask: Http, gemini: RunningEmulator) -> None:
    port = gemini.http.rpartition(":")[2]
    allowed: tuple[dict[str, Any], ...] = (
        {},
        {"Origin": gemini.http, "Sec_Fetch_Site": "same-origin"},
        {"Host": f"localhost:{port}", "Origin": f"http://localhost:{port}"},
        {"Host": "[::1]:1234"},
        {"Sec_Fetch_Site": "none"},
    )
    for headers in allowed:
        assert ask("GET", "/emulator/calls", **headers)[0] == 200


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_content_types_of_forms_are_rejected(ask: Http, content_type: str) -> None:
    # What needs no permission to be sent from anywhere.
    for path in ("/emulator/faults", "/emulator/reset"):
        assert ask.error("POST", path, FAULT, content_type=content_type)["code"] == 415
    assert ask.ok("GET", "/emulator/faults")["faults"] == []


def test_invalid_bodies_and_verbs(ask: Http) -> None:
    json = {"content_type": "application/json"}
    assert ask.error("POST", "/emulator/faults", raw=b"{", **json)["status"] == "INVALID_ARGUMENT"
    assert ask.error("POST", "/emulator/faults", raw=b"[" * 100_000, **json)["status"] == "INVALID_ARGUMENT"
    assert ask.error("POST", "/emulator/faults", raw=b"\xff", **json)["status"] == "INVALID_ARGUMENT"
    for number in (b"NaN", b"1e999", b"-Infinity"):
        fault = b'{"delay": %s}' % number
        assert ask.error("POST", "/emulator/faults", raw=fault, **json)["status"] == "INVALID_ARGUMENT"
    assert ask.error("POST", "/emulator/faults", raw=b"1" * (2**20 + 1), **json)["code"] == 413
    assert ask.error("PATCH", "/emulator/quota", raw=b"{}", **json)["code"] == 405
    assert ask.headers["allow"] == "GET, PUT"
    assert ask.error("GET", "/emulator/nothing")["code"] == 404


def test_responses_are_not_cached_or_sniffed(ask: Http) -> None:
    ask.ok("GET", "/emulator/calls")
    assert ask.headers["cache-control"] == "no-store"
    assert ask.headers["x-content-type-options"] == "nosniff"


def test_exposed_emulator_accepts_any_host_but_no_foreign_pages() -> None:
    with emulator(host="0.0.0.0", http_port=0) as gemini:
        ask = Http(gemini.http.replace("0.0.0.0", "127.0.0.1"))
        assert ask("GET", "/emulator/calls", Host="build-box:8080")[0] == 200
        assert ask("GET", "/emulator/calls", Host="build-box:8080", Origin="http://evil.example")[0] == 403
