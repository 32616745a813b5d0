"""Secrets that no log, traceback or debugger shows.

Sentry, rich, ``pytest -l`` and others record the local variables of every frame of an error. Keys and tokens
therefore pass through this package as objects that are text to what sends them, but hide their repr.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import ParamSpec, SupportsIndex, TypeVar, overload

_T = TypeVar("_T")
_P = ParamSpec("_P")

#: What an address has only if it holds more than scheme, host, port and path, such as a password or a key.
_MORE_THAN_ADDRESS = re.compile(r"[@?#=&;]")
_SENSITIVE_HEADER = re.compile(r"auth|key|token|secret|cookie|password|credential|upload-url", re.IGNORECASE)


class Secret(str):
    """Text with a repr that hides it. Slices are secrets too: rich shortens long strings."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"

    def __getitem__(self, index: SupportsIndex | slice) -> Secret:
        return Secret(super().__getitem__(index))


class SecretBytes(bytes):
    """Binary data with a repr that hides it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "b'***'"


class _OfWrongType(Secret):
    """Stands for an argument that should have been text; the value is dropped, its type is kept."""

    type_name: str


def hide_key(value: object) -> str | None:
    """Return an argument for a key as a secret, even if it is of a wrong type; see `type_name`."""
    if value is None or isinstance(value, Secret):
        return value
    if isinstance(value, str):
        return Secret(value)
    stand_in = _OfWrongType()
    stand_in.type_name = type(value).__name__
    return stand_in


def type_name(value: object) -> str:
    """Return the name of the type that an argument had before it was hidden."""
    if isinstance(value, _OfWrongType):
        return value.type_name
    return "str" if isinstance(value, Secret) else type(value).__name__


@overload
def hide_text(value: str) -> str: ...
@overload
def hide_text(value: _T) -> _T: ...
def hide_text(value: object) -> object:
    """Return text as a secret, and anything else as it is: for arguments that get a key by mistake."""
    return Secret(value) if isinstance(value, str) else value


@overload
def hide_address(value: str) -> str: ...
@overload
def hide_address(value: _T) -> _T: ...
def hide_address(value: object) -> object:
    """Return an address, as a secret if it holds more than scheme, host, port and path."""
    return Secret(value) if isinstance(value, str) and _MORE_THAN_ADDRESS.search(value) else value


def hide_header(name: str, value: _T) -> _T | Secret:
    """Return the value of a header, as a secret if the name says that it is one."""
    return Secret(value) if isinstance(value, str) and _SENSITIVE_HEADER.search(name) else value


def show_address(address: str) -> str:
    """Return as much of an address as holds no secret: scheme, host and port."""
    scheme, separator, rest = address.partition("://") if "://" in address else ("", "", address)
    login, _, host = rest.rpartition("@")
    if re.search(r"[/?#]", login):
        # A path with an @, or a password that was not encoded: one cannot tell.
        return f"{scheme}{separator}…"
    return f"{scheme}{separator}{re.split(r'[/?#=&;]', host, maxsplit=1)[0]}"


def iterate_chain(error: BaseException) -> Iterator[BaseException]:
    """Iterate over an error, its causes and the errors that it was raised during."""
    pending, seen = [error], set[int]()
    while pending:
        current = pending.pop()
        if id(current) not in seen:
            seen.add(id(current))
            yield current
            pending += [linked for linked in (current.__cause__, current.__context__) if linked]


def drop_frames(error: BaseException) -> None:
    """Take the frames of other libraries off an error: their local variables hold requests with secrets."""
    for one in iterate_chain(error):
        one.__traceback__ = None


def without_frames(function: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
    """Call a function of another library that reads secrets; its errors have none of its frames."""
    try:
        return function(*arguments, **named)
    except Exception as error:
        drop_frames(error)
        raise error  # noqa: TRY201 - a bare raise would restore the frames on Python 3.10
