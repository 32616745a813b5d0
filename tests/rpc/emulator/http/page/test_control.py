"""The control API: calls, faults, quota, pace, clock and reset."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from json_http import Http, Json

from gemwire import errors, v1beta
from gemwire.testing import RunningEmulator, emulator

MODEL = "models/gemini-2.5-flash"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningEmulator]:
    with emulator(seed=7, http_port=0) as made:
        yield made


@pytest.fixture
def gemini(running: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> RunningEmulator:
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", running.address)
    running.reset()
    return running


@pytest.fixture
def ask(gemini: RunningEmulator) -> Http:
    return Http(gemini.http)


@pytest.fixture
def client(gemini: RunningEmulator) -> Iterator[v1beta.GenerativeServiceClient]:
    with v1beta.GenerativeServiceClient() as made:
        yield made


def contents(text: str = "one two three") -> list[Json]:
    return [{"role": "user", "parts": [{"text": text}]}]


def count(client: v1beta.GenerativeServiceClient) -> str:
    """Return the outcome of a call."""
    try:
        client.count_tokens(model=MODEL, contents=contents(), retry=None)
    except errors.GemwireError as error:
        return type(error).__name__
    return "OK"


# What was asked -------------------------------------------------------------------------------------


def test_calls_are_listed_latest_first_in_pages(ask: Http, client: v1beta.GenerativeServiceClient) -> None:
    for number in range(5):
        client.count_tokens(model=MODEL, contents=contents(f"call {number}"))
    first = ask.ok("GET", "/emulator/calls?limit=2")
    assert [call["text"] for call in first["calls"]] == ["call 4", "call 3"]
    assert first["total"] == 5
    second = ask.ok("GET", f"/emulator/calls?limit=3&before={first['before']}")
    assert [call["text"] for call in second["calls"]] == ["call 2", "call 1", "call 0"]
    assert "before" not in second
    newest = first["calls"][0]
    assert newest["method"].endswith("v1beta.GenerativeService/CountTokens")
    assert (newest["model"], newest["front"], newest["status"]) == (MODEL, "grpc", "OK")
    assert newest["tokens"] == {"prompt": 2, "output": None}
    assert newest["elapsed"] > 0
    later = ask.ok("GET", f"/emulator/calls?after={newest['number'] - 1}")["calls"]
    assert [call["number"] for call in later] == [newest["number"]]


def test_calls_are_filtered(
    ask: Http, client: v1beta.GenerativeServiceClient, gemini: RunningEmulator
) -> None:
    client.count_tokens(model=MODEL, contents=contents("Alpha"))
    client.generate_content(model="models/gemini-2.5-pro", contents=contents("beta"))
    gemini.fail("NOT_FOUND")
    assert count(client) == "NotFound"
    ask.ok("POST", f"/v1beta/{MODEL}:countTokens", {"contents": contents("gamma")})

    def found(query: str) -> list[str]:
        return [call["text"] for call in ask.ok("GET", f"/emulator/calls?{query}")["calls"]]

    assert found("text=ALPHA") == ["Alpha"]
    assert found("text=2.5-pro") == ["beta"]
    assert found("method=generatecontent") == ["beta"]
    assert found("front=http") == ["gamma"]
    assert found("status=NOT_FOUND") == found("status=failed") == ["one two three"]
    assert found("status=OK") == ["gamma", "beta", "Alpha"]
    assert found("status=running") == []
    assert ask.error("GET", "/emulator/calls?limit=many")["status"] == "INVALID_ARGUMENT"
    assert ask.error("GET", "/emulator/calls?limit=1001")["status"] == "INVALID_ARGUMENT"


def test_call_details(ask: Http, client: v1beta.GenerativeServiceClient, gemini: RunningEmulator) -> None:
    gemini.reply("One. Two. Three.", pieces=3)
    assert len(list(client.stream_generate_content(model=MODEL, contents=contents()))) == 3
    number = ask.ok("GET", "/emulator/calls")["calls"][0]["number"]
    call = ask.ok("GET", f"/emulator/calls/{number}")
    assert call["requests"] == [{"model": MODEL, "contents": contents()}]
    assert len(call["responses"]) == len(call["times"]) == call["messages"] == 3
    assert call["times"] == sorted(call["times"])
    assert call["responses"][0]["candidates"][0]["content"]["parts"][0]["text"].startswith("One")
    assert call["metadata"]["x-goog-api-client"].startswith("gl-python/")
    assert call["metadata"]["user-agent"].startswith("grpc-python/")
    assert ask.error("GET", "/emulator/calls/999999")["status"] == "NOT_FOUND"


def test_error_details(ask: Http, client: v1beta.GenerativeServiceClient) -> None:
    ask.ok("POST", "/emulator/faults", {"status": "RESOURCE_EXHAUSTED", "retry_delay": 1.5})
    assert count(client) == "ResourceExhausted"
    number = ask.ok("GET", "/emulator/calls")["calls"][0]["number"]
    error = ask.ok("GET", f"/emulator/calls/{number}")["error"]
    assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert error["details"] == [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.500s"}]


def test_elision_of_long_bytes_and_vectors(ask: Http, client: v1beta.GenerativeServiceClient) -> None:
    picture = bytes(5000)
    parts = [{"inline_data": {"mime_type": "image/png", "data": picture}}, {"text": "What is it?"}]
    client.generate_content(model=MODEL, contents=[{"parts": parts}])
    client.embed_content(model="models/text-embedding-004", content={"parts": [{"text": "a"}]})
    embedded, generated = (call["number"] for call in ask.ok("GET", "/emulator/calls")["calls"])

    def data(query: str) -> str:
        call = ask.ok("GET", f"/emulator/calls/{generated}{query}")
        shown: str = call["requests"][0]["contents"][0]["parts"][0]["inlineData"]["data"]
        return shown

    assert data("?elide=true") == "‹5,000 bytes of image/png›"
    assert base64.b64decode(data("")) == picture
    values = ask.ok("GET", f"/emulator/calls/{embedded}?elide=true")["responses"][0]["embedding"]["values"]
    assert len(values) == 33
    assert values[-1].endswith(" more›")


def test_curl_commands(ask: Http, client: v1beta.GenerativeServiceClient, gemini: RunningEmulator) -> None:
    def latest() -> str:
        number = ask.ok("GET", "/emulator/calls")["calls"][0]["number"]
        command: str = ask.ok("GET", f"/emulator/calls/{number}/curl")["curl"]
        return command.replace(gemini.http, "H")

    list(client.stream_generate_content(model=MODEL, contents=contents("It's")))
    body = """{"contents": [{"parts": [{"text": "It'"'"'s"}], "role": "user"}]}"""
    assert latest().split(" \\\n  ") == [
        f"curl -sS -N 'H/v1beta/{MODEL}:streamGenerateContent?alt=sse'",
        "-H 'content-type: application/json'",
        f"-d '{body}'",
    ]
    with v1beta.ModelServiceClient() as models:
        models.get_model(name=MODEL)
        assert latest() == f"curl -sS H/v1beta/{MODEL}"
        models.list_models(page_size=2)
        assert latest() == "curl -sS 'H/v1beta/models?pageSize=2'"
    with v1beta.CacheServiceClient() as caches:
        kept = caches.create_cached_content(
            cached_content={"model": MODEL, "contents": contents("word " * 5000), "ttl": {"seconds": 60}}
        )
        caches.update_cached_content(
            cached_content={"name": kept.name, "ttl": {"seconds": 90}}, update_mask={"paths": ["ttl"]}
        )
    assert latest().split(" \\\n  ") == [
        f"curl -sS -X PATCH 'H/v1beta/{kept.name}?updateMask=ttl'",
        "-H 'content-type: application/json'",
        """-d '{"ttl": "90s"}'""",
    ]


def test_calls_are_cleared(ask: Http, client: v1beta.GenerativeServiceClient) -> None:
    assert count(client) == "OK"
    ask.ok("DELETE", "/emulator/calls")
    assert ask.ok("GET", "/emulator/calls") == {"calls": [], "total": 0}


# Secrets --------------------------------------------------------------------------------------------


def test_secrets_are_redacted(ask: Http, gemini: RunningEmulator) -> None:
    secret = "hushhush"
    body = {"contents": contents()}
    path = f"/v1beta/{MODEL}:countTokens"
    identified: tuple[dict[str, Any], ...] = (
        {"X-Goog-Api-Key": secret},
        {"x_goog_api_key": secret},
        {"AUTHORIZATION": f"Bearer {secret}"},
        {"Cookie": f"sid={secret}"},
        {"proxy_authorization": secret},
        {"x_goog_iam_authorization_token": secret},
        {"Referer": f"http://127.0.0.1/app?key={secret}&x=1"},
    )
    for headers in identified:
        assert ask("POST", path, body, **headers)[0] == 200
    for query in (f"key={secret}", f"access_token={secret}", f"oauth_token={secret}"):
        assert ask("POST", f"{path}?{query}", body)[0] == 200
    with v1beta.GenerativeServiceClient() as client:
        pairs: list[tuple[str, str | bytes]] = [
            ("x-access-token", secret),
            ("x-goog-api-key", secret),
            ("x-token-bin", secret.encode()),
        ]
        client.count_tokens(model=MODEL, contents=contents(), metadata=pairs)
    calls = ask.ok("GET", "/emulator/calls")
    assert len(calls["calls"]) == 11
    shown = json.dumps(calls)
    for call in calls["calls"]:
        shown += json.dumps(ask.ok("GET", f"/emulator/calls/{call['number']}"))
        shown += ask.ok("GET", f"/emulator/calls/{call['number']}/curl")["curl"]
    assert secret not in shown
    assert "$GEMINI_API_KEY" in shown


# Switches -------------------------------------------------------------------------------------------


def test_faults_are_added_and_removed(ask: Http, client: v1beta.GenerativeServiceClient) -> None:
    (fault,) = ask.ok("POST", "/emulator/faults", {"status": "UNAVAILABLE", "times": 0})["faults"]
    assert fault["rule"] == {"status": "UNAVAILABLE", "times": 0}
    assert count(client) == "Unavailable"
    (listed,) = ask.ok("GET", "/emulator/faults")["faults"]
    assert (listed["number"], listed["seen"], listed["over"]) == (fault["number"], 1, False)
    ask.ok("DELETE", f"/emulator/faults/{fault['number']}")
    assert count(client) == "OK"
    assert ask.error("DELETE", f"/emulator/faults/{fault['number']}")["status"] == "NOT_FOUND"


def test_several_faults_at_once_keep_their_numbers(ask: Http, client: v1beta.GenerativeServiceClient) -> None:
    one, two = ask.ok("POST", "/emulator/faults", [{"status": "INTERNAL"}, {"status": "ABORTED", "nth": 2}])[
        "faults"
    ]
    ask.ok("DELETE", f"/emulator/faults/{one['number']}")
    assert [fault["number"] for fault in ask.ok("GET", "/emulator/faults")["faults"]] == [two["number"]]
    assert [count(client) for _ in range(3)] == ["OK", "Aborted", "OK"]
    assert ask.ok("GET", "/emulator/faults")["faults"][0]["over"] is True
    ask.ok("DELETE", "/emulator/faults")
    assert ask.ok("GET", "/emulator/faults")["faults"] == []


def test_fields_of_a_fault_are_described(ask: Http) -> None:
    fields = {field["name"]: field for field in ask.ok("GET", "/emulator/faults")["fields"]}
    assert fields["after_messages"]["type"] == "integer"
    assert fields["disconnect"] == {"name": "disconnect", "type": "boolean", "default": False}
    assert "UNAVAILABLE" in fields["status"]["choices"]
    assert "seen" not in fields


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"status": "OFTEN"}, "'OFTEN' is not a status code"),
        ({"statuss": "INTERNAL"}, "unknown field statuss; a fault has"),
        ({"method": "("}, "is not a regular expression"),
        ({"nth": 0}, "nth: 0 is not a number of at least 1"),
        ({"status": ["INTERNAL"]}, ""),
        ({"method": "((a{99}){99}){99}"}, "is not a regular expression"),
        ({"method": "(?=a)"}, "is not a regular expression"),
        ({"delay": 1e300}, "delay: 1e+300 is not a number"),
        ("INTERNAL", "a fault must be a JSON object"),
        ([{"status": "INTERNAL"}, None], "a fault must be a JSON object"),
    ],
)
def test_invalid_faults_are_rejected(ask: Http, body: Json, says: str) -> None:
    error = ask.error("POST", "/emulator/faults", body)
    assert error["status"] == "INVALID_ARGUMENT"
    assert says in error["message"]
    assert ask.ok("GET", "/emulator/faults")["faults"] == []


def test_quota_takes_effect_at_once(ask: Http, client: v1beta.GenerativeServiceClient) -> None:
    assert ask.ok("PUT", "/emulator/quota", {"requests_per_minute": 1})["tokens_per_minute"] == 0
    assert [count(client) for _ in range(2)] == ["OK", "ResourceExhausted"]
    ask.ok("POST", "/emulator/clock", {"advance": 61})
    assert count(client) == "OK"
    ask.ok("PUT", "/emulator/quota", {"requests_per_minute": 0})
    assert [count(client) for _ in range(3)] == ["OK"] * 3
    for wrong in ({"requests_per_minute": -1}, {"rpm": 1}, {"tokens_per_minute": True}, [1]):
        assert ask.error("PUT", "/emulator/quota", wrong)["status"] == "INVALID_ARGUMENT"


def test_pace_takes_effect_at_once(ask: Http, client: v1beta.GenerativeServiceClient) -> None:
    ask.ok("PUT", "/emulator/pace", {"latency": 0.2})
    began = time.monotonic()
    assert count(client) == "OK"
    assert time.monotonic() - began >= 0.2
    profile = ask.ok("PUT", "/emulator/pace", "typical")["pace"]
    assert ask.ok("GET", "/emulator/pace")["pace"] == profile
    assert profile == ask.ok("GET", "/emulator/pace")["profiles"]["typical"]
    for wrong in ({"latency": -1}, {"speed": 1}, "hasty", 7):
        assert ask.error("PUT", "/emulator/pace", wrong)["status"] == "INVALID_ARGUMENT"


def test_clock_is_advanced(ask: Http) -> None:
    before = ask.ok("GET", "/emulator/clock")["now"]
    after = ask.ok("POST", "/emulator/clock", {"advance": 86400 * 400})["now"]
    assert int(after[:4]) > int(before[:4])
    for wrong in (
        {"advance": -1},
        {"advance": 1e300},
        {"advance": "1"},
        {"advance": 1, "to": 2},
        {},
        None,
        5,
    ):
        raw = json.dumps(wrong).encode()
        error = ask.error("POST", "/emulator/clock", raw=raw, content_type="application/json")
        assert error["status"] == "INVALID_ARGUMENT"


def test_reset(ask: Http, client: v1beta.GenerativeServiceClient) -> None:
    ask.ok("POST", "/emulator/faults", {"status": "INTERNAL", "times": 0})
    ask.ok("PUT", "/emulator/quota", {"requests_per_minute": 1})
    assert count(client) == "Internal"
    ask.ok("POST", "/emulator/reset", {})
    assert ask.ok("GET", "/emulator/calls")["total"] == 0
    assert [count(client) for _ in range(2)] == ["OK", "OK"]
