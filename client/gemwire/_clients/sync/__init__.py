# Derived from _clients/aio/__init__.py by scripts/unasync. DO NOT EDIT.
"""The sync service clients, derived from ``aio`` (scripts/unasync)."""
