"""Conversations that remember."""

from __future__ import annotations

from typing import Any

from genai_snippets.group import MODEL, Run, group

FIRST, SECOND = "My boat is called Heron.", "What is my boat called?"


def said(chat: Any) -> list[Any]:
    """The history: role and text of each content."""
    return [(c.role, "".join(p.text or "" for p in c.parts)) for c in chat.get_history()]


def merged(chat: Any, texts: list[list[str]]) -> Any:
    """What does not depend on how the history has an answer; the second answer does."""
    answered = "".join(text for role, text in said(chat) if role == "model")
    assert answered == "".join(text for answer in texts for text in answer)
    return texts[0], [text for role, text in said(chat) if role == "user"]


@group("Chat")
def chat(run: Run) -> Any:
    chat = run.client.chats.create(model=MODEL)
    texts = [chat.send_message(message).text for message in (FIRST, SECOND)]
    return texts, said(chat)


@group("Chat, streamed", differs="the history has one content for a streamed answer, not one for each chunk")
def streamed(run: Run) -> Any:
    chat = run.client.chats.create(model=MODEL)
    texts = [[c.text for c in chat.send_message_stream(message)] for message in (FIRST, SECOND)]
    return merged(chat, texts)


@group("Chat, async")
async def chat_async(run: Run) -> Any:
    chat = run.client.aio.chats.create(model=MODEL)
    texts = [(await chat.send_message(message)).text for message in (FIRST, SECOND)]
    return texts, said(chat)


@group("Chat, streamed, async", differs="as above")
async def streamed_async(run: Run) -> Any:
    chat = run.client.aio.chats.create(model=MODEL)

    async def pieces(message: str) -> list[str]:
        return [c.text async for c in await chat.send_message_stream(message)]

    texts = [await pieces(message) for message in (FIRST, SECOND)]
    return merged(chat, texts)
