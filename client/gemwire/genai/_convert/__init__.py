"""Pure conversions between the types of `gemwire.genai` and messages.

Functions ``to_…`` return messages, functions ``from_…`` public types. What is passed in is never changed.
They raise ValueError for a value that cannot be sent and TypeError for one of a wrong type; the message names
the argument, for which they take its name where it varies.
"""
