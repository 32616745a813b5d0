"""Errors of what was given for a field. They begin with the path of the value, or with the object's class."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

#: What an error begins with that names the class of the object instead of its path.
_CLASS = re.compile(r"[A-Z]\w*(?= has no field )")
#: What an error begins with that names a path already.
_PATH = re.compile(r"[a-z]\w*(?:\[[^\]]*\]|\.\w+)*(?:: | has no field )")


def describe_unknown(owner: str, name: str, known: Mapping[str, str] | Iterable[str]) -> str:
    """Describe a field that an object lacks.

    Args:
        owner: Path or class of the object.
        name: Name that was given.
        known: Names that the object accepts; a mapping has the names to show for them.
    """
    # Imported late: few programs make mistakes.
    import difflib

    shown = known if isinstance(known, Mapping) else {one: one for one in known}
    near = (
        difflib.get_close_matches(name, shown, 1)
        or [one for one in shown if len(name) > 3 and name in one][:1]
    )
    names = sorted(set(shown.values()))
    hint = f"did you mean {shown[near[0]]!r}?" if near else f"it has {', '.join(names) or 'none'}"
    return f"{owner} has no field {name!r}; {hint}"


class MissingFieldError(ValueError):
    """A message has no such field, but its counterpart in another family does.

    The text begins with the path of the field.
    """


def locate(path: str, error: Exception) -> Exception:
    """Return an error with the path of its value in front: ``config.tools[0]: expected a dict, got int``."""
    text = str(error)
    if isinstance(error, MissingFieldError):
        return MissingFieldError(path + (text if text.startswith("[") else f".{text}"))
    if found := _CLASS.match(text):
        text = text[found.end() :]
    elif _PATH.match(text):
        text = f".{text}"
    elif not text.startswith("["):
        text = f": {text}"
    # Some subclasses, such as UnicodeEncodeError, are not made of a text.
    return (TypeError if isinstance(error, TypeError) else ValueError)(path + text)
