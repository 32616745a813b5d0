"""Vertex AI: its services beside those of the Gemini API, with the same state and engines."""
