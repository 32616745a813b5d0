"""Takes docs/page.png, the emulator's page: ``.venv/bin/python scripts/page_picture.py``."""

from __future__ import annotations

import json
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

_ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_ROOT / "tests"))

import chromium  # noqa: E402 - the tests know where to find one

from gemwire import errors, v1beta  # noqa: E402
from gemwire.testing import RunningEmulator, emulator  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import ViewportSize

_MODEL = "models/gemini-2.5-flash"
_PROMPTS = (
    "Why is the sky blue?",
    "Write a haiku about rivers",
    "Summarise the report in three sentences",
    "Translate 'good morning' into French",
)
_SIZE: ViewportSize = {"width": 1280, "height": 720}


def _contents(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "parts": [{"text": text}]}]


def _send(gemini: RunningEmulator, verb: str, path: str, body: Any) -> None:
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(gemini.http + path, json.dumps(body).encode(), headers, method=verb)  # noqa: S310
    with urllib.request.urlopen(request) as response:  # noqa: S310
        response.read()


def _call(gemini: RunningEmulator) -> None:
    """Calls of all kinds; the last is a stream that takes its time."""
    with v1beta.GenerativeServiceClient() as client:
        for text in _PROMPTS:
            client.count_tokens(model="models/gemini-2.5-pro", contents=_contents(text))
            client.generate_content(model=_MODEL, contents=_contents(text))
            client.embed_content(model="models/text-embedding-004", content={"parts": [{"text": text}]})
            list(client.stream_generate_content(model=_MODEL, contents=_contents(text)))
        gemini.fail("RESOURCE_EXHAUSTED", retry_delay=0.05, message="You exceeded your quota.")
        client.generate_content(model=_MODEL, contents=_contents("How many moons has Mars?"))
        _send(gemini, "POST", f"/v1beta/{_MODEL}:generateContent", {"contents": _contents("Over HTTP, too")})
        gemini.fail("UNAVAILABLE", after_messages=3)
        with suppress(errors.Unavailable):
            list(client.stream_generate_content(model=_MODEL, contents=_contents("A story"), retry=None))
        _send(gemini, "PUT", "/emulator/pace", {"first": 0.35, "tokens_per_second": 60})
        gemini.fail(delay=0.4, after_messages=9)
        list(client.stream_generate_content(model=_MODEL, contents=_contents("Tell me about the tides")))


def main() -> None:
    """Take it."""
    with emulator(seed=7, http_port=0) as gemini, chromium.launched() as browser:
        _call(gemini)
        page = browser.new_page(viewport=_SIZE)
        page.goto(gemini.http)
        page.locator("#list .row").first.click()
        page.locator("svg.timeline").hover(position={"x": 300, "y": 20})
        page.wait_for_timeout(300)
        page.screenshot(path=_ROOT / "docs" / "page.png")


if __name__ == "__main__":
    main()
