"""How the services find resources by name, and name new ones."""

from __future__ import annotations

from typing import Any

from gemwire_emulator.call import Call
from gemwire_emulator.errors import invalid_argument, not_found
from gemwire_emulator.names import check, check_id, derived
from gemwire_emulator.state import State
from gemwire_emulator.store import Row

#: Characters that a display name may have.
_DISPLAY_NAME = 512


def existing(state: State, call: Call, name: str, pattern: str, field: str = "name") -> Row:
    """The resource of a name.

    Args:
        state: Where.
        call: Who asks.
        name: Its name.
        pattern: The form that the name must have.
        field: Where the name is in the request.

    Raises:
        StatusError: INVALID_ARGUMENT for a name of another form, NOT_FOUND for one that nothing has.
    """
    check(name, pattern, field)
    row = state.store.get(call.tenant, name)
    if row is None:
        raise not_found(name)
    return row


def new_name(state: State, chosen: str, collection: str, stem: str, field: str) -> str:
    """The name of a resource to be: the one that was chosen, or one made of a stem.

    Args:
        state: Gives numbers that never come again.
        chosen: What the caller wants to call it; may be empty.
        collection: What it will lie in, ``corpora/x/documents``.
        stem: Display name that a made id begins with; empty for characters alone.
        field: Where the chosen name is in the request.

    Raises:
        StatusError: The chosen name is not in the collection, or its id is none.
    """
    if not chosen:
        return f"{collection}/{derived(stem, state.store.next_number())}"
    check(chosen, f"{collection}/*", field)
    check_id(chosen.rsplit("/", 1)[-1], field)
    return chosen


def check_display_name(display_name: str, field: str, most: int = _DISPLAY_NAME) -> None:
    """Refuse a display name that is too long.

    Raises:
        StatusError: INVALID_ARGUMENT.
    """
    if len(display_name) > most:
        raise invalid_argument(field, f"has {len(display_name)} characters; at most {most} are allowed")


def check_masked(request: Any, field: str = "update_mask") -> None:
    """Refuse an update that does not say which fields it is about.

    Raises:
        StatusError: INVALID_ARGUMENT.
    """
    if not request.update_mask.paths:
        raise invalid_argument(field, "is required; it names the fields to write")
