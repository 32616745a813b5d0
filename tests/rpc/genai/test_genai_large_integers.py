"""Whole numbers beyond 2**53, which JSON carries and a double rounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from scripted_grpc_server import Api, Loopback
from scripted_http_server import WebServer, reply, stream

from gemwire import v1beta
from gemwire.genai import types

MODEL = "gemini-2.5-flash"
ODD = 2**53 + 1
HUGE = 123456789012345678901234567890
ARGS = {"id": ODD, "nested": {"list": [-ODD, 1, 0.5, HUGE, "a", None, True]}, "even": 2**60}


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    made = WebServer()
    yield made
    made.stop()


def call(name: str, args: Any) -> dict[str, Any]:
    part = {"functionCall": {"name": name, "args": args}}
    return {"candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}]}


SAID = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Done."}]}, "finishReason": "STOP"}]}


def over_http(api: Api, web: WebServer) -> Any:
    return api.genai(http_options={"base_url": f"http://{web.address}"})


def test_arguments_of_a_model(api: Api, web: WebServer) -> None:
    web.on(reply(call("look_up", ARGS)))
    response = api(over_http(api, web).models.generate_content(model=MODEL, contents="a"))
    (found,) = response.function_calls
    assert found.args == ARGS
    assert [type(one) for one in (found.args["id"], found.args["even"])] == [int, int]
    dumped = response.model_dump(mode="json", exclude_none=True)
    assert dumped["candidates"][0]["content"]["parts"][0]["function_call"]["args"] == ARGS
    web.on(stream(call("look_up", ARGS)))
    (chunk,) = api.list(api(over_http(api, web).models.generate_content_stream(model=MODEL, contents="a")))
    assert chunk.function_calls[0].args == ARGS


def test_functions_get_them_and_answer_with_them(api: Api, web: WebServer) -> None:
    seen = []

    def look_up(id: int) -> dict[str, int]:  # noqa: A002
        """Look up a record."""
        seen.append(id)
        return {"next": id + 2}

    web.on(reply(call("look_up", {"id": ODD})), reply(SAID))
    models = over_http(api, web).models
    assert (
        api(models.generate_content(model=MODEL, contents="a", config={"tools": [look_up]})).text == "Done."
    )
    assert seen == [ODD]
    _, asked, answered = web.requests[1].json["contents"]
    assert asked["parts"][0]["functionCall"]["args"] == {"id": ODD}
    assert answered["parts"][0]["functionResponse"]["response"] == {"result": {"next": ODD + 2}}


def test_what_a_program_sends_goes_over_http(
    api: Api, server: Loopback, web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", web.address)
    web.on(reply(SAID))
    part = types.Part.from_function_response(name="look_up", response=ARGS)
    assert part.function_response
    assert part.function_response.response == ARGS
    models = api.genai().models
    assert api(models.generate_content(model=MODEL, contents=[part])).text == "Done."
    (request,) = web.requests
    assert request.json["contents"][0]["parts"][0]["functionResponse"]["response"] == ARGS
    # A double holds these, so that gRPC does.
    exact = types.Part.from_function_response(name="look_up", response={"even": 2**60, "small": 2**53 - 1})
    api(models.generate_content(model=MODEL, contents=[exact]))
    (sent,) = server.calls("GenerateContent")
    response = sent.request.contents[0].parts[0].function_response.response
    assert {key: value.number_value for key, value in response.fields.items()} == {
        "even": 2.0**60,
        "small": 2.0**53 - 1,
    }


def test_over_grpc_alone_they_are_refused(api: Api, server: Loopback) -> None:
    part = types.Part.from_function_response(name="look_up", response={"ids": [ODD]})
    where = r"contents\[0\].parts\[0\].function_response.response.fields\['ids'\].*not available over gRPC"
    with pytest.raises(ValueError, match=where):
        api(api.genai(transport="grpc").models.generate_content(model=MODEL, contents=[part]))
    assert not server.journal


def test_in_a_request_that_is_too_large_to_be_searched(
    api: Api, server: Loopback, web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", web.address)
    web.on(reply(SAID))
    part = types.Part.from_function_response(name="look_up", response={"id": ODD})
    picture = types.Part.from_bytes(data=b"\xff" * 200_000, mime_type="image/png")
    api(api.genai().models.generate_content(model=MODEL, contents=[picture, part]))
    assert web.requests[0].json["contents"][0]["parts"][1]["functionResponse"]["response"] == {"id": ODD}
    assert not server.journal


def test_changes_are_kept(api: Api) -> None:
    found = types.FunctionCall(name="look_up", args={"id": 1})
    assert found.args is not None
    found.args["id"] = ODD
    found.args["list"] = [ODD]
    assert types.FunctionCall.of(v1beta.FunctionCall.FromString(found._pb.SerializeToString())).args == {
        "id": ODD,
        "list": [ODD],
    }
    found.args["id"] = 2
    assert found.args["id"] == 2
    with pytest.raises(ValueError, match="the number is too large"):
        found.args["id"] = 10**400
