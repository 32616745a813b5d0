"""A call of the journal as JSON: a row of the list, and all of it."""

from __future__ import annotations

import base64
import re
from typing import Any

from gemwire_emulator.http.json_errors import error_to_json
from gemwire_emulator.http.page.elision import to_display_json
from gemwire_emulator.journal_entry import JournalEntry
from gemwire_emulator.prompt_text import texts_in

#: Characters of a request's text that a row has.
_EXCERPT = 160
#: Headers that are never shown, whatever the journal keeps of them.
_SECRET_NAME = re.compile(r"key|token|auth|cookie|secret|password|credential|session", re.IGNORECASE)
#: The same inside of values: addresses with keys in them, as a browser's Referer.
_SECRET_VALUE = re.compile(r"([?&;](?:key|access_token|oauth_token|token)=)[^&;#\s]+", re.IGNORECASE)
#: Message fields that count tokens of what came, and of what was answered.
_PROMPT = ("prompt_token_count",)
_OUTPUT = ("candidates_token_count", "response_token_count")


def summarize_call(entry: JournalEntry) -> dict[str, Any]:
    """What the list shows of a call."""
    request = entry.request
    prompt, output = _tokens(entry.response)
    return {
        "number": entry.number,
        "method": entry.method,
        "model": _model(request),
        "front": entry.front,
        "status": entry.status,
        "began": round(entry.began, 3),
        "elapsed": _rounded(entry.elapsed),
        "first": _rounded(entry.first),
        "messages": entry.messages,
        "tokens": {"prompt": prompt, "output": output},
        "bytes": entry.size,
        "text": _excerpt(request),
    }


def describe_call(entry: JournalEntry, *, elide: bool) -> dict[str, Any]:
    """All of a call.

    Args:
        entry: The call.
        elide: Leave long bytes and vectors out.
    """
    # A response comes before its time, and more come while this is written.
    times = [_rounded(time) for time in list(entry.times)]
    shown = summarize_call(entry) | {
        "peer": entry.peer,
        "metadata": {key: _value(key, value) for key, value in entry.metadata.items()},
        "requests": [to_display_json(request, elide=elide) for request in entry.requests],
        "responses": [to_display_json(response, elide=elide) for response in entry.responses[: len(times)]],
        "complete": entry.complete,
        "times": times,
    }
    if entry.failure is not None:
        shown |= error_to_json(entry.failure)
    return shown


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)


def _value(key: str, value: Any) -> str:
    if _SECRET_NAME.search(key):
        return "…"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return _SECRET_VALUE.sub(r"\1…", str(value))


def _model(request: Any) -> str:
    if request is None:
        return ""
    named = getattr(request, "model", "") or getattr(getattr(request, "setup", None), "model", "")
    if not isinstance(named, str):
        named = getattr(named, "name", "")
    name = getattr(request, "name", "")
    if not named and isinstance(name, str) and name.startswith(("models/", "tunedModels/")):
        named = "/".join(name.split("/")[:2])
    return str(named)


def _excerpt(request: Any) -> str:
    if request is None:
        return ""
    # Of a conversation, what was said last.
    contents = getattr(request, "contents", None)
    about = contents[-1] if contents and hasattr(contents[-1], "ListFields") else request
    text = next(texts_in(about), "") or str(getattr(request, "name", ""))
    return " ".join(text[: 2 * _EXCERPT].split())[:_EXCERPT]


def _tokens(response: Any) -> tuple[int | None, int | None]:
    """Tokens of the prompt and of the answer, if the answer says so."""
    usage = getattr(response, "usage_metadata", None)
    if usage is None:
        total = getattr(response, "total_tokens", None)
        return (total if isinstance(total, int) else None), None
    return _count(usage, _PROMPT), _count(usage, _OUTPUT)


def _count(usage: Any, names: tuple[str, ...]) -> int | None:
    return next((getattr(usage, name) or None for name in names if hasattr(usage, name)), None)
