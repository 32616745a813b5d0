"""Forms of contents, and the requests that they become."""

from __future__ import annotations

from typing import Any

from genai_snippets.group import MODEL, Run, group

_SHIP = {"file_uri": "gs://a-bucket/ship.jpg", "mime_type": "image/jpeg"}


def sent(run: Run, contents: Any) -> list[Any]:
    """Send contents and return the role and parts of each content that arrived.

    They go to Vertex AI, which alone reads Cloud Storage.
    """
    run.vertex.models.count_tokens(model=MODEL, contents=contents)
    return [(content.role, [str(part) for part in content.parts]) for content in run.sent().contents]


@group("Contents: a content")
def a_content(run: Run) -> Any:
    content = run.types.Content(role="user", parts=[run.types.Part.from_text(text="Is it raining?")])
    return sent(run, content), sent(run, [content])


@group("Contents: a string and a list of strings")
def texts(run: Run) -> Any:
    one, two = "Is it raining?", "Is it cold?"
    types = run.types
    alike = types.UserContent(parts=[types.Part.from_text(text=one), types.Part.from_text(text=two)])
    assert sent(run, alike) == sent(run, [one, two])
    return sent(run, one), sent(run, [one, two])


@group("Contents: function calls")
def calls(run: Run) -> Any:
    call = run.types.Part.from_function_call
    north = call(name="weather_at", args={"place": "Tromsø"})
    south = call(name="weather_at", args={"place": "Ushuaia"})
    assert sent(run, run.types.ModelContent(parts=[north, south])) == sent(run, [north, south])
    return sent(run, north), sent(run, [north, south])


@group("Contents: other parts")
def parts(run: Run) -> Any:
    ship = run.types.Part.from_uri(**_SHIP)
    question = run.types.Part.from_text(text="Which ship is this?")
    data = run.types.Part.from_bytes(data=b"\x89PNG", mime_type="image/png")
    return sent(run, ship), sent(run, [question, ship, data])


@group("Contents: mixed and nested lists")
def mixed(run: Run) -> Any:
    types = run.types
    call = types.Part.from_function_call(name="weather_at", args={"place": "Tromsø"})
    result = types.Part.from_function_response(name="weather_at", response={"result": "snow"})
    forms = [
        "Is it snowing?",
        types.Part.from_text(text="Up north?"),
        call,
        types.Content(role="user", parts=[result]),
        ["And today?", types.Part.from_text(text="Down south?")],
        "Thank you.",
    ]
    return sent(run, forms)


@group(
    "Contents: a dict among strings",
    differs="the order of the list is kept; google-genai sends the texts after the dict",
)
def dicts(run: Run) -> Any:
    found = sent(run, ["one", {"role": "model", "parts": [{"text": "two"}]}, "three"])
    return sorted(part for _, parts in found for part in parts)
