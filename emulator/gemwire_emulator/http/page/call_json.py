"""Calls of the journal as JSON: summaries for the list, and all details of a call."""

from __future__ import annotations

import base64
import re
from typing import Any, TypedDict

from gemwire_emulator.http.json_errors import error_to_json
from gemwire_emulator.http.page.elision import to_display_json
from gemwire_emulator.journal_entry import JournalEntry
from gemwire_emulator.prompt_text import iter_texts

#: Characters of the request's text in a summary.
_EXCERPT_LENGTH = 160
#: Headers whose values are never shown, whatever the journal keeps of them.
_SECRET_NAME = re.compile(r"key|token|auth|cookie|secret|password|credential|session", re.IGNORECASE)
#: Keys in the URLs of other headers, such as a browser's Referer.
_SECRET_VALUE = re.compile(r"([?&;](?:key|access_token|oauth_token|token)=)[^&;#\s]+", re.IGNORECASE)
#: Fields of usage metadata that count the tokens of the prompt and of the response.
_PROMPT_COUNTS = ("prompt_token_count",)
_OUTPUT_COUNTS = ("candidates_token_count", "response_token_count")


class CallSummary(TypedDict):
    """A call in the list; see the documentation of ``GET /emulator/calls``."""

    number: int
    method: str
    model: str
    front: str
    status: str | None
    began: float
    elapsed: float | None
    first: float | None
    messages: int
    tokens: dict[str, int | None]
    bytes: int
    text: str


def summarize_call(entry: JournalEntry) -> CallSummary:
    """Return what the list shows of a call."""
    request = entry.request
    prompt, output = _count_tokens(entry.response)
    return {
        "number": entry.number,
        "method": entry.method,
        "model": _find_model(request),
        "front": entry.front,
        "status": entry.status,
        "began": round(entry.began, 3),
        "elapsed": _round(entry.elapsed),
        "first": _round(entry.first),
        "messages": entry.messages,
        "tokens": {"prompt": prompt, "output": output},
        "bytes": entry.size,
        "text": _excerpt(request),
    }


def describe_call(entry: JournalEntry, *, elide: bool) -> dict[str, object]:
    """Return all details of a call.

    Args:
        entry: The call.
        elide: Omit long bytes and vectors.
    """
    # Responses are added before their times, and more may be added meanwhile.
    times = [_round(time) for time in list(entry.times)]
    details: dict[str, object] = {
        **summarize_call(entry),
        "peer": entry.peer,
        "metadata": {key: _redact(key, value) for key, value in entry.metadata.items()},
        "requests": [to_display_json(request, elide=elide) for request in entry.requests],
        "responses": [to_display_json(response, elide=elide) for response in entry.responses[: len(times)]],
        "complete": entry.complete,
        "times": times,
    }
    if entry.failure is not None:
        details |= error_to_json(entry.failure)
    return details


def _round(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)


def _redact(key: str, value: str | bytes) -> str:
    if _SECRET_NAME.search(key):
        return "…"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return _SECRET_VALUE.sub(r"\1…", str(value))


def _find_model(request: Any) -> str:
    if request is None:
        return ""
    model = getattr(request, "model", "") or getattr(getattr(request, "setup", None), "model", "")
    if not isinstance(model, str):
        model = getattr(model, "name", "")
    name = getattr(request, "name", "")
    if not model and isinstance(name, str) and name.startswith(("models/", "tunedModels/")):
        model = "/".join(name.split("/")[:2])
    return str(model)


def _excerpt(request: Any) -> str:
    if request is None:
        return ""
    # Of a conversation, the latest turn.
    contents = getattr(request, "contents", None)
    message = contents[-1] if contents and hasattr(contents[-1], "ListFields") else request
    text = next(iter_texts(message), "") or str(getattr(request, "name", ""))
    return " ".join(text[: 2 * _EXCERPT_LENGTH].split())[:_EXCERPT_LENGTH]


def _count_tokens(response: object) -> tuple[int | None, int | None]:
    """Return the tokens of prompt and output; None where the response does not report them."""
    usage = getattr(response, "usage_metadata", None)
    if usage is None:
        total = getattr(response, "total_tokens", None)
        return (total if isinstance(total, int) else None), None
    return _get_count(usage, _PROMPT_COUNTS), _get_count(usage, _OUTPUT_COUNTS)


def _get_count(usage: object, names: tuple[str, ...]) -> int | None:
    return next((getattr(usage, name) or None for name in names if hasattr(usage, name)), None)
