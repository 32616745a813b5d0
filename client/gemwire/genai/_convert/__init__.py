"""Pure conversions between the types of `gemwire.genai` and messages.

Functions ``to_…`` return messages, functions ``from_…`` public types. What is passed in is never changed.
"""
