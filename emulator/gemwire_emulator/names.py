"""Resource names and ids: their patterns, and the generation of new ids."""

from __future__ import annotations

import re

from gemwire_emulator.errors import invalid_argument, quote

#: A segment of a name; "." and ".." would be steps of a path.
_SEGMENT = r"(?!\.\.?(?:/|\Z))[^/\s]+"
#: Characters of a name; a longer one is not repeated in an error.
_MAX_LENGTH = 256
#: Ids that callers may choose: AIP-122, and the 40 characters of the corpus documentation.
_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?\Z")


def check_name(name: str, pattern: str, field: str) -> str:
    """Return a resource name if it has the form of a pattern.

    Args:
        name: The name.
        pattern: Such as ``corpora/*/documents/*``; several are separated by ``|``.
        field: Name of the field in errors.

    Raises:
        StatusError: INVALID_ARGUMENT; the name is empty or has another form.
    """
    if not name:
        raise invalid_argument(field, f"is required; its form is {pattern.replace('|', ' or ')}")
    if len(name) > _MAX_LENGTH:
        raise invalid_argument(
            field, f"{quote(name)} is longer than the {_MAX_LENGTH} characters that a name may have"
        )
    for form in pattern.split("|") if name.isprintable() else ():
        if re.fullmatch(re.escape(form).replace(r"\*", _SEGMENT), name):
            return name
    raise invalid_argument(field, f"{quote(name)} is not of the form {pattern.replace('|', ' or ')}")


def check_id(identifier: str, field: str) -> str:
    """Return an id if callers may choose it: at most 40 of a-z, 0-9 and inner dashes.

    Raises:
        StatusError: INVALID_ARGUMENT; the id has another form.
    """
    if not _ID.match(identifier):
        raise invalid_argument(
            field, f"{quote(identifier)} must be 1 to 40 of a-z, 0-9 and -, with no dash at an end"
        )
    return identifier


def generate_id(display_name: str, number: int, length: int = 40) -> str:
    """Return an id derived from a display name and a number: ``my-corpus-00001a`` for "My corpus!"."""
    stem = re.sub(r"[^a-z0-9]+", "-", display_name.lower()).strip("-")
    suffix = _to_base36(number * 2_654_435_761 % 36**12)
    return f"{stem[: length - 13]}-{suffix}".strip("-")


def _to_base36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    text = ""
    for _ in range(12):
        number, digit = divmod(number, 36)
        text = digits[digit] + text
    return text
