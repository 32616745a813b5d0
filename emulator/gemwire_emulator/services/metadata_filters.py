"""Custom metadata of documents and chunks, and the filters of queries that test it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Container, Iterable, Sequence

from gemwire_emulator.errors import invalid_argument, quote
from gemwire_proto import v1beta

#: Maximum entries of a document or a chunk.
_ENTRIES = 20
_OPERATORS = v1beta.Condition.Operator
_NUMBERS: dict[int, Callable[[float, float], bool]] = {
    _OPERATORS.LESS: operator.lt,
    _OPERATORS.LESS_EQUAL: operator.le,
    _OPERATORS.EQUAL: operator.eq,
    _OPERATORS.GREATER_EQUAL: operator.ge,
    _OPERATORS.GREATER: operator.gt,
    _OPERATORS.NOT_EQUAL: operator.ne,
}
_STRINGS: dict[int, Callable[[str, str], bool]] = {
    _OPERATORS.EQUAL: operator.eq,
    _OPERATORS.NOT_EQUAL: operator.ne,
}
_LISTS: dict[int, Callable[[Container[str], str], bool]] = {
    _OPERATORS.INCLUDES: lambda stored, given: given in stored,
    _OPERATORS.EXCLUDES: lambda stored, given: given not in stored,
}


def check_metadata(entries: Sequence[v1beta.CustomMetadata], field: str) -> None:
    """Check that metadata can be stored.

    Args:
        entries: The metadata.
        field: Path of the metadata, for errors.

    Raises:
        StatusError: There are too many entries, or one has no key, no value, or the key of another.
    """
    if len(entries) > _ENTRIES:
        raise invalid_argument(field, f"has {len(entries)} entries; at most {_ENTRIES} are allowed")
    seen: set[str] = set()
    for i, entry in enumerate(entries):
        if not entry.key:
            raise invalid_argument(f"{field}[{i}].key", "is required")
        if entry.key in seen:
            raise invalid_argument(
                f"{field}[{i}].key", f"{quote(entry.key)} already has an entry; use each key once"
            )
        if entry.WhichOneof("value") is None:
            raise invalid_argument(
                f"{field}[{i}].value", "set one of string_value, string_list_value and numeric_value"
            )
        seen.add(entry.key)


class Filters:
    """The metadata filters of one query: all must match, by any of their conditions."""

    def __init__(self, filters: Iterable[v1beta.MetadataFilter], field: str, levels: Iterable[str]) -> None:
        """Parse filters.

        Args:
            filters: The filters.
            field: Path of the filters, for errors.
            levels: Levels that may be tested: ``document``, ``chunk``.

        Raises:
            StatusError: A filter is malformed, tests another level, or combines two texts of one key.
        """
        self._filters: dict[str, list[tuple[str, Sequence[v1beta.Condition]]]] = {
            level: [] for level in levels
        }
        textual: dict[str, bool] = {}
        for i, one in enumerate(filters):
            path = f"{field}[{i}]"
            level, key = self._split(one.key, f"{path}.key")
            text = _check_conditions(one.conditions, path)
            if one.key in textual and (text or textual[one.key]):
                raise invalid_argument(
                    f"{path}.key",
                    f"{quote(one.key)} is tested by another filter; text values cannot be ANDed",
                )
            textual[one.key] = text
            self._filters[level].append((key, one.conditions))

    def _split(self, key: str, field: str) -> tuple[str, str]:
        for level in self._filters:
            prefix = f"{level}.custom_metadata."
            if key.startswith(prefix) and len(key) > len(prefix):
                return level, key[len(prefix) :]
        forms = " or ".join(f"{level}.custom_metadata.*" for level in self._filters)
        raise invalid_argument(
            field, f"{quote(key)} is not of the form {forms}" if key else f"is required, as {forms}"
        )

    def accept(self, level: str, resource: v1beta.Document | v1beta.Chunk) -> bool:
        """Return whether a document or a chunk matches the filters of its level."""
        tests = self._filters.get(level)
        if not tests:
            return True
        stored = {entry.key: entry for entry in resource.custom_metadata}
        return all(
            key in stored and any(_matches(condition, stored[key]) for condition in conditions)
            for key, conditions in tests
        )


def _check_conditions(conditions: Sequence[v1beta.Condition], path: str) -> bool:
    """Check conditions, and return whether one of them compares with a text."""
    if not conditions:
        raise invalid_argument(f"{path}.conditions", "is required")
    for i, condition in enumerate(conditions):
        if condition.WhichOneof("value") is None:
            raise invalid_argument(
                f"{path}.conditions[{i}].value", "set one of string_value and numeric_value"
            )
        if condition.operation not in _NUMBERS and condition.operation not in _LISTS:
            raise invalid_argument(
                f"{path}.conditions[{i}].operation",
                "is required; it is one of " + ", ".join(_OPERATORS.keys()[1:]),
            )
    return any(condition.WhichOneof("value") == "string_value" for condition in conditions)


def _matches(condition: v1beta.Condition, entry: v1beta.CustomMetadata) -> bool:
    """Return whether a stored value matches; a value of another type never does."""
    kinds = (entry.WhichOneof("value"), condition.WhichOneof("value"))
    if kinds == ("numeric_value", "numeric_value"):
        compare = _NUMBERS.get(condition.operation)
        return compare is not None and compare(entry.numeric_value, condition.numeric_value)
    if kinds == ("string_value", "string_value"):
        equal = _STRINGS.get(condition.operation)
        return equal is not None and equal(entry.string_value, condition.string_value)
    if kinds == ("string_list_value", "string_value"):
        contains = _LISTS.get(condition.operation)
        return contains is not None and contains(entry.string_list_value.values, condition.string_value)
    return False
