# Derived from aio/__init__.py by scripts/unasync. DO NOT EDIT.
"""The threads flavour, derived from ``aio``."""
