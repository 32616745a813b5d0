"""Resources that the service has in JSON only: each kind is a collection with ids instead of names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from google.protobuf.message import Message

from gemwire_emulator.call import Call
from gemwire_emulator.errors import already_exists, invalid_argument, not_found
from gemwire_emulator.names import check_id, check_name, generate_id
from gemwire_emulator.paging import ListRequest, paginate
from gemwire_emulator.state import State
from gemwire_emulator.store import Row

_M = TypeVar("_M", bound=Message)


class JsonCollection(Generic[_M]):
    """The resources of one kind."""

    def __init__(self, state: State, kind: str, message: type[_M]) -> None:
        """Create a collection.

        Args:
            state: State of the emulator.
            kind: Its name in paths, such as ``webhooks``.
            message: Class of the resources.
        """
        self._state = state
        self._kind = kind
        self._message = message

    def choose_id(self, chosen: str = "") -> str:
        """Return the id that a caller has chosen, or a generated one.

        Raises:
            StatusError: INVALID_ARGUMENT; an id that is chosen is invalid.
        """
        return check_id(chosen, "id") if chosen else generate_id("", self._state.store.next_number())

    def add(self, identity: str, resource: _M, call: Call, extra: str = "{}") -> _M:
        """Store a new resource, and return it.

        Raises:
            StatusError: ALREADY_EXISTS.
        """
        name = f"{self._kind}/{identity}"
        try:
            self._state.store.put(call.tenant, name, resource, owner=call.caller, extra=extra)
        except KeyError:
            raise already_exists(name) from None
        return resource

    def find(self, identity: str, call: Call, field: str = "id") -> Row:
        """Return the row of a resource.

        Raises:
            StatusError: INVALID_ARGUMENT for an id of another form, NOT_FOUND if it does not exist.
        """
        name = f"{self._kind}/{identity}"
        check_name(name, f"{self._kind}/*", field)
        row = self._state.store.get(call.tenant, name)
        if row is None:
            raise not_found(name)
        return row

    def get(self, identity: str, call: Call) -> _M:
        """Return a resource. Raises as `find`."""
        return self.find(identity, call).message(self._message)

    def list(
        self, request: ListRequest, call: Call, accept: Callable[[_M], bool] = lambda _: True
    ) -> tuple[list[_M], str]:
        """Return a page of the resources, and the token of the next page."""
        rows, token = paginate(
            lambda after: self._state.store.list(call.tenant, self._kind, after=after),
            request,
            default=50,
            most=1000,
            accept=lambda row: accept(row.message(self._message)),
        )
        return [row.message(self._message) for row in rows], token

    def replace(self, identity: str, resource: _M, call: Call, extra: str | None = None) -> _M:
        """Store a resource that exists, and return it."""
        self._state.store.replace(call.tenant, f"{self._kind}/{identity}", resource, extra=extra)
        return resource

    def delete(self, identity: str, call: Call) -> None:
        """Delete a resource. Raises as `find`."""
        self._state.store.delete(call.tenant, self.find(identity, call).name)


def read_mask(mask: str, given: Message, allowed: frozenset[str]) -> list[str]:
    """Return the fields that an update changes: those of its mask, or those that are set.

    Raises:
        StatusError: INVALID_ARGUMENT; a field cannot be updated, or there is none.
    """
    names = [name.strip() for name in mask.split(",") if name.strip()] if mask else []
    names = names or [field.name for field, _ in given.ListFields() if field.name in allowed]
    for name in names:
        if name not in allowed:
            raise invalid_argument(
                "update_mask", f"{name!r} cannot be updated; {', '.join(sorted(allowed))} can"
            )
    if not names:
        raise invalid_argument("update_mask", f"names no field; {', '.join(sorted(allowed))} can be updated")
    return names
