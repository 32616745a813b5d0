"""Chats, under the module's name in google-genai."""

from __future__ import annotations

from gemwire.genai._aio.chats import AsyncChat as AsyncChat
from gemwire.genai._aio.chats import AsyncChats as AsyncChats
from gemwire.genai._sync.chats import Chat as Chat
from gemwire.genai._sync.chats import Chats as Chats
