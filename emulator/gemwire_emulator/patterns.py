"""Patterns of fault rules and canned replies: regular expressions of RE2, which take linear time.

Python's would let a single request occupy the process for good.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

#: Text that means the same as a regular expression and as itself; it needs no engine.
_PLAIN = re.compile(r"[\w/: -]*")


def matches(pattern: str, text: str) -> bool:
    """Return whether a pattern is found in a text; an empty one is found in all texts."""
    return not pattern or _compile(pattern)(text)


def check_pattern(name: str, pattern: object) -> None:
    """Raise ValueError, with the name of the field, unless a value is a pattern."""
    if not isinstance(pattern, str):
        raise ValueError(f"{name}: {pattern!r} is not a string")  # noqa: TRY004 - it is data
    try:
        _compile(pattern)
    except ValueError as error:
        raise ValueError(f"{name}: is not a regular expression: {error}") from None


@functools.lru_cache(1000)
def _compile(pattern: str) -> Callable[[str], bool]:
    if _PLAIN.fullmatch(pattern):
        return lambda text: pattern in text
    try:
        import re2
    except ImportError:
        raise ValueError("it requires google-re2: pip install 'gemwire[emulator]'") from None
    options = re2.Options()
    options.log_errors = False
    try:
        search = re2.compile(pattern, options).search
    except re2.error as error:
        reason = error.args[0]
        raise ValueError(reason.decode() if isinstance(reason, bytes) else str(reason)) from None
    return lambda text: search(text) is not None
