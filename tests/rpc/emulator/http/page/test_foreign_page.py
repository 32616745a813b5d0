"""A page of another origin in a real browser: it may call the API, and controls nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from json_http import Http

from gemwire import v1beta
from gemwire.testing import RunningEmulator

pytest.importorskip("playwright")

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MODEL = "models/gemini-2.5-flash"
#: Makes requests in the page, and says of each what came back, or "refused" if the browser shows nothing.
_FETCH = """
async (requests) => {
  const told = [];
  for (const [url, options] of requests) {
    try {
      const response = await fetch(url, options);
      told.push(response.type === "opaque" ? "opaque" : response.status);
    } catch {
      told.push("refused");
    }
  }
  return told;
}
"""
#: Opens the stream of events, and says whether anything comes.
_LISTEN = """
(url) => new Promise((resolve) => {
  const events = new EventSource(url);
  events.onopen = () => resolve("open");
  events.onerror = () => resolve("refused");
})
"""
#: Sends a form, as every page may without asking.
_FORM = """
([url, text]) => {
  const frame = Object.assign(document.createElement("iframe"), {name: "sink"});
  const form = document.createElement("form");
  Object.assign(form, {action: url, method: "POST", enctype: "text/plain", target: "sink"});
  form.append(Object.assign(document.createElement("input"), {name: text, value: ""}));
  document.body.replaceChildren(frame, form);
  form.submit();
}
"""


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Elsewhere</title>")

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """Serve a page of another origin."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def foreign(browser: Browser, elsewhere: str) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(elsewhere)
    yield page
    context.close()


def test_it_may_call_the_api(foreign: Page, gemini: RunningEmulator) -> None:
    body = '{"contents": [{"parts": [{"text": "Hello"}]}]}'
    headers = {"content-type": "application/json", "x-goog-api-key": "k"}
    url = f"{gemini.http}/v1beta/{MODEL}"
    requests = [[url, {}], [f"{url}:countTokens", {"method": "POST", "body": body, "headers": headers}]]
    assert foreign.evaluate(_FETCH, requests) == [200, 200]


def test_it_controls_nothing(
    foreign: Page, gemini: RunningEmulator, client: v1beta.GenerativeServiceClient
) -> None:
    contents = [{"role": "user", "parts": [{"text": "Hello"}]}]
    client.count_tokens(model=MODEL, contents=contents)
    fault = '{"status": "ABORTED", "times": 0}'
    call, control = f"{gemini.http}/v1beta/{MODEL}", f"{gemini.http}/emulator"
    json: dict[str, Any] = {"headers": {"content-type": "application/json"}}
    blind = {"mode": "no-cors"}
    requests: list[list[Any]] = [
        [call, {"headers": {"x-emulator-fault": fault}}],
        [call, {"headers": {"x-emulator-pace": "slow"}}],
        [f"{control}/faults", {"method": "POST", "body": fault, **json}],
        [f"{control}/quota", {"method": "PUT", "body": '{"requests_per_minute": 1}', **json}],
        [f"{control}/calls", {"method": "DELETE"}],
        [f"{control}/reset", {"method": "POST", **json, "body": "{}"}],
    ]
    assert foreign.evaluate(_FETCH, requests) == ["refused"] * len(requests)
    blindly: list[list[Any]] = [
        [f"{control}/faults", {"method": "POST", "body": fault, **blind}],
        [f"{control}/reset", {"method": "POST", **blind}],
        [f"{control}/calls", blind],
    ]
    assert set(foreign.evaluate(_FETCH, blindly)) <= {"opaque", "refused"}
    # What may be read without asking says nothing either.
    [status] = foreign.evaluate(_FETCH, [[f"{control}/calls", {}]])
    assert status in {403, "refused"}
    assert foreign.evaluate(_LISTEN, f"{control}/events") == "refused"
    for path in ("faults", "reset"):
        with foreign.expect_response(f"{control}/{path}") as response:
            foreign.evaluate(_FORM, [f"{control}/{path}", fault])
        assert response.value.status == 403
    ask = Http(gemini.http)
    assert ask.ok("GET", "/emulator/faults")["faults"] == []
    assert ask.ok("GET", "/emulator/quota")["requests_per_minute"] == 0
    assert [entry.method.rpartition("/")[2] for entry in gemini.calls()] == ["CountTokens"]
