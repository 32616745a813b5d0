"""PermissionService, over tuned models; what it does is the same for corpora."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from emulator_calls import Caller, emulator

from gemwire_proto import v1beta

READER: Any = v1beta.Permission.Role.READER
WRITER: Any = v1beta.Permission.Role.WRITER
OWNER: Any = v1beta.Permission.Role.OWNER
PARENT = "tunedModels/m"


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


def user(email: str = "ann@example.com", role: str | int = "READER", **fields: Any) -> Any:
    return v1beta.Permission(**{"grantee_type": "USER", "email_address": email, "role": role, **fields})


async def make(call: Caller, identifier: str = "m", key: str = "") -> None:
    model = v1beta.TunedModel(base_model="models/gemini-1.5-flash-001-tuning")
    model.tuning_task.training_data.examples.examples.add(text_input="a", output="b")
    await call("CreateTunedModel", tuned_model=model, tuned_model_id=identifier, key=key)


async def owner(call: Caller, parent: str = PARENT) -> Any:
    return (await call("ListPermissions", parent=parent)).permissions[0]


def test_who_makes_a_resource_owns_it() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            await make(call)
            mine = await owner(call)
            assert (mine.role, mine.grantee_type) == (OWNER, v1beta.Permission.GranteeType.USER)
            assert "@" in mine.email_address
            assert await call("GetPermission", name=mine.name) == mine
            await make(call, key="secret")
            theirs = (await call("ListPermissions", parent=PARENT, key="secret")).permissions[0]
            assert theirs.email_address != mine.email_address
            assert "secret" not in theirs.email_address

    run(test())


def test_from_creation_to_deletion() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            await make(call)
            made = await call("CreatePermission", parent=PARENT, permission=user(name="mine"))
            assert made.name.startswith(f"{PARENT}/permissions/")
            assert (made.email_address, made.role) == ("ann@example.com", READER)
            group = user("team@example.com", "WRITER", grantee_type="GROUP")
            await call("CreatePermission", parent=PARENT, permission=group)
            everyone = v1beta.Permission(grantee_type="EVERYONE", role="READER")
            public = await call("CreatePermission", parent=PARENT, permission=everyone)
            assert not public.HasField("email_address")

            for again in (user("Ann@Example.com", "WRITER"), everyone):
                refused = await call.refused("CreatePermission", parent=PARENT, permission=again)
                assert refused.code == "ALREADY_EXISTS"

            made.role = WRITER
            changed = await call("UpdatePermission", permission=made, update_mask={"paths": ["role"]})
            assert changed == made == await call("GetPermission", name=made.name)

            await call("DeletePermission", name=made.name)
            for rpc in ("GetPermission", "DeletePermission"):
                assert (await call.refused(rpc, name=made.name)).code == "NOT_FOUND"
            assert len((await call("ListPermissions", parent=PARENT)).permissions) == 3

    run(test())


def test_pages() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            await make(call)
            for i in range(11):
                await call("CreatePermission", parent=PARENT, permission=user(f"u{i}@example.com"))
            found: list[str] = []
            token = ""
            while True:
                page = await call("ListPermissions", parent=PARENT, page_token=token)
                found.extend(p.email_address for p in page.permissions)
                if not (token := page.next_page_token):
                    break
                assert len(page.permissions) == 10
            assert found[1:] == [f"u{i}@example.com" for i in range(11)]
            await make(call, "other")
            token = (await call("ListPermissions", parent=PARENT, page_size=1)).next_page_token
            for fields, field in (
                ({"page_size": -1}, "page_size"),
                ({"page_token": "?"}, "page_token"),
                ({"parent": "tunedModels/other", "page_token": token}, "page_token"),
                ({"parent": ""}, "parent"),
                ({"parent": "files/x"}, "parent"),
            ):
                refused = await call.refused("ListPermissions", **{"parent": PARENT, **fields})
                assert (refused.code, refused.fields) == ("INVALID_ARGUMENT", [field])
            assert (await call.refused("ListPermissions", parent="corpora/none")).code == "NOT_FOUND"

    run(test())


@pytest.mark.parametrize(
    ("permission", "field"),
    [
        (None, "permission"),
        (v1beta.Permission(), "permission.grantee_type"),
        (user(grantee_type=0), "permission.grantee_type"),
        (user(grantee_type=9), "permission.grantee_type"),
        (user(""), "permission.email_address"),
        (user("ann"), "permission.email_address"),
        (user("a b@example.com"), "permission.email_address"),
        (user("", grantee_type="GROUP"), "permission.email_address"),
        (user(grantee_type="EVERYONE"), "permission.email_address"),
        (v1beta.Permission(grantee_type="USER", email_address="a@b.c"), "permission.role"),
        (user(role=9), "permission.role"),
        (user(role="OWNER"), "permission.role"),
        (user("", "WRITER", grantee_type="EVERYONE"), "permission.role"),
    ],
)
def test_what_cannot_be_granted(permission: Any, field: str) -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            await make(call)
            refused = await call.refused("CreatePermission", parent=PARENT, permission=permission)
            assert (refused.code, refused.fields) == ("INVALID_ARGUMENT", [field])
            assert len((await call("ListPermissions", parent=PARENT)).permissions) == 1

    run(test())


def test_updates_that_are_refused() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            await make(call)
            ann = await call("CreatePermission", parent=PARENT, permission=user())
            everyone = v1beta.Permission(grantee_type="EVERYONE", role="READER")
            public = await call("CreatePermission", parent=PARENT, permission=everyone)

            async def refused(*paths: str, **fields: Any) -> tuple[str, list[str]]:
                no = await call.refused("UpdatePermission", permission=fields, update_mask={"paths": paths})
                return no.code, no.fields

            for paths in ([], ["*"], ["email_address"], ["role", "grantee_type"], ["none"]):
                assert await refused(*paths, name=ann.name, role="WRITER") == (
                    "INVALID_ARGUMENT",
                    ["update_mask"],
                )
            bad_role = ("INVALID_ARGUMENT", ["permission.role"])
            assert await refused("role", name=ann.name) == bad_role
            assert await refused("role", name=ann.name, role="OWNER") == bad_role
            assert await refused("role", name=public.name, role="WRITER") == bad_role
            assert await refused("role", name="x") == ("INVALID_ARGUMENT", ["permission.name"])
            assert (await refused("role", name=f"{PARENT}/permissions/none"))[0] == "NOT_FOUND"
            mine = (await owner(call)).name
            assert (await refused("role", name=mine, role="READER"))[0] == "FAILED_PRECONDITION"
            assert (await call.refused("UpdatePermission")).fields == ["permission"]
            assert (await call.refused("DeletePermission", name=mine)).code == "FAILED_PRECONDITION"
            assert [p.role for p in (await call("ListPermissions", parent=PARENT)).permissions] == [
                OWNER,
                READER,
                READER,
            ]

    run(test())


def test_a_transfer_of_ownership() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            await make(call)
            mine = await owner(call)
            team = user("team@example.com", grantee_type="GROUP")
            await call("CreatePermission", parent=PARENT, permission=team)
            ann = await call("CreatePermission", parent=PARENT, permission=user())

            for fields, field in (
                ({"name": "corpora/c"}, "name"),
                ({"email_address": ""}, "email_address"),
                ({"email_address": "ann"}, "email_address"),
                ({"email_address": "team@example.com"}, "email_address"),
                ({"email_address": mine.email_address}, "email_address"),
            ):
                asked = {"name": PARENT, "email_address": "ann@example.com", **fields}
                refused = await call.refused("TransferOwnership", **asked)
                assert (refused.code, refused.fields) == ("INVALID_ARGUMENT", [field])
            assert (await owner(call)).role == OWNER
            refused = await call.refused("TransferOwnership", name="tunedModels/no", email_address="a@b.c")
            assert refused.code == "NOT_FOUND"

            await call("TransferOwnership", name=PARENT, email_address="ann@example.com")
            roles = {
                p.email_address: p.role for p in (await call("ListPermissions", parent=PARENT)).permissions
            }
            expected = {mine.email_address: WRITER, "team@example.com": READER, "ann@example.com": OWNER}
            assert roles == expected
            again = await call.refused("TransferOwnership", name=PARENT, email_address="bob@example.com")
            assert again.code == "PERMISSION_DENIED"

            # A writer shares still, and can leave; then nothing is to be seen any more.
            bob = await call("CreatePermission", parent=PARENT, permission=user("bob@example.com"))
            assert (await call.refused("DeletePermission", name=ann.name)).code == "FAILED_PRECONDITION"
            await call("DeletePermission", name=mine.name)
            for rpc, name in (
                ("GetPermission", bob.name),
                ("GetTunedModel", PARENT),
                ("DeleteTunedModel", PARENT),
            ):
                assert (await call.refused(rpc, name=name)).code == "PERMISSION_DENIED"
            assert list((await call("ListTunedModels")).tuned_models) == []

    run(test())


def test_what_a_reader_may_not() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            await make(call)
            mine = await owner(call)
            public = v1beta.Permission(grantee_type="EVERYONE", role="READER")
            await call("CreatePermission", parent=PARENT, permission=public)
            await call("TransferOwnership", name=PARENT, email_address="ann@example.com")
            await call("DeletePermission", name=mine.name)

            # What is left is what everyone may.
            await call("GetTunedModel", name=PARENT)
            assert len((await call("ListPermissions", parent=PARENT)).permissions) == 2
            for rpc, fields in (
                ("CreatePermission", {"parent": PARENT, "permission": user("x@example.com")}),
                ("UpdateTunedModel", {"tuned_model": {"name": PARENT, "display_name": "x"}}),
            ):
                assert (await call.refused(rpc, **fields)).code == "PERMISSION_DENIED"
            assert list((await call("ListTunedModels")).tuned_models) == []
            listed = (await call("ListTunedModels", filter="readers:everyone")).tuned_models
            assert [m.name for m in listed] == [PARENT]

    run(test())


def test_who_may_not_read_a_model_may_not_use_it() -> None:
    async def test() -> None:
        async with emulator(tuning_seconds=0.0) as (_, call):
            await make(call)
            mine = await owner(call)
            said = [{"role": "user", "parts": [{"text": "a"}]}]
            uses = (
                ("GenerateContent", {"contents": said}),
                ("CountTokens", {"contents": said}),
                ("GenerateText", {"prompt": {"text": "a"}}),
            )

            async def answered(code: str = "") -> None:
                for rpc, fields in uses:
                    if code:
                        assert (await call.refused(rpc, model=PARENT, **fields)).code == code
                    else:
                        await call(rpc, model=PARENT, **fields)
                if code:
                    assert (await call.refused("GetTunedModel", name=PARENT)).code == code

            await answered()
            await call("TransferOwnership", name=PARENT, email_address="ann@example.com")
            await answered()  # as a writer
            mine.role = READER
            mine = await call("UpdatePermission", permission=mine, update_mask={"paths": ["role"]})
            await answered()

        async with emulator(tuning_seconds=0.0) as (_, call):
            await make(call)
            mine = await owner(call)
            await call("TransferOwnership", name=PARENT, email_address="ann@example.com")
            await call("DeletePermission", name=mine.name)
            await answered("PERMISSION_DENIED")
            # Callers with other keys do not even learn that it is there.
            for rpc, fields in uses:
                refused = await call.refused(rpc, model=PARENT, key="another", **fields)
                assert refused.code == "NOT_FOUND"

    run(test())
