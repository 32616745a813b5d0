"""Look-up and naming of resources, shared by the services."""

from __future__ import annotations

from gemwire_emulator.call import Call
from gemwire_emulator.errors import invalid_argument, not_found
from gemwire_emulator.names import check_id, check_name, generate_id
from gemwire_emulator.state import State
from gemwire_emulator.store import Row
from gemwire_proto.google.protobuf.field_mask_pb2 import FieldMask

#: Maximum characters of a display name.
_DISPLAY_NAME = 512


def get_resource(state: State, call: Call, name: str, pattern: str, field: str = "name") -> Row:
    """Return the resource of a name.

    Args:
        state: State of the emulator.
        call: The call.
        name: Name of the resource.
        pattern: Form of the name.
        field: Path of the field, for errors.

    Raises:
        StatusError: INVALID_ARGUMENT for a name of another form, NOT_FOUND if it does not exist.
    """
    check_name(name, pattern, field)
    row = state.store.get(call.tenant, name)
    if row is None:
        raise not_found(name)
    return row


def resolve_name(state: State, chosen: str, collection: str, stem: str, field: str) -> str:
    """Return the name of a new resource: the chosen one, or a generated one.

    Args:
        state: State of the emulator.
        chosen: Name that the caller wants; may be empty.
        collection: Collection of the resource, ``corpora/x/documents``.
        stem: Display name that a generated id begins with; may be empty.
        field: Path of the field, for errors.

    Raises:
        StatusError: INVALID_ARGUMENT; the chosen name is not in the collection, or its id is invalid.
    """
    if not chosen:
        return f"{collection}/{generate_id(stem, state.store.next_number())}"
    check_name(chosen, f"{collection}/*", field)
    check_id(chosen.rsplit("/", 1)[-1], field)
    return chosen


def check_display_name(display_name: str, field: str, most: int = _DISPLAY_NAME) -> None:
    """Check the length of a display name.

    Raises:
        StatusError: INVALID_ARGUMENT.
    """
    if len(display_name) > most:
        raise invalid_argument(field, f"has {len(display_name)} characters; at most {most} are allowed")


def check_update_mask(mask: FieldMask, field: str = "update_mask") -> None:
    """Check that an update has an update mask.

    Raises:
        StatusError: INVALID_ARGUMENT.
    """
    if not mask.paths:
        raise invalid_argument(field, "is required; it must name the fields to update")
