"""The page in a real browser: the list of calls, their details, filters and keys."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import websockets.sync.client
from json_http import Http, Json

from gemwire import errors, v1beta
from gemwire.testing import RunningEmulator

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

expect = pytest.importorskip("playwright.sync_api").expect

MODEL = "models/gemini-2.5-flash"
#: As the fixture `page` knows it: no element may hold it.
SECRET = "hushhush"


def contents(text: str = "one two three") -> list[Json]:
    return [{"role": "user", "parts": [{"text": text}]}]


def count(client: v1beta.GenerativeServiceClient, text: str = "one two three") -> str:
    """Return the outcome of a call."""
    try:
        client.count_tokens(model=MODEL, contents=contents(text), retry=None)
    except errors.APIError as error:
        return type(error).__name__
    return "OK"


def rows(page: Page) -> Locator:
    return page.locator("#list .row")


def row(page: Page, text: str) -> Locator:
    return rows(page).filter(has_text=text)


# What is seen ---------------------------------------------------------------------------------------


def test_calls_appear_live(
    page: Page, client: v1beta.GenerativeServiceClient, gemini: RunningEmulator
) -> None:
    expect(page.locator("#welcome")).to_be_visible()
    client.generate_content(model=MODEL, contents=contents("over gRPC"))
    expect(row(page, "over gRPC")).to_contain_text("GenerateContent")
    expect(page.locator("#welcome")).to_be_hidden()
    body = {"contents": contents("over HTTP")}
    Http(gemini.http)("POST", f"/v1beta/{MODEL}:countTokens", body, x_goog_api_key=SECRET)
    expect(rows(page)).to_have_count(2)
    first = page.locator('#list .row[aria-posinset="1"]')
    expect(first).to_contain_text("over HTTP")
    assert [first.locator(f".{name}").inner_text() for name in ("front", "method", "status", "model")] == [
        "HTTP",
        "CountTokens",
        "OK",
        "gemini-2.5-flash",
    ]
    assert row(page, "over gRPC").locator(".tokens").inner_text().startswith("2 → ")
    assert row(page, "over gRPC").locator(".bar i").bounding_box()["width"] >= 1  # type: ignore[index]


def test_timeline_shows_all_chunks(
    page: Page, client: v1beta.GenerativeServiceClient, gemini: RunningEmulator
) -> None:
    gemini.reply("One. Two. Three. Four.", pieces=4)
    chunks = list(client.stream_generate_content(model=MODEL, contents=contents("Count.")))
    row(page, "Count.").click()
    drawing = page.locator("svg.timeline")
    expect(drawing.locator(".tick")).to_have_count(len(chunks))
    texts = [chunk.candidates[0].content.parts[0].text for chunk in chunks]
    expect(page.locator(".stream .said")).to_have_text("".join(texts))
    drawing.focus()
    for index, text in enumerate(texts):
        expect(page.locator(".readout")).to_contain_text(f"chunk {index + 1} of {len(texts)}")
        expect(page.locator(".readout q")).to_have_text(text)
        page.keyboard.press("ArrowRight")
    drawing.hover(position={"x": 8, "y": 20})
    expect(page.locator(".readout q")).to_have_text(texts[0])
    expect(page.locator(".response details")).to_have_count(len(chunks))


def test_timeline_grows_and_shows_gaps(
    page: Page, client: v1beta.GenerativeServiceClient, gemini: RunningEmulator
) -> None:
    gemini.reply("One. Two. Three. Four. Five. Six.", pieces=6)
    gemini.fail(delay=0.8, after_messages=3)
    stream = iter(client.stream_generate_content(model=MODEL, contents=contents("Slowly.")))
    next(stream)
    expect(row(page, "Slowly.")).to_have_attribute("data-outcome", "running")
    row(page, "Slowly.").click()
    expect(page.locator("article .status")).to_have_text("running")
    total = 1 + sum(1 for _ in stream)
    expect(page.locator("article .status")).to_have_text("OK")
    expect(page.locator(".tick")).to_have_count(total)
    expect(page.locator("rect.gap")).not_to_have_count(0)
    expect(row(page, "Slowly.").locator(".bar i.wait")).to_have_count(1)


def test_live_session_is_shown(page: Page, gemini: RunningEmulator) -> None:
    address = gemini.http.replace("http", "ws")
    service = "google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
    with websockets.sync.client.connect(f"{address}/ws/{service}?key={SECRET}") as session:
        modalities = {"responseModalities": ["TEXT"]}
        session.send(json.dumps({"setup": {"model": MODEL, "generationConfig": modalities}}))
        session.recv(timeout=10)
        expect(row(page, "BidiGenerateContent").locator(".front")).to_have_text("WS")
        row(page, "BidiGenerateContent").click()
        expect(page.locator("article .status")).to_have_text("running")
        page.locator(".response summary").click()
        turns = [{"role": "user", "parts": [{"text": "Hello."}]}]
        session.send(json.dumps({"clientContent": {"turns": turns, "turnComplete": True}}))
        while "turnComplete" not in str(session.recv(timeout=10)):
            pass
        expect(page.locator(".stream .said")).to_contain_text("Hello.")
        # What was opened stays open while the session goes on.
        expect(page.locator(".response details[open] .json")).to_contain_text("setupComplete")
        expect(page.locator(".request summary")).to_have_count(2)
    expect(page.locator("article .status")).not_to_have_text("running")


def test_request_response_and_error_are_shown(
    page: Page, client: v1beta.GenerativeServiceClient, gemini: RunningEmulator
) -> None:
    gemini.reply("Because of Rayleigh.")
    client.generate_content(model=MODEL, contents=contents("Why?"), metadata=[("x-goog-api-key", SECRET)])
    row(page, "Why?").click()
    expect(page.locator(".request .json")).to_contain_text('"text": "Why?"')
    expect(page.locator(".response .json")).to_contain_text("Because of Rayleigh.")
    page.locator(".metadata summary").click()
    expect(page.locator(".metadata dl")).to_contain_text("x-goog-api-key")
    gemini.fail("RESOURCE_EXHAUSTED", retry_delay=2, message="Too <b>much</b>.")
    assert count(client, "again") == "ResourceExhausted"
    row(page, "again").click()
    expect(page.locator(".failure p")).to_have_text("Too <b>much</b>.")
    expect(page.locator(".failure .json")).to_contain_text('"retryDelay": "2s"')


def test_texts_are_not_interpreted_as_html(page: Page, client: v1beta.GenerativeServiceClient) -> None:
    probe = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
    part = {"inline_data": {"mime_type": "<img src=x onerror=document.title=3>", "data": bytes(300)}}
    client.generate_content(model=MODEL, contents=contents(probe))
    client.count_tokens(
        model=MODEL, contents=[{"parts": [{"text": probe}, part]}], metadata=[("x-probe", probe)]
    )
    expect(rows(page)).to_have_count(2)
    for index in range(2):
        rows(page).nth(index).click()
        expect(page.locator(".request .json")).to_contain_text("<img src=x onerror=")
        expect(page.locator("#list img, #list script, article img, article script")).to_have_count(0)
    assert page.title() == "gemwire emulator"


def test_images_are_elided_until_expanded(page: Page, client: v1beta.GenerativeServiceClient) -> None:
    picture = {"inline_data": {"mime_type": "image/png", "data": b"\1" * 70_000}}
    client.count_tokens(model=MODEL, contents=[{"parts": [{"text": "Look."}, picture]}])
    row(page, "Look.").click()
    expect(page.locator(".elided")).to_have_text("‹70,000 bytes of image/png›")
    assert "AQEBAQEB" not in page.content()
    page.get_by_role("button", name="Show all data").click()
    expect(page.locator(".elided")).to_have_count(0)
    expect(page.locator(".request .json")).to_contain_text("AQEBAQEB")


def test_calls_are_filtered(
    page: Page, client: v1beta.GenerativeServiceClient, gemini: RunningEmulator
) -> None:
    client.generate_content(model=MODEL, contents=contents("alpha"))
    assert count(client, "beta") == "OK"
    gemini.fail("NOT_FOUND")
    assert count(client, "gamma") == "NotFound"
    Http(gemini.http).ok("POST", f"/v1beta/{MODEL}:countTokens", {"contents": contents("delta")})
    expect(rows(page)).to_have_count(4)

    def shown(*texts: str) -> None:
        expect(rows(page)).to_have_count(len(texts))
        assert sorted(rows(page).locator(".text").all_inner_texts()) == sorted(texts)

    page.keyboard.press("/")
    page.keyboard.type("ALPH flash")
    shown("alpha")
    expect(page.locator("#count")).to_have_text("1 of 4 calls")
    page.locator("[name=text]").fill("")
    page.locator("[name=method]").select_option("CountTokens")
    shown("beta", "gamma", "delta")
    page.locator("[name=status]").select_option("NOT_FOUND")
    shown("gamma")
    page.locator("[name=status]").select_option("OK")
    page.locator("[name=front]").select_option("http")
    shown("delta")
    assert count(client, "epsilon") == "OK"
    page.locator("[name=front]").select_option("")
    shown("beta", "delta", "epsilon")


def test_list_is_paused_and_cleared(page: Page, client: v1beta.GenerativeServiceClient) -> None:
    assert count(client, "before") == "OK"
    expect(rows(page)).to_have_count(1)
    page.locator("#pause").click()
    assert count(client, "meanwhile") == "OK"
    expect(page.locator("#count")).to_contain_text("1 new")
    expect(rows(page)).to_have_count(1)
    page.locator("#pause").click()
    expect(rows(page)).to_have_count(2)
    page.locator("#clear").click()
    expect(page.locator("#welcome")).to_be_visible()
    expect(rows(page)).to_have_count(0)


def test_keyboard(page: Page, client: v1beta.GenerativeServiceClient) -> None:
    for number in range(3):
        assert count(client, f"call {number}") == "OK"
    expect(rows(page)).to_have_count(3)
    ways = {"ArrowDown": "call 2", "j": "call 1", "End": "call 0", "ArrowUp": "call 1", "Home": "call 2"}
    for key, text in ways.items():
        page.keyboard.press(key)
        expect(page.locator("[aria-selected=true] .text")).to_have_text(text)
        expect(page.locator(".request .json")).to_contain_text(text)
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.locator("[name=text]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#list")).to_be_focused()
