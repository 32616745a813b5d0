"""The messages of ``send`` in live sessions, which takes everything."""

from __future__ import annotations

from typing import Any

import pytest

from gemwire.genai import types
from gemwire.genai._convert.live import to_message
from gemwire_runtime.views import View

_TURN: Any = {"role": "user", "parts": [{"text": "a"}]}
_CLOCK: Any = {"id": "1", "name": "clock", "response": {"time": "noon"}}
_AUDIO: Any = {"data": b"\x00\x01", "mime_type": "audio/pcm"}


@pytest.mark.parametrize(
    ("given", "field", "says"),
    [
        (None, "client_content", {"turn_complete": True}),
        ("a", "client_content", {"turns": [_TURN]}),
        (
            ["a", types.Part(text="b")],
            "client_content",
            {"turns": [{**_TURN, "parts": [{"text": "a"}, {"text": "b"}]}]},
        ),
        (types.UserContent("a"), "client_content", {"turns": [_TURN]}),
        (
            {"turns": [_TURN], "turn_complete": True},
            "client_content",
            {"turns": [_TURN], "turn_complete": True},
        ),
        ({"content": [_TURN]}, "client_content", {"turns": [_TURN]}),
        (types.LiveClientContent(turns=[_TURN]), "client_content", {"turns": [_TURN]}),
        (_AUDIO, "realtime_input", {"media_chunks": [_AUDIO]}),
        (types.Blob(**_AUDIO), "realtime_input", {"media_chunks": [_AUDIO]}),
        ([types.Blob(**_AUDIO), _AUDIO], "realtime_input", {"media_chunks": [_AUDIO, _AUDIO]}),
        ({"media_chunks": [_AUDIO]}, "realtime_input", {"media_chunks": [_AUDIO]}),
        (types.LiveClientRealtimeInput(text="a"), "realtime_input", {"text": "a"}),
        (_CLOCK, "tool_response", {"function_responses": [_CLOCK]}),
        ([types.FunctionResponse(**_CLOCK)], "tool_response", {"function_responses": [_CLOCK]}),
        ({"function_responses": [_CLOCK]}, "tool_response", {"function_responses": [_CLOCK]}),
        (
            types.LiveClientToolResponse(function_responses=[_CLOCK]),
            "tool_response",
            {"function_responses": [_CLOCK]},
        ),
    ],
    ids=repr,
)
@pytest.mark.parametrize("google", [False, True])
def test_send_takes_everything(given: Any, field: str, says: dict[str, Any], google: bool) -> None:
    message = to_message(_as_google_has_it(given) if google else given, end_of_turn=False)
    assert message.WhichOneof("message_type") == field
    shown = getattr(types.LiveClientMessage.of(message), field)
    assert shown.model_dump(exclude_none=True, exclude_unset=True) == says


def test_the_end_of_a_turn() -> None:
    assert to_message("a", end_of_turn=True).client_content.turn_complete
    assert not to_message("a", end_of_turn=False).client_content.turn_complete


def _as_google_has_it(given: Any) -> Any:
    """The same as an object of google.genai.types."""
    theirs: Any = pytest.importorskip("google.genai.types")
    if isinstance(given, list):
        return [_as_google_has_it(item) for item in given]
    if isinstance(given, View):
        kind = getattr(theirs, type(given).__name__.replace("UserContent", "Content"))
        return kind.model_validate(given.model_dump(exclude_none=True))
    return given
