"""Protection of the control API: requests that foreign pages can make a browser send are rejected."""

from __future__ import annotations

import http.client
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


def preflight(ask: Http, path: str, origin: str, headers: str = "") -> tuple[int, str | None]:
    """What a browser asks before it sends a request from a page: the status, and the allowed origin."""
    connection = http.client.HTTPConnection(ask.host, timeout=20)
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    if headers:
        asked["Access-Control-Request-Headers"] = headers
    connection.request("OPTIONS", path, headers=asked)
    response = connection.getresponse()
    connection.close()
    return response.status, response.headers["access-control-allow-origin"]


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://[", "x" * 999]
)
def test_foreign_pages_send_no_control_headers(ask: Http, gemini: RunningEmulator, origin: str) -> None:
    path = "/v1beta/models/gemini-2.5-flash"
    fault = '{"status": "ABORTED", "times": 0}'
    for verb, where, body in (
        ("GET", path, None),
        ("POST", f"{path}:countTokens", {"contents": [{"parts": [{"text": "x"}]}]}),
        ("POST", "/upload/v1beta/files", {}),
    ):
        error = ask.error(verb, where, body, Origin=origin, X_Emulator_Fault=fault)
        assert (error["status"], "origin" in error["message"]) == ("PERMISSION_DENIED", True)
        # Without it, the API is open to every page.
        assert ask(verb, where, body, Origin=origin)[0] in {200, 400}
        assert preflight(ask, where, origin, "content-type, x-goog-api-key") == (200, "*")
        for header in ("x-emulator-fault", "X-Emulator-Pace", "accept, x-emulator-anything"):
            assert preflight(ask, where, origin, header) == (403, None)
    assert not [entry for entry in gemini.calls() if entry.status == "ABORTED"]


def test_foreign_pages_may_not_ask_for_control_paths(ask: Http) -> None:
    for path in ("/emulator/faults", "/emulator/reset", "/emulator"):
        for headers in ("", "content-type"):
            assert preflight(ask, path, "http://evil.example", headers) == (403, None)


def test_programs_and_the_page_itself_send_control_headers(ask: Http, gemini: RunningEmulator) -> None:
    path = "/v1beta/models/gemini-2.5-flash"
    fault: dict[str, Any] = {"X_Emulator_Fault": '{"status": "ABORTED", "times": 0}'}
    allowed: tuple[dict[str, Any], ...] = ({}, {"Origin": gemini.http}, {"Host": "alias.internal"})
    for headers in allowed:
        assert ask.error("GET", path, **fault, **headers)["status"] == "ABORTED"
    # Another name of this machine that a page was loaded by: DNS rebinding.
    rebound: dict[str, Any] = {"Host": "evil.example", "Origin": "http://evil.example"}
    assert ask.error("GET", path, **fault, **rebound)["status"] == "PERMISSION_DENIED"
