"""Builders and readers of messages: pure functions between the types of `gemwire.genai` and the API."""
