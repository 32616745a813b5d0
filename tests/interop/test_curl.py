"""curl as a judge of the emulator: the commands of the API's own documentation, with another address."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gemwire.testing import RunningEmulator, emulator

CURL = shutil.which("curl") or ""
MODEL = "v1beta/models/gemini-2.5-flash"
ASKING = json.dumps({"contents": [{"parts": [{"text": "Why is the sky blue?"}]}]})

pytestmark = pytest.mark.skipif(not CURL, reason="there is no curl on this machine")


@pytest.fixture(scope="module")
def gemini() -> Iterator[RunningEmulator]:
    with emulator(http_port=0) as running:
        yield running


def curl(*arguments: str | Path) -> str:
    """What curl writes to stdout."""
    done = subprocess.run(
        [CURL, "--silent", "--show-error", "--max-time", "20", "--noproxy", "*", *arguments],
        capture_output=True,
        check=True,
    )
    return done.stdout.decode()


#: Bodies in the forms that pages about the API print, as a shell hands them on, and what the service says.
PRINTED = {
    "a chat with a trailing comma": (
        """{
      "contents": [
        {"role":"user",
         "parts":[{
           "text": "Good day"}]},
        {"role": "model",
         "parts":[{
           "text": "Good day to you."}]},
        {"role":"user",
         "parts":[{
           "text": "How many legs have two cats?"}]},
      ]
    }""",
        "",
    ),
    "settings": (
        """{
        "contents": [{"parts":[{"text": "Tell of a lamp."}]}],
        "safetySettings": [
            {"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "threshold": "BLOCK_ONLY_HIGH"}
        ],
        "generationConfig": {
            "stopSequences": ["Title"], "temperature": 1.0, "maxOutputTokens": 800, "topP": 0.8, "topK": 10
        }
    }""",
        "",
    ),
    "tools as an object": (
        """{
        "contents": {"parts": {"text": "Dim the lamp."}},
        "tools": {"functionDeclarations": [{"name": "dim", "parameters": {
            "type": "OBJECT", "properties": {"to": {"type": "NUMBER"}}, "required": ["to"]}}]}
    }""",
        "",
    ),
    "single quotes": ("{'contents': [{'parts': [{'text': 'Good day'}]}]}", ""),
    # The single quotes of this one end and begin the shell's, which leaves names of enum values bare.
    "bare values": (
        """{
    "safetySettings": [
        {category: HARM_CATEGORY_HARASSMENT, threshold: BLOCK_ONLY_HIGH}
    ],
    "contents": [{"parts":[{"text": "Good day"}]}]}""",
        "Invalid JSON payload received. Unexpected token.",
    ),
}


@pytest.mark.parametrize("form", PRINTED)
@pytest.mark.parametrize("model", ["gemini-1.5-flash", "gemini-2.5-flash"])
def test_what_pages_print(gemini: RunningEmulator, form: str, model: str) -> None:
    body, refusal = PRINTED[form]
    url = f"{gemini.http}/v1beta/models/{model}:generateContent?key=a-key"
    answer = json.loads(curl(url, "-H", "Content-Type: application/json", "-X", "POST", "-d", body))
    if refusal:
        message = answer["error"]["message"]
        assert message.startswith(refusal)
        assert "{category: HARM_CATEGORY_" in message
    else:
        assert answer["candidates"][0]["content"]["parts"], answer


def test_a_question(gemini: RunningEmulator) -> None:
    url = f"{gemini.http}/{MODEL}:generateContent"
    key = "x-goog-api-key: a-key"
    answer = json.loads(
        curl(url, "-H", key, "-H", "Content-Type: application/json", "-X", "POST", "-d", ASKING)
    )
    assert "sky" in answer["candidates"][0]["content"]["parts"][0]["text"]
    assert gemini.calls()[-1].metadata["x-goog-api-key"] == "…"
    zipped = curl(url, "--compressed", "-d", ASKING)
    assert json.loads(zipped)["candidates"] == answer["candidates"]


def test_a_stream(gemini: RunningEmulator) -> None:
    told = curl("-N", f"{gemini.http}/{MODEL}:streamGenerateContent?alt=sse&key=a-key", "-d", ASKING)
    *events, rest = told.split("\r\n\r\n")
    assert not rest
    assert len(events) > 3
    assert all("candidates" in json.loads(event.removeprefix("data: ")) for event in events)
    whole: list[Any] = json.loads(curl(f"{gemini.http}/{MODEL}:streamGenerateContent", "-d", ASKING))
    assert len(whole) == len(events)


def test_a_file(gemini: RunningEmulator, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("The sky is blue.")
    head = curl(
        f"{gemini.http}/upload/v1beta/files?key=a-key",
        *("-D", "-", "-o", tmp_path / "ignored"),
        *("-H", "X-Goog-Upload-Protocol: resumable", "-H", "X-Goog-Upload-Command: start"),
        *(
            "-H",
            "X-Goog-Upload-Header-Content-Length: 16",
            "-H",
            "X-Goog-Upload-Header-Content-Type: text/plain",
        ),
        *("-H", "Content-Type: application/json", "-d", '{"file": {"display_name": "NOTES"}}'),
    )
    headers = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    url = headers["x-goog-upload-url"]
    told = curl(
        url,
        *("-H", "Content-Length: 16", "-H", "X-Goog-Upload-Offset: 0"),
        *("-H", "X-Goog-Upload-Command: upload, finalize", "--data-binary", f"@{notes}"),
    )
    file = json.loads(told)["file"]
    assert (file["displayName"], file["sizeBytes"], file["mimeType"]) == ("NOTES", "16", "text/plain")
    names = json.loads(curl(f"{gemini.http}/v1beta/files?key=a-key"))["files"]
    assert [f["name"] for f in names] == [file["name"]]
    assert not json.loads(curl("-X", "DELETE", f"{gemini.http}/v1beta/{file['name']}?key=a-key"))


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"{MODEL}:generateContent", "{", 400),
        (f"{MODEL}:generateContent", "{}", 400),
        ("v1beta/models/nothing:generateContent", ASKING, 404),
        ("v1beta/nothing", ASKING, 404),
        ("v1beta/models", ASKING, 404),
    ],
)
def test_errors_are_json(gemini: RunningEmulator, path: str, body: str, status: int) -> None:
    told = curl("-w", "\n%{http_code} %{content_type}", f"{gemini.http}/{path}", "-d", body)
    error, _, (code, kind) = *told.rpartition("\n")[:2], told.rpartition("\n")[2].split(" ", 1)
    assert (int(code), json.loads(error)["error"]["code"]) == (status, status)
    assert kind.startswith("application/json")
