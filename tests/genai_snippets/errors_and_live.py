"""Errors and live sessions."""

from __future__ import annotations

from typing import Any

from genai_snippets.group import Run, group


@group("Errors", differs="each status has an error class, such as NotFound, and errors name the failed call")
def errors(run: Run) -> Any:
    try:
        run.client.models.generate_content(model="no-such-model", contents="Who are you?")
    except run.errors.APIError as error:
        return isinstance(error, run.errors.ClientError), error.code, error.status, error.message


@group("Live session", differs="over gRPC instead of a WebSocket")
async def live(run: Run) -> Any:
    config = {"response_modalities": ["TEXT"]}
    texts = []
    async with run.client.aio.live.connect(model="gemini-2.0-flash-live-001", config=config) as session:
        for asked in ("Is anyone there?", "And now?"):
            await session.send_client_content(turns={"parts": [{"text": asked}], "role": "user"})
            texts.append("".join([message.text or "" async for message in session.receive()]))
    return texts
