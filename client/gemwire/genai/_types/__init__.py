"""The public objects of `gemwire.genai.types`: views of messages, and configs."""
