"""Pydantic models of other packages, such as google-genai's types, in the place of views and dicts."""

from __future__ import annotations


def unwrap(value: object) -> object:
    """Return the fields of a pydantic model that are set, as a dict; return any other value as it is.

    Values are not converted, so that functions and types among them stay what they are. pydantic is not
    imported: a program that has such an object has done that.
    """
    kind = type(value)
    names = getattr(kind, "__pydantic_fields__", None)
    if names is None:
        return value
    extra = getattr(value, "__pydantic_extra__", None) or {}
    fields = {name: getattr(value, name) for name in names} | extra
    return {name: item for name, item in fields.items() if item is not None}
