"""An emulator of the Gemini API."""
