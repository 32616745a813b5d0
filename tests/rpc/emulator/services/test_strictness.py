"""What the service refuses although its messages could hold it, with the words of the service; over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from json_http import Http, Json

from gemwire.testing import RunningEmulator, emulator

_FLASH, _TTS = "gemini-2.5-flash", "gemini-2.5-flash-preview-tts"
_SEARCH_AND_FUNCTION = [{"googleSearch": {}}, {"functionDeclarations": [{"name": "f"}]}]
_SPEECH = {
    "voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Leda"}},
    "multiSpeakerVoiceConfig": {"speakerVoiceConfigs": []},
}


@pytest.fixture(scope="module")
def gemini() -> Iterator[RunningEmulator]:
    with emulator(http_port=0) as running:
        yield running


def _say(*parts: Json, **more: Json) -> Json:
    return {"contents": [{"parts": [{"text": "What is this?"}, *parts]}], **more}


def _refer(uri: str) -> Json:
    return {"fileData": {"fileUri": uri, "mimeType": "image/png"}}


@pytest.mark.parametrize(
    ("model", "body", "said"),
    [
        (_FLASH, _say(_refer("gs://bucket/a.png")), "Invalid or unsupported file uri: gs://bucket/a.png"),
        (
            _FLASH,
            _say(_refer("https://example.com/a.png")),
            "unsupported file uri: https://example.com/a.png",
        ),
        (_FLASH, _say({"inlineData": {"mimeType": "image/png"}}), "parts[1].inline_data.data"),
        (_FLASH, _say(generationConfig={"logprobs": 0}), "only if response_logprobs is true"),
        (
            _FLASH,
            _say(generationConfig={"logprobs": 1, "responseLogprobs": True}),
            "Logprobs is not enabled for models/gemini-2.5-flash",
        ),
        (
            "gemini-2.5-flash-preview-tts",
            _say(generationConfig={"speechConfig": _SPEECH}),
            "mutually exclusive",
        ),
        (
            _FLASH,
            _say(
                generationConfig={
                    "responseMimeType": "text/x.enum",
                    "responseSchema": {"type": "ARRAY", "items": {"type": "STRING", "enum": ["a"]}},
                }
            ),
            "must be an enum",
        ),
        (_FLASH, _say(tools=_SEARCH_AND_FUNCTION), "cannot be combined"),
        ("gemini-3.5-flash", _say(tools=_SEARCH_AND_FUNCTION), "include_server_side_tool_invocations"),
    ],
)
def test_prompts_that_are_refused(gemini: RunningEmulator, model: str, body: Json, said: str) -> None:
    error = Http(gemini.http).error("POST", f"/v1beta/models/{model}:generateContent", body)
    assert (error["status"], said in error["message"]) == ("INVALID_ARGUMENT", True), error


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (_FLASH, _say(_refer("https://www.youtube.com/watch?v=x"))),
        (_FLASH, _say(_refer("https://youtu.be/x"))),
        ("gemini-2.0-flash", _say(generationConfig={"logprobs": 1, "responseLogprobs": True})),
        (
            "gemini-3.5-flash",
            _say(tools=_SEARCH_AND_FUNCTION, toolConfig={"includeServerSideToolInvocations": True}),
        ),
    ],
)
def test_what_the_service_takes(gemini: RunningEmulator, model: str, body: Json) -> None:
    Http(gemini.http).ok("POST", f"/v1beta/models/{model}:generateContent", body)


def test_caches_refuse_foreign_files_and_models(gemini: RunningEmulator) -> None:
    http = Http(gemini.http)
    cached = {"model": f"models/{_FLASH}", **_say(_refer("gs://bucket/a.pdf"))}
    error = http.error("POST", "/v1beta/cachedContents", cached)
    assert (error["status"], "gs://bucket/a.pdf" in error["message"]) == ("INVALID_ARGUMENT", True)
    cached = {"model": f"models/publishers/google/models/{_FLASH}", **_say()}
    assert http.error("POST", "/v1beta/cachedContents", cached)["code"] == 404


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("files/none", "You do not have permission to access the File none or it may not exist."),
        ("cachedContents/none", "CachedContent not found (or permission denied)"),
        (
            "fileSearchStores/none",
            "You do not have permission to access the FileSearchStore none or it may not exist.",
        ),
    ],
)
def test_resources_that_are_foreign_or_missing(gemini: RunningEmulator, name: str, said: str) -> None:
    error = Http(gemini.http).error("GET", f"/v1beta/{name}")
    assert (error["code"], error["status"], error["message"]) == (403, "PERMISSION_DENIED", said)


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/v1beta/nothing"),
        ("GET", "/v9/models"),
        ("DELETE", f"/v1/models/{_FLASH}"),
        ("PATCH", f"/v1/models/{_FLASH}"),
        ("GET", f"/v1beta/models/{_FLASH}:generateContent"),
    ],
)
def test_paths_and_verbs_that_do_not_exist(gemini: RunningEmulator, verb: str, path: str) -> None:
    error = Http(gemini.http).error(verb, path)
    assert (error["code"], error["status"]) == (404, "NOT_FOUND")
    assert error["message"].startswith("Not Found")


@pytest.mark.parametrize("mime_type", ["bad/mime_type", "text", "image/"])
def test_uploads_of_unsupported_types(gemini: RunningEmulator, mime_type: str) -> None:
    headers = {"x_goog_upload_protocol": "resumable", "x_goog_upload_command": "start"}
    error = Http(gemini.http).error(
        "POST", "/upload/v1beta/files", {"file": {"mimeType": mime_type}}, **headers
    )
    assert (error["code"], f"Unsupported MIME type: {mime_type}" in error["message"]) == (400, True)


def test_titles_in_filters(gemini: RunningEmulator) -> None:
    for text in ('displayName="Mine"', 'display_name = "Mine" owner:me'):
        path = "/v1beta/tunedModels?filter=" + quote(text)
        assert Http(gemini.http).ok("GET", path) == {}
