"""The rule of labels."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from gemwire_emulator.errors import invalid_argument, quote

_LENGTH = 63
_LETTERS = ("Ll", "Lo")
_MOST = 64


def check_labels(labels: Mapping[str, str]) -> None:
    """Check the keys and the values of labels.

    Raises:
        StatusError: INVALID_ARGUMENT; one is too long or has a character that labels cannot have.
    """
    if len(labels) > _MOST:
        raise invalid_argument("labels", f"has {len(labels)} entries; at most {_MOST} are allowed")
    for key, value in labels.items():
        if not key or unicodedata.category(key[0]) not in _LETTERS:
            raise invalid_argument("labels", f"the key {quote(key)} must begin with a lowercase letter")
        for text in (key, value):
            if len(text) > _LENGTH:
                raise invalid_argument(
                    "labels", f"{quote(text)} has {len(text)} characters; at most {_LENGTH} are allowed"
                )
            if not all(character in "_-" or _is_allowed(character) for character in text):
                raise invalid_argument(
                    "labels", f"{quote(text)} may have only lowercase letters, digits, _ and -"
                )


def _is_allowed(character: str) -> bool:
    kind = unicodedata.category(character)
    return kind in _LETTERS or kind.startswith("N")
