"""Custom metadata of documents and chunks, and the filters of queries that test it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

from gemwire_emulator.errors import invalid_argument, quote
from gemwire_proto import v1beta

#: Entries that a document or a chunk may have.
_ENTRIES = 20
_OPERATORS: Any = v1beta.Condition.Operator
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
_LISTS: dict[int, Callable[[Any, str], bool]] = {
    _OPERATORS.INCLUDES: lambda stored, given: given in stored,
    _OPERATORS.EXCLUDES: lambda stored, given: given not in stored,
}


def check_metadata(entries: Any, field: str) -> None:
    """Refuse metadata that cannot be stored.

    Args:
        entries: CustomMetadata messages.
        field: Where they are in the request.

    Raises:
        StatusError: Too many, or one without a key, without a value, or with the key of another.
    """
    if len(entries) > _ENTRIES:
        raise invalid_argument(field, f"has {len(entries)} entries; at most {_ENTRIES} are allowed")
    seen: set[str] = set()
    for i, entry in enumerate(entries):
        if not entry.key:
            raise invalid_argument(f"{field}[{i}].key", "is required")
        if entry.key in seen:
            raise invalid_argument(
                f"{field}[{i}].key", f"{quote(entry.key)} has an entry already; use each key once"
            )
        if entry.WhichOneof("value") is None:
            raise invalid_argument(
                f"{field}[{i}].value", "set one of string_value, string_list_value and numeric_value"
            )
        seen.add(entry.key)


class Filters:
    """The metadata filters of one query: all must pass, and of each one condition suffices."""

    def __init__(self, filters: Any, field: str, levels: Iterable[str]) -> None:
        """Check them.

        Args:
            filters: MetadataFilter messages.
            field: Where they are in the request.
            levels: What may be tested: ``document``, ``chunk``.

        Raises:
            StatusError: One is malformed, tests what this query cannot, or asks two texts of one key.
        """
        self._of: dict[str, list[tuple[str, Any]]] = {level: [] for level in levels}
        textual: dict[str, bool] = {}
        for i, one in enumerate(filters):
            path = f"{field}[{i}]"
            level, key = self._split(one.key, f"{path}.key")
            text = _check_conditions(one.conditions, path)
            if one.key in textual and (text or textual[one.key]):
                raise invalid_argument(
                    f"{path}.key",
                    f"{quote(one.key)} is tested by another filter already; text values cannot be ANDed",
                )
            textual[one.key] = text
            self._of[level].append((key, one.conditions))

    def _split(self, key: str, field: str) -> tuple[str, str]:
        for level in self._of:
            prefix = f"{level}.custom_metadata."
            if key.startswith(prefix) and len(key) > len(prefix):
                return level, key[len(prefix) :]
        forms = " or ".join(f"{level}.custom_metadata.*" for level in self._of)
        raise invalid_argument(
            field, f"{quote(key)} is not of the form {forms}" if key else f"is required, as {forms}"
        )

    def accept(self, level: str, resource: Any) -> bool:
        """Whether a document or a chunk passes the filters of its level."""
        tests = self._of.get(level)
        if not tests:
            return True
        stored = {entry.key: entry for entry in resource.custom_metadata}
        return all(
            key in stored and any(_holds(condition, stored[key]) for condition in conditions)
            for key, conditions in tests
        )


def _check_conditions(conditions: Any, path: str) -> bool:
    """Refuse conditions that are not whole; tells whether one of them compares with a text."""
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


def _holds(condition: Any, entry: Any) -> bool:
    """Whether a stored value passes. A value of another kind never does, which is no error."""
    kinds = (entry.WhichOneof("value"), condition.WhichOneof("value"))
    test: Callable[[Any, Any], bool] | None
    if kinds == ("numeric_value", "numeric_value"):
        test = _NUMBERS.get(condition.operation)
        return test is not None and test(entry.numeric_value, condition.numeric_value)
    if kinds == ("string_value", "string_value"):
        test = _STRINGS.get(condition.operation)
        return test is not None and test(entry.string_value, condition.string_value)
    if kinds == ("string_list_value", "string_value"):
        test = _LISTS.get(condition.operation)
        return test is not None and test(entry.string_list_value.values, condition.string_value)
    return False
