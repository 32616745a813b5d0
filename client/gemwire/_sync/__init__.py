# Derived from _async/__init__.py by scripts/unasync. DO NOT EDIT.
"""The sync clients, derived from ``_async`` (scripts/unasync)."""
