"""Resource names: their patterns, and new ones made the documented way."""

from __future__ import annotations

import re

from gemwire_emulator.errors import invalid_argument, quote

#: No path would have "." and ".." as steps.
_SEGMENT = r"(?!\.\.?(?:/|\Z))[^/\s]+"
#: No name is as long; longer ones are not repeated in an error.
_LONGEST = 256
#: Ids that callers may choose: AIP-122, and the 40 characters of the corpus documentation.
_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?\Z")


def check(name: str, pattern: str, field: str) -> str:
    """Refuse a name that is not of a pattern.

    Args:
        name: The name.
        pattern: Such as ``corpora/*/documents/*``; several, separated by ``|``.
        field: What to call it in the error.

    Raises:
        StatusError: It is empty or of another form.
    """
    if not name:
        raise invalid_argument(field, f"is required; its form is {pattern.replace('|', ' or ')}")
    if len(name) > _LONGEST:
        raise invalid_argument(
            field, f"{quote(name)} is longer than the {_LONGEST} characters that a name may have"
        )
    for one in pattern.split("|") if name.isprintable() else ():
        if re.fullmatch(re.escape(one).replace(r"\*", _SEGMENT), name):
            return name
    raise invalid_argument(field, f"{quote(name)} is not of the form {pattern.replace('|', ' or ')}")


def check_id(identifier: str, field: str) -> str:
    """Refuse an id that a caller cannot choose.

    Raises:
        StatusError: It has other characters than a-z, 0-9 and dashes inside, or more than 40.
    """
    if not _ID.match(identifier):
        raise invalid_argument(
            field, f"{quote(identifier)} must be 1 to 40 of a-z, 0-9 and -, with no dash at an end"
        )
    return identifier


def derived(display_name: str, number: int, length: int = 40) -> str:
    """An id made of a display name and a number: ``my-corpus-00001a`` for "My corpus!"."""
    stem = re.sub(r"[^a-z0-9]+", "-", display_name.lower()).strip("-")
    suffix = _base36(number * 2_654_435_761 % 36**12)
    return f"{stem[: length - 13]}-{suffix}".strip("-")


def _base36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    text = ""
    for _ in range(12):
        number, digit = divmod(number, 36)
        text = digits[digit] + text
    return text
