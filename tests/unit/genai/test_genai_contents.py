"""What may be given for contents, by the documented rules, and next to google-genai's own conversion."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from present import present

from gemwire import v1beta
from gemwire.genai import types
from gemwire.genai._convert.contents import to_contents

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8


def text(*texts: str) -> list[dict[str, Any]]:
    return [{"text": item} for item in texts]


def call(place: str) -> types.Part:
    return types.Part.from_function_call(name="weather", args={"location": place})


def shown(contents: Any) -> list[tuple[str, list[Any]]]:
    """Role and parts of each content."""
    views = [types.Content.of(content) for content in to_contents(contents)]
    return [(view.role or "", [part.to_dict() for part in view.parts or ()]) for view in views]


def call_dict(place: str) -> dict[str, Any]:
    return {"function_call": {"name": "weather", "args": {"location": place}}}


URI = types.Part.from_uri(file_uri="gs://b/scones.jpg", mime_type="image/jpeg")
URI_DICT = {"file_data": {"file_uri": "gs://b/scones.jpg", "mime_type": "image/jpeg"}}
SAID = types.Content(role="user", parts=[types.Part.from_text(text="c")])

# Rules of the seed's "How to structure contents" ------------------------------------------------------

RULES: dict[str, tuple[Any, list[tuple[str, list[Any]]]]] = {
    "a list of contents stays": (
        [SAID, types.ModelContent("d")],
        [("user", text("c")), ("model", text("d"))],
    ),
    "a content becomes a list": (SAID, [("user", text("c"))]),
    "a string": ("a", [("user", text("a"))]),
    "a list of strings is one content": (["a", "b"], [("user", text("a", "b"))]),
    "a tuple is a list": (("a", ("b",)), [("user", text("a")), ("user", text("b"))]),
    "a dict of a file": (
        {"name": "files/f", "uri": "gs://b/scones.jpg", "mime_type": "image/jpeg"},
        [("user", [URI_DICT])],
    ),
    "a function call is the model's": (call("Boston"), [("model", [call_dict("Boston")])]),
    "function calls are one content": (
        [call("Boston"), call("Rome")],
        [("model", [call_dict("Boston"), call_dict("Rome")])],
    ),
    "another part is the user's": (URI, [("user", [URI_DICT])]),
    "other parts are one content": (
        [types.Part.from_text(text="a"), URI],
        [("user", [*text("a"), URI_DICT])],
    ),
    "calls and others are grouped apart": (
        ["a", call("Boston"), call("Rome"), "b", "c"],
        [("user", text("a")), ("model", [call_dict("Boston"), call_dict("Rome")]), ("user", text("b", "c"))],
    ),
    "a content ends a group": (
        ["a", SAID, "b"],
        [("user", text("a")), ("user", text("c")), ("user", text("b"))],
    ),
    "an inner list is one content of the user": (
        ["a", ["b", "c"], "d"],
        [("user", text("a")), ("user", text("b", "c")), ("user", text("d"))],
    ),
    "an inner list of calls too": ([[call("Boston")]], [("user", [call_dict("Boston")])]),
    "a function's answer is the user's": (
        types.Part.from_function_response(name="f", response={"result": 1}),
        [("user", [{"function_response": {"name": "f", "response": {"result": 1}}}])],
    ),
    "a dict of a part": ({"text": "a"}, [("user", text("a"))]),
    "a dict of file data": (
        {"file_uri": "gs://b/x.png", "mime_type": "image/png"},
        [("user", [{"file_data": {"file_uri": "gs://b/x.png", "mime_type": "image/png"}}])],
    ),
    "a dict of a content": ({"role": "model", "parts": [{"text": "a"}]}, [("model", text("a"))]),
    "a dict of a content with texts": ({"role": "user", "parts": ["a"]}, [("user", text("a"))]),
    "camel case": (
        {"inlineData": {"mimeType": "image/png", "data": b"x"}},
        [("user", [{"inline_data": {"mime_type": "image/png", "data": b"x"}}])],
    ),
    "a file": (
        types.File(uri="https://x/files/a", mime_type="text/plain"),
        [("user", [{"file_data": {"file_uri": "https://x/files/a", "mime_type": "text/plain"}}])],
    ),
    "a file with a question": (
        ["What is it?", types.File(uri="https://x/files/a", mime_type="text/plain")],
        [
            (
                "user",
                [
                    *text("What is it?"),
                    {"file_data": {"file_uri": "https://x/files/a", "mime_type": "text/plain"}},
                ],
            )
        ],
    ),
    "bytes": (PNG, [("user", [{"inline_data": {"mime_type": "image/png", "data": PNG}}])]),
    "a blob": (
        types.Blob(mime_type="audio/wav", data=b"x"),
        [("user", [{"inline_data": {"mime_type": "audio/wav", "data": b"x"}}])],
    ),
    "an empty dict is an empty content": ({}, [("", [])]),
    "messages": ([v1beta.Part(text="a"), v1beta.Content(role="model")], [("user", text("a")), ("model", [])]),
    "a tool's content": (types.Content(role="tool", parts=[types.Part(text="a")]), [("tool", text("a"))]),
}


@pytest.mark.parametrize(("given", "wanted"), RULES.values(), ids=RULES.keys())
def test_rules(given: Any, wanted: Any) -> None:
    assert shown(given) == wanted


def test_a_dict_of_a_content_keeps_its_place() -> None:
    # google-genai moves it before the parts that came first.
    given: list[Any] = ["a", {"role": "user", "parts": [{"text": "c"}]}, "b"]
    assert shown(given) == [("user", text("a")), ("user", text("c")), ("user", text("b"))]


class Picture:
    """What is used of PIL's pictures."""

    def __init__(self, form: str | None, mode: str) -> None:
        self.format = form
        self.mode = mode

    def convert(self, mode: str) -> Picture:
        return Picture(None, mode)

    def save(self, file: io.BytesIO, format: str) -> None:  # noqa: A002 - PIL's
        file.write(f"{format} {self.mode}".encode())


@pytest.mark.parametrize(
    ("picture", "mime_type", "data"),
    [
        (Picture("PNG", "RGBA"), "image/png", b"PNG RGBA"),
        (Picture("JPEG", "RGB"), "image/jpeg", b"JPEG RGB"),
        (Picture(None, "RGB"), "image/png", b"PNG RGB"),
        (Picture("TIFF", "CMYK"), "image/png", b"PNG RGBA"),
    ],
)
def test_a_picture_of_pil(
    picture: Picture, mime_type: str, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL.Image", SimpleNamespace(Image=Picture))
    assert shown(["a", picture]) == [
        ("user", [*text("a"), {"inline_data": {"mime_type": mime_type, "data": data}}])
    ]


def test_what_is_given_is_not_changed() -> None:
    given: list[Any] = ["a", {"role": "user", "parts": [{"text": "c"}]}, SAID, [call("Boston")]]
    before = repr(given)
    to_contents(given)
    assert repr(given) == before


# Refusals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        (None, ValueError, "contents are required"),
        ([], ValueError, "contents are required"),
        ((), ValueError, "contents are required"),
        (3, TypeError, "contents: expected a string, bytes, image, file, part or content, got int"),
        (object(), TypeError, "contents: expected a string, bytes, image, file, part or content, got object"),
        (
            [["a", ["b"]]],
            TypeError,
            "contents[0][1]: expected a string, bytes, image, file, part or content, got list",
        ),
        (
            [[SAID]],
            TypeError,
            "contents[0][0]: expected a string, bytes, image, file, part or content, got Content",
        ),
        ({"txt": "a"}, ValueError, "contents has no field 'txt'; did you mean 'text'?"),
        ([{"text": 3}], TypeError, "contents[0].text: expected a string, got int"),
        ({"role": "system", "parts": [{"text": "a"}]}, ValueError, "use config.system_instruction"),
        (
            [types.Content(role="assistant")],
            ValueError,
            "contents[0].role: 'assistant' is neither 'user' nor 'model'",
        ),
        (
            {"role": "user", "parts": [3]},
            TypeError,
            "contents.parts[0]: expected a string, bytes, image, file, part or content, got int",
        ),
        (types.File(name="files/a"), ValueError, "the file 'files/a' has no uri or no mime_type yet"),
        (b"who knows", ValueError, "contents: the media type of these bytes is unknown"),
    ],
)
def test_what_cannot_be_sent_is_refused_by_place(given: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error) as caught:
        to_contents(given)
    assert says in str(caught.value)


def test_constructors_of_parts() -> None:
    part = types.Part
    assert present(part.from_bytes(data=b"x", mime_type="a/b").inline_data).data == b"x"
    assert present(part.from_uri(file_uri="https://x/y.pdf").file_data).mime_type == "application/pdf"
    with pytest.raises(ValueError, match="mime_type: Failed to determine mime type of 'https://x/y'"):
        part.from_uri(file_uri="https://x/y")
    file = "https://generativelanguage.googleapis.com/v1beta/files/abc123"
    assert present(types.FunctionResponsePart.from_uri(file_uri=file).file_data).mime_type in {None, ""}
    assert present(part.from_executable_code(code="1", language="PYTHON").executable_code).language == 1
    result = present(part.from_code_execution_result(outcome="OUTCOME_OK", output="2").code_execution_result)
    assert (result.outcome, result.output) == (types.Outcome.OUTCOME_OK, "2")
    assert types.UserContent("a").role == "user"
    assert types.ModelContent(["a", call("Boston")]).role == "model"
    assert len(present(types.UserContent(["a", URI]).parts)) == 2


# Next to google-genai --------------------------------------------------------------------------------

#: The same given to both; ``t`` is the module of types.
SAME: dict[str, Any] = {
    "string": lambda t: "a",
    "strings": lambda t: ["a", "b"],
    "part": lambda t: t.Part.from_text(text="a"),
    "uri": lambda t: ["a", t.Part.from_uri(file_uri="gs://b/x.jpg", mime_type="image/jpeg")],
    "guessed uri": lambda t: t.Part.from_uri(file_uri="gs://b/x.jpg"),
    "bytes": lambda t: t.Part.from_bytes(data=b"x", mime_type="image/png"),
    "call": lambda t: t.Part.from_function_call(name="f", args={"a": 1}),
    "calls": lambda t: [t.Part.from_function_call(name="f", args={"a": n}) for n in range(2)],
    "mixed": lambda t: ["a", t.Part.from_function_call(name="f", args={}), "b", "c"],
    "answer": lambda t: t.Part.from_function_response(name="f", response={"r": [1, None, "x"]}),
    "content": lambda t: t.Content(role="user", parts=[t.Part(text="a")]),
    "contents": lambda t: [t.UserContent("a"), t.ModelContent(["b"]), t.UserContent(parts=["c"])],
    "content among parts": lambda t: ["a", t.Content(role="model", parts=[t.Part(text="c")]), "b"],
    "inner list": lambda t: ["a", ["b", "c"], "d"],
    "inner list of calls": lambda t: [[t.Part.from_function_call(name="f", args={})]],
    "part as dict": lambda t: {"text": "a"},
    "parts as dicts": lambda t: [{"text": "a"}, {"inline_data": {"mime_type": "a/b", "data": b"x"}}],
    "content as dict": lambda t: {"role": "model", "parts": [{"text": "a"}]},
    "contents as dicts": lambda t: [
        {"role": "user", "parts": [{"text": "a"}]},
        {"role": "model", "parts": []},
    ],
    "file data as dict": lambda t: {"file_uri": "gs://b/x", "mime_type": "a/b"},
    "file": lambda t: t.File(uri="https://x/files/a", mime_type="a/b"),
    "file and text": lambda t: [t.File(uri="https://x/files/a", mime_type="a/b"), "what?"],
    "code": lambda t: t.Part.from_executable_code(code="1", language="PYTHON"),
    "thought": lambda t: t.Content(role="model", parts=[t.Part(text="a", thought=True)]),
}


@pytest.mark.parametrize("make", SAME.values(), ids=SAME.keys())
def test_like_google_genai(make: Any) -> None:
    theirs = pytest.importorskip("google.genai.types")
    from google.genai import _transformers

    wanted = _transformers.t_contents(make(theirs))
    ours = [types.Content.of(content) for content in to_contents(make(types))]
    assert ours == [types.Content.model_validate_json(c.model_dump_json(exclude_none=True)) for c in wanted]
    for one, other in zip(ours, wanted, strict=True):
        assert one.role == other.role
        assert len(one.parts or ()) == len(other.parts or ())


@pytest.mark.parametrize(
    "make",
    [
        lambda t: None,
        lambda t: [],
        lambda t: (),
        lambda t: 3,
        lambda t: t.File(name="files/a"),
        lambda t: [[t.Content(role="user", parts=[])]],
        lambda t: {"txt": "a"},
    ],
)
def test_refused_like_google_genai(make: Any) -> None:
    theirs = pytest.importorskip("google.genai.types")
    from google.genai import _transformers

    for convert, module in ((_transformers.t_contents, theirs), (to_contents, types)):
        with pytest.raises((ValueError, TypeError)):
            convert(make(module))
