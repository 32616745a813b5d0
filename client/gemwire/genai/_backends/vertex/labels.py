"""The rule of labels of a request."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

_LENGTH = 63
_LETTERS = frozenset({"Ll", "Lo"})


def check_labels(labels: Mapping[str, str], argument: str = "config.labels") -> None:
    """Check the keys and the values of labels. Characters are counted as code points."""
    for key, value in labels.items():
        if not key:
            raise ValueError(f"{argument}: a key is empty; keys begin with a lowercase letter")
        if unicodedata.category(key[0]) not in _LETTERS:
            raise ValueError(f"{argument}: the key {key!r} does not begin with a lowercase letter")
        for what, text in (("the key", key), (f"the value of {key!r},", value)):
            if len(text) > _LENGTH:
                raise ValueError(
                    f"{argument}: {what} {text!r} has {len(text)} characters; {_LENGTH} are allowed"
                )
            wrong = next((one for one in text if not (one in "_-" or _is_allowed(one))), None)
            if wrong is not None:
                raise ValueError(
                    f"{argument}: {what} {text!r} has {wrong!r}; "
                    "lowercase letters, digits, _ and - are allowed"
                )


def _is_allowed(character: str) -> bool:
    kind = unicodedata.category(character)
    return kind in _LETTERS or kind.startswith("N")
