"""Programs of frameworks that use the Gemini API, run in the venv of scripts/frameworks."""
