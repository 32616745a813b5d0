"""The page's controls, its protection and its costs, in a real browser."""

from __future__ import annotations

import http.client
import json
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from eventually import PATIENCE, comes
from json_http import Http, Json
from scripted_http_server import WebServer

from gemwire import errors, v1beta
from gemwire.testing import RunningEmulator, emulator
from gemwire_emulator.call import Call
from gemwire_proto.v1beta import generative_service

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

expect = pytest.importorskip("playwright.sync_api").expect

MODEL = "models/gemini-2.5-flash"


def contents(text: str = "one two three") -> list[Json]:
    return [{"role": "user", "parts": [{"text": text}]}]


def count(client: v1beta.GenerativeServiceClient, text: str = "one two three") -> str:
    """Return the outcome of a call."""
    try:
        client.count_tokens(model=MODEL, contents=contents(text), retry=None)
    except errors.APIError as error:
        return type(error).__name__
    return "OK"


@pytest.fixture
def controls(page: Page) -> Page:
    """Open the controls of the page."""
    page.locator("#controls").click()
    expect(page.locator(".controls form.rule [name=after_messages]")).to_have_count(1)
    return page


def test_fault_is_added_and_removed(controls: Page, client: v1beta.GenerativeServiceClient) -> None:
    controls.get_by_role("button", name="Every call INTERNAL").click()
    expect(controls.locator("#controls b")).to_have_text("1")
    assert [count(client) for _ in range(2)] == ["Internal"] * 2
    expect(controls.locator(".faults li")).to_contain_text("2 matched")
    controls.get_by_role("button", name="Remove fault").click()
    expect(controls.locator(".faults")).to_contain_text("No faults are active.")
    assert count(client) == "OK"


@pytest.mark.parametrize(
    ("preset", "outcome"),
    [("Next call UNAVAILABLE", "Unavailable"), ("429 with RetryInfo", "ResourceExhausted")],
)
def test_presets_for_one_call(
    controls: Page, client: v1beta.GenerativeServiceClient, preset: str, outcome: str
) -> None:
    controls.get_by_role("button", name=preset).click()
    expect(controls.locator(".faults li[data-fault]")).to_have_count(1)
    assert [count(client) for _ in range(2)] == [outcome, "OK"]
    expect(controls.locator(".faults li")).to_contain_text("done")
    expect(controls.locator("#controls b")).to_be_hidden()


def test_stream_breaks_mid_stream(controls: Page, client: v1beta.GenerativeServiceClient) -> None:
    controls.get_by_role("button", name="Break mid-stream").click()
    expect(controls.locator(".faults li[data-fault]")).to_have_count(1)
    stream = iter(client.stream_generate_content(model=MODEL, contents=contents(), retry=None))
    next(stream), next(stream)
    with pytest.raises(errors.Unavailable):
        next(stream)
    controls.locator("#list .row", has_text="Stream").click()
    expect(controls.locator(".tick")).to_have_count(2)
    expect(controls.locator(".timeline .broken")).to_have_count(1)


def test_custom_rule(controls: Page, client: v1beta.GenerativeServiceClient) -> None:
    controls.get_by_text("Custom rule").click()
    form = controls.locator("form.rule")
    form.locator("[name=method]").fill("(")
    form.get_by_role("button").click()
    expect(controls.get_by_role("alert").first).to_contain_text("method: is not a regular expression")
    form.locator("[name=method]").fill("CountTokens")
    form.locator("[name=status]").select_option("DATA_LOSS")
    form.locator("[name=nth]").fill("2")
    form.get_by_role("button").click()
    expect(controls.locator(".faults code")).to_have_text("method: CountTokens  nth: 2  status: DATA_LOSS")
    expect(controls.get_by_role("alert").first).to_be_empty()
    assert [count(client) for _ in range(3)] == ["OK", "DataLoss", "OK"]


def test_quota_pace_clock_and_reset(
    controls: Page, client: v1beta.GenerativeServiceClient, gemini: RunningEmulator
) -> None:
    ask = Http(gemini.http)
    quota = controls.get_by_role("region", name="Quota per API key")
    quota.locator("[name=requests_per_minute]").fill("1")
    quota.get_by_role("button").click()
    expect(quota.locator("[name=requests_per_minute]")).to_have_value("1")
    assert [count(client) for _ in range(2)] == ["OK", "ResourceExhausted"]
    before = ask.ok("GET", "/emulator/clock")["now"]
    controls.get_by_role("button", name="+1 day").click()
    expect(controls.locator("[data-advance='86400']")).to_be_enabled()
    assert comes(lambda: ask.ok("GET", "/emulator/clock")["now"][:10] != before[:10])
    assert count(client) == "OK"
    quota.locator("[name=requests_per_minute]").fill("0.5")
    quota.get_by_role("button").click()
    expect(quota.get_by_role("alert")).to_contain_text("not an integer")
    controls.get_by_role("button", name="typical").click()
    expect(controls.locator("[name=tokens_per_second]")).to_have_value("80")
    controls.get_by_role("button", name="Reset the emulator").click()
    controls.get_by_role("button", name="Delete all resources").click()
    expect(controls.locator("[name=tokens_per_second]")).to_have_value("0")
    expect(controls.locator("#welcome")).to_be_visible()
    assert [count(client) for _ in range(2)] == ["OK", "OK"]


def test_changes_by_others_are_shown(controls: Page, gemini: RunningEmulator) -> None:
    gemini.fail("ABORTED", method="Embed")
    expect(controls.locator(".faults code")).to_have_text("method: Embed  status: ABORTED")


def test_instructions_for_the_first_call_work(page: Page, gemini: RunningEmulator) -> None:
    python = page.locator("[data-snippet=Python]").inner_text()
    curl = page.locator("[data-snippet=curl]").inner_text()
    assert len(python.splitlines()) == len(curl.splitlines()) == 3
    subprocess.run([sys.executable, "-c", python], check=True, timeout=60)
    expect(page.locator("#list .row", has_text="gRPC")).to_contain_text("Why is the sky blue?")
    if shutil.which("curl"):
        done = subprocess.run(["bash", "-c", curl], capture_output=True, text=True, check=True, timeout=30)
        assert done.stdout.startswith("data: {")


def test_copy_as_curl_and_json(
    page: Page, client: v1beta.GenerativeServiceClient, gemini: RunningEmulator
) -> None:
    client.generate_content(model=MODEL, contents=contents('It\'s \u00fc "quoted"'))
    page.locator("#list .row").click()
    page.get_by_role("button", name="Copy as JSON").click()
    expect(page.locator("[data-copy=json]")).to_have_text("Copied")
    assert json.loads(page.evaluate("navigator.clipboard.readText()"))["requests"][0]["model"] == MODEL
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.locator("[data-copy=curl]")).to_have_text("Copied")
    words = shlex.split(page.evaluate("navigator.clipboard.readText()").replace("\\\n", " "))
    assert words[0] == "curl"
    path = next(word for word in words if word.startswith("http")).removeprefix(gemini.http)
    Http(gemini.http).ok("POST", path, json.loads(words[words.index("-d") + 1]))
    again, first = gemini.calls()[::-1]
    assert again.requests == first.requests


@pytest.fixture
def foreign(browser: Browser) -> Iterator[Page]:
    """Open a page of another server."""
    elsewhere = WebServer()
    elsewhere.on(lambda _, wire: wire.answer(200, b"<!doctype html><p>evil", content_type="text/html"))
    context = browser.new_context()
    opened = context.new_page()
    opened.goto(f"http://{elsewhere.address}/")
    yield opened
    context.close()
    elsewhere.stop()


def test_foreign_pages_are_locked_out(
    page: Page, foreign: Page, client: v1beta.GenerativeServiceClient, gemini: RunningEmulator
) -> None:
    assert count(client, "private") == "OK"
    attempt = """async ([url, options]) => {
        try { const got = await fetch(url, options); return got.type + " " + got.status; }
        catch (error) { return "refused"; }
    }"""
    faults, fault = f"{gemini.http}/emulator/faults", '{"status": "INTERNAL", "times": 0}'
    typed = {"method": "POST", "body": fault, "headers": {"content-type": "application/json"}}
    plain = {"method": "POST", "body": fault, "mode": "no-cors"}
    tried = [
        foreign.evaluate(attempt, [faults, typed]),
        foreign.evaluate(attempt, [faults, plain]),
        foreign.evaluate(attempt, [f"{gemini.http}/emulator/calls", {}]),
        foreign.evaluate(attempt, [f"{gemini.http}/emulator/calls", {"method": "DELETE"}]),
    ]
    assert not [outcome for outcome in tried if outcome.endswith("200")]
    assert count(client) == "OK"
    assert gemini.calls()[0].number < gemini.calls()[-1].number
    # Nor is the page shown in a frame of theirs.
    foreign.evaluate(
        """url => new Promise((resolve) => document.body.append(
            Object.assign(document.createElement("iframe"), {src: url, onload: resolve})))""",
        gemini.http,
    )
    assert not [frame for frame in foreign.frames[1:] if frame.locator("#list").count()]


def record_calls(gemini: RunningEmulator, count: int) -> None:
    """Record calls without making them."""
    method = generative_service.SERVICE.methods["CountTokens"]

    def fill() -> None:
        for number in range(count):
            call = Call(method, {}, front="grpc", peer="ipv4:127.0.0.1:1")
            request = method.request(model=MODEL, contents=contents(f"filler {number}"))
            entry = gemini._emulator.journal.begin(call, request)
            entry.record_response(method.response(total_tokens=2))
            entry.end("OK")

    gemini._run_sync(fill)


def test_list_of_ten_thousand_calls_is_virtualized(browser: Browser, gemini: RunningEmulator) -> None:
    record_calls(gemini, 9_500)
    page = browser.new_page()
    page.goto(gemini.http)
    expect(page.locator("#count")).to_have_text("9,500 calls")
    record_calls(gemini, 480)
    # 200 calls an event, ten events a second.
    expect(page.locator("#count")).to_have_text("9,980 calls")
    assert page.locator("#list .row").count() < 80
    page.locator("#list").evaluate(
        "list => list.scrollTop = list.scrollHeight / 2 - list.scrollHeight / 2 % 26"
    )
    top = """list => [...list.querySelectorAll(".row")]
        .filter((row) => row.offsetTop >= list.scrollTop)
        .sort((one, other) => one.offsetTop - other.offsetTop)[0].dataset.number"""
    # The rows of a new place are drawn with the next frame.
    page.wait_for_function(f"() => ({top})(document.getElementById('list')) > 1000")
    before = page.locator("#list").evaluate(top)
    record_calls(gemini, 20)
    expect(page.locator("#count")).to_have_text("10,000 calls")
    # What is read stays where it is.
    assert page.locator("#list").evaluate(top) == before
    page.locator("#list").evaluate("list => list.scrollTop = list.scrollHeight")
    expect(page.locator('#list .row[aria-posinset="10000"]')).to_contain_text("filler 0")
    record_calls(gemini, 1)
    # The emulator has forgotten the oldest, and the page too.
    expect(page.locator('#list .row[aria-posinset="10000"]')).to_contain_text("filler 1")
    expect(page.locator("#count")).to_have_text("10,000 calls")
    usual = page.evaluate("""async () => {
        const list = document.getElementById("list");
        const taken = [];
        for (let at = 0; at < 40; at += 1) {
            const began = performance.now();
            list.scrollTop = (at * 7919 * 26) % list.scrollHeight;
            await new Promise(requestAnimationFrame);
            taken.push(performance.now() - began);
        }
        return taken.sort((one, other) => one - other)[20];
    }""")
    assert usual < 100
    page.close()


def test_events_are_rate_limited(gemini: RunningEmulator) -> None:
    connection = http.client.HTTPConnection(gemini.http.removeprefix("http://"), timeout=10)
    connection.request("GET", "/emulator/events")
    response = connection.getresponse()
    assert response.headers["content-type"] == "text/event-stream"
    began = time.monotonic()
    for _ in range(200):
        record_calls(gemini, 1)
        time.sleep(0.005)
    last, told, events = gemini.calls()[-1].number, 0, 0
    while told < last:
        line = response.readline()
        if line.startswith(b"data: "):
            events += 1
            told = max([told, *(call["number"] for call in json.loads(line[6:]).get("calls", ()))])
    assert events <= (time.monotonic() - began) / 0.1 + 2
    connection.close()


def test_no_watcher_without_a_page(page: Page, browser: Browser, gemini: RunningEmulator) -> None:
    watchers = gemini._emulator.journal._watchers
    assert len(watchers) == 1
    second = browser.new_page()
    second.goto(gemini.http)
    expect(second.locator("#link")).to_have_text("live")
    assert len(watchers) == 2
    second.close()
    assert comes(lambda: len(watchers) == 1)


def test_page_reconnects(browser: Browser) -> None:
    gemini = RunningEmulator(http_port=0)
    port = int(gemini.http.rpartition(":")[2])
    page = browser.new_page()
    page.goto(gemini.http)
    expect(page.locator("#link")).to_have_text("live")
    Http(gemini.http).ok("POST", f"/v1beta/{MODEL}:countTokens", {"contents": contents("before")})
    expect(page.locator("#list .row")).to_contain_text("before")
    began = time.monotonic()
    gemini._run(gemini._emulator.stop(grace=60))
    # An open page does not hold the emulator up.
    assert time.monotonic() - began < PATIENCE
    expect(page.locator("#link")).to_have_text("disconnected")
    gemini.stop()
    with emulator(http_port=port) as again:
        Http(again.http).ok("POST", f"/v1beta/{MODEL}:countTokens", {"contents": contents("after")})
        expect(page.locator("#list .row")).to_contain_text("after", timeout=45_000)
        expect(page.locator("#list .row")).to_have_count(1)
    page.close()
