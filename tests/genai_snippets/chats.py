"""Chats."""

from __future__ import annotations

from typing import Any

from genai_snippets.group import MODEL, Run, group

FIRST, SECOND = "My boat is called Heron.", "What is my boat called?"


def history_of(chat: Any) -> list[Any]:
    """Return the role and text of each content of the history."""
    return [(c.role, "".join(p.text or "" for p in c.parts)) for c in chat.get_history()]


def summarize(chat: Any, texts: list[list[str]]) -> Any:
    """Return what does not depend on how the history stores responses: the texts of both sides."""
    response_text = "".join(text for role, text in history_of(chat) if role == "model")
    assert response_text == "".join(text for answer in texts for text in answer)
    return texts[0], [text for role, text in history_of(chat) if role == "user"]


@group("Chat")
def chat(run: Run) -> Any:
    chat = run.client.chats.create(model=MODEL)
    texts = [chat.send_message(message).text for message in (FIRST, SECOND)]
    return texts, history_of(chat)


@group("Chat, streaming", differs="the history has one content for a streamed response, not one per chunk")
def streamed(run: Run) -> Any:
    chat = run.client.chats.create(model=MODEL)
    texts = [[c.text for c in chat.send_message_stream(message)] for message in (FIRST, SECOND)]
    return summarize(chat, texts)


@group("Chat (async)")
async def chat_async(run: Run) -> Any:
    chat = run.client.aio.chats.create(model=MODEL)
    texts = [(await chat.send_message(message)).text for message in (FIRST, SECOND)]
    return texts, history_of(chat)


@group("Chat, streaming (async)", differs="as above")
async def streamed_async(run: Run) -> Any:
    chat = run.client.aio.chats.create(model=MODEL)

    async def pieces(message: str) -> list[str]:
        return [c.text async for c in await chat.send_message_stream(message)]

    texts = [await pieces(message) for message in (FIRST, SECOND)]
    return summarize(chat, texts)
