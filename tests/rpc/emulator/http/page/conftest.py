"""Fixtures that open the page in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from gemwire import v1beta
from gemwire.testing import RunningEmulator, emulator

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

#: What no answer and no element may hold.
SECRET = "hushhush"
_SIZE: ViewportSize = {"width": 1280, "height": 800}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium for one module at a time: its driver runs a loop in this thread."""
    pytest.importorskip("playwright")
    import chromium as browsers
    from playwright.sync_api import expect

    # Not how fast a machine is, but what it comes to.
    expect.set_options(timeout=45_000)
    with browsers.launched() as made:
        yield made


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
def client(gemini: RunningEmulator) -> Iterator[v1beta.GenerativeServiceClient]:
    with v1beta.GenerativeServiceClient() as made:
        yield made


@pytest.fixture
def page(browser: Browser, gemini: RunningEmulator) -> Iterator[Page]:
    """Open the page. Whatever a test does, it must log no error and contact no other host."""
    context = browser.new_context(viewport=_SIZE, permissions=["clipboard-read", "clipboard-write"])
    opened = context.new_page()
    complaints: list[str] = []
    hosts: set[str] = set()
    loads: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    opened.on("load", lambda loaded: loads.append(loaded.url))
    opened.goto(gemini.http)
    opened.wait_for_selector("#link[data-state=on]")
    yield opened
    content = opened.content()
    context.close()
    # What the emulator refuses the page says itself; Chromium says it too.
    assert not [text for text in complaints if "status of 400" not in text]
    assert hosts == {gemini.http.removeprefix("http://")}
    assert len(loads) == 1
    assert SECRET not in content
