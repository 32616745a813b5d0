"""Further fields of requests, given as JSON in ``http_options.extra_body``."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.message import Message

from gemwire.genai._convert.request_bytes import RequestDraft
from gemwire_runtime.pool import POOL


def add_extra_body(request: Message | RequestDraft, extra: Mapping[str, object]) -> None:
    """Set further fields of a request, which override its own; nested ones are merged."""
    # Imported late: few programs have one.
    from google.protobuf import json_format

    message = request.last if isinstance(request, RequestDraft) else request
    try:
        json_format.ParseDict(dict(extra), message, descriptor_pool=POOL)
    except json_format.ParseError as error:
        raise ValueError(f"http_options.extra_body: {error}") from None
