# Derived from genai/_aio/__init__.py by scripts/unasync. DO NOT EDIT.
"""The sync resources, derived from ``_aio`` (scripts/unasync)."""
