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


@group("Tokens of live sessions")
async def tokens(run: Run) -> Any:
    model, config = "gemini-live-2.5-flash-preview", {"response_modalities": ["TEXT"]}
    brief = {"model": model, "config": {"system_instruction": "Be brief.", **config}}
    outcomes: list[Any] = []
    for wanted in (
        {"uses": 2},
        {"live_connect_constraints": brief},
        {"live_connect_constraints": brief, "lock_additional_fields": ["output_audio_transcription"]},
    ):
        token = await run.client.aio.auth_tokens.create(config=wanted)
        outcomes.append(token.name.partition("/")[0])
        client = run.create_client(api_key=token.name, http_options={"api_version": "v1alpha"})
        for _ in range(3):
            try:
                loud = {"system_instruction": "Be loud.", **config}
                async with client.aio.live.connect(model=model, config=loud) as session:
                    turn = {"parts": [{"text": "Who is there?"}], "role": "user"}
                    await session.send_client_content(turns=turn)
                    outcomes.append("".join([message.text or "" async for message in session.receive()]))
            except run.errors.APIError as error:
                # The code is that of HTTP, or of the WebSocket.
                outcomes.append(str(error).partition("The token")[2].partition(".")[0])
    return outcomes
