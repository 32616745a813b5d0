"""PermissionService: who may use, change or own tuned models and corpora.

The emulator knows callers by their API keys, permissions know them by e-mail
address. `address` gives every caller one, which says nothing of the key.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from gemwire_emulator.call import Call
from gemwire_emulator.errors import (
    already_exists,
    failed_precondition,
    invalid_argument,
    not_found,
    quote,
    role_missing,
)
from gemwire_emulator.field_masks import apply
from gemwire_emulator.names import check, derived
from gemwire_emulator.paging import page
from gemwire_emulator.state import State
from gemwire_emulator.store import Row
from gemwire_proto import v1beta
from gemwire_proto.google.protobuf import empty_pb2

_PARENTS = "tunedModels/*|corpora/*"
_PERMISSIONS = "tunedModels/*/permissions/*|corpora/*/permissions/*"
_KIND = "permissions"
_TYPES: Any = v1beta.Permission.GranteeType
_ROLES: Any = v1beta.Permission.Role
OWNER: int = _ROLES.OWNER
WRITER: int = _ROLES.WRITER
READER: int = _ROLES.READER
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


def address(caller: str) -> str:
    """The e-mail address that stands for a caller (`Call.caller`) in permissions."""
    if caller == "anonymous":
        return "anonymous@emulator.invalid"
    return f"key-{hashlib.sha256(caller.encode()).hexdigest()[:12]}@emulator.invalid"


def grant_owner(state: State, call: Call, parent: str) -> None:
    """Make the caller the owner of a resource; belongs in the transaction that makes the resource."""
    owner = v1beta.Permission(grantee_type="USER", email_address=address(call.caller), role="OWNER")
    _put(state, call, parent, owner)


def role_of(state: State, tenant: str, name: str, who: str, *, public: bool = True) -> int:
    """What someone may do with a resource.

    Args:
        state: Where.
        tenant: Whose state it is.
        name: The resource.
        who: E-mail address; see `address`.
        public: Count what everyone may do.

    Returns:
        The most powerful `Permission.Role`; 0 where there is none.
    """
    roles: list[int] = [
        p.role
        for _, p in granted(state, tenant, name)
        if (public and p.grantee_type == _TYPES.EVERYONE) or (p.email_address.lower() == who.lower() and who)
    ]
    # The numbers of the roles fall with power: OWNER is 1, READER is 3.
    return min(roles, default=0)


def demand(state: State, call: Call, name: str, role: int) -> None:
    """Refuse a caller who has not at least that role on a resource.

    Raises:
        StatusError: PERMISSION_DENIED.
    """
    has = role_of(state, call.tenant, name, address(call.caller))
    if not has or has > role:
        raise role_missing(name, _ROLES.Name(role))


def granted(state: State, tenant: str, name: str) -> Iterator[tuple[Row, Any]]:
    """The permissions on a resource, with the rows that keep them."""
    for row in state.store.list(tenant, _KIND, name):
        yield row, row.message(v1beta.Permission)


class PermissionService:
    """The handlers of PermissionService."""

    def __init__(self, state: State) -> None:
        """``state``: what the handlers share."""
        self._state = state

    def create_permission(self, request: Any, call: Call) -> Any:
        """Grant a role to someone who has none on the resource."""
        self._parent(request.parent, call, WRITER)
        if not request.HasField("permission"):
            raise invalid_argument("permission", "is required")
        asked = request.permission
        _check_grantee(asked)
        _check_role(asked)
        permission = v1beta.Permission(grantee_type=asked.grantee_type, role=asked.role)
        if asked.email_address:
            permission.email_address = asked.email_address
        for row, other in granted(self._state, call.tenant, request.parent):
            # A role is changed by an update; a second grant would only hide the first.
            if other.email_address.lower() == permission.email_address.lower():
                raise already_exists(row.name)
        return _put(self._state, call, request.parent, permission)

    def get_permission(self, request: Any, call: Call) -> Any:
        """One permission."""
        return self._permission(request.name, "name", call, READER)

    def list_permissions(self, request: Any, call: Call) -> Any:
        """The permissions on a resource, oldest first."""
        self._parent(request.parent, call, READER)
        store = self._state.store
        rows, token = page(
            lambda after: store.list(call.tenant, _KIND, request.parent, after),
            request,
            default=10,
            most=1000,
        )
        permissions = [row.message(v1beta.Permission) for row in rows]
        return v1beta.ListPermissionsResponse(permissions=permissions, next_page_token=token)

    def update_permission(self, request: Any, call: Call) -> Any:
        """Change the role, and nothing else."""
        if not request.HasField("permission"):
            raise invalid_argument("permission", "is required")
        permission = self._permission(request.permission.name, "permission.name", call, WRITER)
        if list(request.update_mask.paths) in ([], ["*"]):
            raise invalid_argument("update_mask", "must name role, the only field that can change")
        owner = permission.role == OWNER
        apply(permission, request.permission, request.update_mask, frozenset({"role"}))
        if owner and permission.role != OWNER:
            raise failed_precondition(permission.name, "is the owner's; use TransferOwnership")
        if not owner:
            _check_role(permission)
        self._state.store.replace(call.tenant, permission.name, permission)
        return permission

    def delete_permission(self, request: Any, call: Call) -> Any:
        """Take a role away. An owner there always is."""
        permission = self._permission(request.name, "name", call, WRITER)
        if permission.role == OWNER:
            raise failed_precondition(permission.name, "is the owner's; use TransferOwnership")
        self._state.store.delete(call.tenant, request.name)
        return empty_pb2.Empty()

    def transfer_ownership(self, request: Any, call: Call) -> Any:
        """Make someone else the owner of a tuned model, and the caller a writer."""
        check(request.name, "tunedModels/*", "name")
        _check_email(request.email_address, "email_address")
        self._parent(request.name, call, OWNER)
        if request.email_address.lower() == address(call.caller):
            raise invalid_argument("email_address", "is the owner's already")
        store = self._state.store
        with store.transaction():
            heir = None
            for row, permission in granted(self._state, call.tenant, request.name):
                if permission.role == OWNER:
                    permission.role = WRITER
                    store.replace(call.tenant, row.name, permission)
                elif permission.email_address.lower() == request.email_address.lower():
                    heir = permission
            if heir is None:
                heir = v1beta.Permission(
                    grantee_type="USER", email_address=request.email_address, role="OWNER"
                )
                _put(self._state, call, request.name, heir)
            elif heir.grantee_type != _TYPES.USER:
                raise invalid_argument(
                    "email_address", "is the address of a group; only a user can be an owner"
                )
            else:
                heir.role = OWNER
                store.replace(call.tenant, heir.name, heir)
        return v1beta.TransferOwnershipResponse()

    def _parent(self, name: str, call: Call, role: int) -> None:
        """Refuse a resource that there is not, or on which the caller has not the role."""
        check(name, _PARENTS, "parent")
        if self._state.store.get(call.tenant, name) is None:
            raise not_found(name)
        demand(self._state, call, name, role)

    def _permission(self, name: str, field: str, call: Call, role: int) -> Any:
        check(name, _PERMISSIONS, field)
        row = self._state.store.get(call.tenant, name)
        if row is None:
            raise not_found(name)
        demand(self._state, call, row.parent, role)
        return row.message(v1beta.Permission)


def _put(state: State, call: Call, parent: str, permission: Any) -> Any:
    with state.store.transaction():
        permission.name = f"{parent}/{_KIND}/{derived('', state.store.next_number())}"
        state.store.put(call.tenant, permission.name, permission, parent=parent, owner=call.caller)
    return permission


def _check_grantee(permission: Any) -> None:
    grantee = permission.grantee_type
    if grantee not in (_TYPES.USER, _TYPES.GROUP, _TYPES.EVERYONE):
        raise invalid_argument(
            "permission.grantee_type", "is required; it is one of USER, GROUP and EVERYONE"
        )
    if grantee != _TYPES.EVERYONE:
        _check_email(permission.email_address, "permission.email_address")
    elif permission.email_address:
        raise invalid_argument("permission.email_address", "must not be set for EVERYONE")


def _check_email(email: str, field: str) -> None:
    if not email:
        raise invalid_argument(field, "is required")
    if not _EMAIL.fullmatch(email):
        raise invalid_argument(field, f"{quote(email)} is no e-mail address")


def _check_role(permission: Any) -> None:
    if permission.role not in (OWNER, WRITER, READER):
        raise invalid_argument("permission.role", "is required; it is one of WRITER and READER")
    if permission.role == OWNER:
        raise invalid_argument(
            "permission.role", "OWNER cannot be granted; a tuned model is handed over by TransferOwnership"
        )
    if permission.grantee_type == _TYPES.EVERYONE and permission.role != READER:
        raise invalid_argument("permission.role", "must be READER for EVERYONE")
