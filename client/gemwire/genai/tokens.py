"""Tokens of live sessions, under the module's name in google-genai."""

from __future__ import annotations

from gemwire.genai._aio.tokens import AsyncTokens as AsyncTokens
from gemwire.genai._sync.tokens import Tokens as Tokens
