"""PermissionService: who may read, write or own tuned models and corpora.

The emulator identifies callers by API key, permissions by e-mail address. The settings give the addresses of
callers; otherwise `get_addresses` derives one from a key without revealing it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterator
from operator import attrgetter

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from gemwire_emulator.call import Call
from gemwire_emulator.errors import (
    already_exists,
    failed_precondition,
    invalid_argument,
    not_found,
    quote,
    role_missing,
)
from gemwire_emulator.field_masks import apply_update_mask
from gemwire_emulator.json_codec.descriptors import get_descriptor
from gemwire_emulator.names import check_name, generate_id
from gemwire_emulator.paging import paginate
from gemwire_emulator.state import State
from gemwire_emulator.store import Row
from gemwire_proto import v1beta
from gemwire_proto.google.protobuf import empty_pb2
from gemwire_runtime.method import Method

_PARENTS = "tunedModels/*|corpora/*"
_PERMISSIONS = "tunedModels/*/permissions/*|corpora/*/permissions/*"
_KIND = "permissions"
_TYPES = v1beta.Permission.GranteeType
_ROLES = v1beta.Permission.Role
OWNER = _ROLES.OWNER
WRITER = _ROLES.WRITER
READER = _ROLES.READER
#: Fields that name a resource, or what it is in.
_PATHS = [
    *("name", "parent", "tuned_model.name", "permission.name", "corpus.name", "document.name", "chunk.name"),
    "semantic_retriever.source",
]
_SHARED = re.compile("(tunedModels|corpora)/[^/]+")
#: Beginnings of the names of RPCs that change nothing.
_READING = ("Get", "List", "Query", "Generate")
_SERVICE = "google.ai.generativelanguage.v1beta.PermissionService"
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


def get_addresses(state: State, call: Call) -> tuple[str, ...]:
    """Return the caller's e-mail address in permissions, then those of groups that the caller belongs to."""
    if known := state.callers.get(call.caller.removeprefix("key:")):
        return tuple(address.lower() for address in known)
    if call.caller == "anonymous":
        return ("anonymous@emulator.invalid",)
    return (f"key-{hashlib.sha256(call.caller.encode()).hexdigest()[:12]}@emulator.invalid",)


def grant_owner(state: State, call: Call, parent: str) -> None:
    """Make the caller the owner of a resource, in the transaction that creates the resource."""
    owner = v1beta.Permission(grantee_type="USER", email_address=get_addresses(state, call)[0], role="OWNER")
    _put(state, call, parent, owner)


def get_role(state: State, tenant: str, name: str, addresses: Collection[str], *, public: bool = True) -> int:
    """Return the most powerful role of someone on a resource.

    Args:
        state: State of the emulator.
        tenant: Tenant of the resource.
        name: Name of the resource.
        addresses: E-mail addresses; see `get_addresses`.
        public: Include the roles of EVERYONE.

    Returns:
        A `Permission.Role`; 0 for none.
    """
    roles: list[int] = [
        p.role
        for _, p in list_permissions(state, tenant, name)
        if (public and p.grantee_type == _TYPES.EVERYONE) or p.email_address.lower() in addresses
    ]
    # A more powerful role has a smaller number: OWNER is 1, READER is 3.
    return min(roles, default=0)


def require_role(state: State, call: Call, name: str, role: int) -> None:
    """Check that the caller has at least a role on a resource.

    Raises:
        StatusError: PERMISSION_DENIED.
    """
    has = get_role(state, find_tenant(state, call, name), name, get_addresses(state, call))
    if not has or has > role:
        raise role_missing(name, _ROLES.Name(role))


def find_tenant(state: State, call: Call, name: str) -> str:
    """Return whose tuned model or corpus a name means: the caller's own, or one that others share.

    Args:
        state: State of the emulator.
        call: The call.
        name: Name of the resource.
    """
    if state.store.get(call.tenant, name) is None:
        addresses = get_addresses(state, call)
        for tenant in state.store.list_tenants(name):
            if get_role(state, tenant, name, addresses):
                return tenant
    return call.tenant


def create_finder(state: State, method: Method[Message, Message]) -> Callable[[Message, Call], None] | None:
    """Create the function that lets a call of an RPC reach a tuned model or corpus which is shared with it.

    It changes the tenant of the call; None for an RPC that is about no such resource. Handlers check the
    roles of tuned models; those of corpora depend on the RPC alone and are checked here.
    """
    descriptor = get_descriptor(method.request)
    paths = [
        p for p in _PATHS if _has_field(descriptor, p) and (p == "parent" or "Create" not in method.name)
    ]
    if not paths:
        return None
    role = READER if method.name.startswith(_READING) else OWNER if method.name == "DeleteCorpus" else WRITER

    def find(request: Message, call: Call) -> None:
        for path in paths:
            name = attrgetter(path)(request)
            if found := _SHARED.match(name):
                call.tenant = find_tenant(state, call, found[0])
                exists = state.store.get(call.tenant, found[0]) is not None
                if exists and found[1] == "corpora" and method.service != _SERVICE:
                    require_role(state, call, found[0], role)

    return find


def _has_field(descriptor: Descriptor, path: str) -> bool:
    first, _, rest = path.partition(".")
    field = descriptor.fields_by_name.get(first)
    if field is None or not rest:
        return field is not None and field.type == field.TYPE_STRING
    return field.message_type is not None and _has_field(field.message_type, rest)


def list_permissions(state: State, tenant: str, name: str) -> Iterator[tuple[Row, v1beta.Permission]]:
    """Yield the permissions on a resource with tnew_owner rows."""
    for row in state.store.list(tenant, _KIND, name):
        yield row, row.message(v1beta.Permission)


class PermissionService:
    """The handlers of PermissionService."""

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._state = state

    def create_permission(self, request: v1beta.CreatePermissionRequest, call: Call) -> v1beta.Permission:
        """Grant a role to someone who has none on the resource."""
        self._check_parent(request.parent, call, WRITER)
        if not request.HasField("permission"):
            raise invalid_argument("permission", "is required")
        requested = request.permission
        _check_grantee(requested)
        _check_role(requested)
        permission = v1beta.Permission(grantee_type=requested.grantee_type, role=requested.role)
        if requested.email_address:
            permission.email_address = requested.email_address
        for row, other in list_permissions(self._state, call.tenant, request.parent):
            # A second grant would only hide the first; a role is changed by an update.
            if other.email_address.lower() == permission.email_address.lower():
                raise already_exists(row.name)
        return _put(self._state, call, request.parent, permission)

    def get_permission(self, request: v1beta.GetPermissionRequest, call: Call) -> v1beta.Permission:
        """Return a permission."""
        return self._get(request.name, "name", call, READER)

    def list_permissions(
        self, request: v1beta.ListPermissionsRequest, call: Call
    ) -> v1beta.ListPermissionsResponse:
        """List the permissions on a resource, oldest first."""
        self._check_parent(request.parent, call, READER)
        store = self._state.store
        rows, token = paginate(
            lambda after: store.list(call.tenant, _KIND, request.parent, after),
            request,
            default=10,
            most=1000,
        )
        permissions = [row.message(v1beta.Permission) for row in rows]
        return v1beta.ListPermissionsResponse(permissions=permissions, next_page_token=token)

    def update_permission(self, request: v1beta.UpdatePermissionRequest, call: Call) -> v1beta.Permission:
        """Update the role, which is all that can change."""
        if not request.HasField("permission"):
            raise invalid_argument("permission", "is required")
        permission = self._get(request.permission.name, "permission.name", call, WRITER)
        if list(request.update_mask.paths) in ([], ["*"]):
            raise invalid_argument("update_mask", "must name role, the only field that can change")
        owner = permission.role == OWNER
        apply_update_mask(permission, request.permission, request.update_mask, frozenset({"role"}))
        if owner and permission.role != OWNER:
            raise failed_precondition(permission.name, "is the owner's; use TransferOwnership")
        if not owner:
            _check_role(permission)
        self._state.store.replace(call.tenant, permission.name, permission)
        return permission

    def delete_permission(self, request: v1beta.DeletePermissionRequest, call: Call) -> empty_pb2.Empty:
        """Delete a permission other than the owner's."""
        permission = self._get(request.name, "name", call, WRITER)
        if permission.role == OWNER:
            raise failed_precondition(permission.name, "is the owner's; use TransferOwnership")
        self._state.store.delete(call.tenant, request.name)
        return empty_pb2.Empty()

    def transfer_ownership(
        self, request: v1beta.TransferOwnershipRequest, call: Call
    ) -> v1beta.TransferOwnershipResponse:
        """Make another user the owner of a tuned model, and the caller a writer."""
        check_name(request.name, "tunedModels/*", "name")
        _check_email(request.email_address, "email_address")
        self._check_parent(request.name, call, OWNER)
        if request.email_address.lower() == get_addresses(self._state, call)[0]:
            raise invalid_argument("email_address", "is already the owner")
        store = self._state.store
        with store.transaction():
            new_owner = None
            for row, permission in list_permissions(self._state, call.tenant, request.name):
                if permission.role == OWNER:
                    permission.role = WRITER
                    store.replace(call.tenant, row.name, permission)
                elif permission.email_address.lower() == request.email_address.lower():
                    new_owner = permission
            if new_owner is None:
                new_owner = v1beta.Permission(
                    grantee_type="USER", email_address=request.email_address, role="OWNER"
                )
                _put(self._state, call, request.name, new_owner)
            elif new_owner.grantee_type != _TYPES.USER:
                raise invalid_argument(
                    "email_address", "is the address of a group; only a user can be an owner"
                )
            else:
                new_owner.role = OWNER
                store.replace(call.tenant, new_owner.name, new_owner)
        return v1beta.TransferOwnershipResponse()

    def _check_parent(self, name: str, call: Call, role: int) -> None:
        """Check that a resource exists, and that the caller has a role on it."""
        check_name(name, _PARENTS, "parent")
        if self._state.store.get(call.tenant, name) is None:
            raise not_found(name)
        require_role(self._state, call, name, role)

    def _get(self, name: str, field: str, call: Call, role: int) -> v1beta.Permission:
        check_name(name, _PERMISSIONS, field)
        row = self._state.store.get(call.tenant, name)
        if row is None:
            raise not_found(name)
        require_role(self._state, call, row.parent, role)
        return row.message(v1beta.Permission)


def _put(state: State, call: Call, parent: str, permission: v1beta.Permission) -> v1beta.Permission:
    with state.store.transaction():
        permission.name = f"{parent}/{_KIND}/{generate_id('', state.store.next_number())}"
        state.store.put(call.tenant, permission.name, permission, parent=parent, owner=call.caller)
    return permission


def _check_grantee(permission: v1beta.Permission) -> None:
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
        raise invalid_argument(field, f"{quote(email)} is not an e-mail address")


def _check_role(permission: v1beta.Permission) -> None:
    if permission.role not in (OWNER, WRITER, READER):
        raise invalid_argument("permission.role", "is required; it is one of WRITER and READER")
    if permission.role == OWNER:
        raise invalid_argument(
            "permission.role",
            "OWNER cannot be granted; use TransferOwnership to change the owner of a tuned model",
        )
    if permission.grantee_type == _TYPES.EVERYONE and permission.role != READER:
        raise invalid_argument("permission.role", "must be READER for EVERYONE")
