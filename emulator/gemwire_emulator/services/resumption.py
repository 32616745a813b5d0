"""Handles with which a live session is continued on another connection."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import grpc

from gemwire_emulator.dispatch import Call
from gemwire_emulator.errors import DOMAIN, Failure, invalid
from gemwire_emulator.names import derived
from gemwire_emulator.quoting import quoted
from gemwire_emulator.state import World
from gemwire_proto import v1beta
from gemwire_proto.google.rpc import error_details_pb2

#: Seconds that a handle stays good for.
_LIFE = 2 * 60 * 60
_FIELD = "setup.session_resumption.handle"


class Memory:
    """What is kept of one session: its contents so far, in the store.

    A handle names the session and how many of its contents there were, so that an
    older handle leads back to that moment.
    """

    def __init__(self, world: World, call: Call, model: str) -> None:
        """A session of its own; one that resumes another does not write over it."""
        self._world = world
        self._tenant = call.tenant
        self._owner = call.caller
        self._model = model
        self._name = ""

    def handle(self, contents: Sequence[Any]) -> str:
        """Keep the contents and give the handle of this moment."""
        store = self._world.store
        kept = v1beta.GenerateContentRequest(model=self._model, contents=contents)
        extra = json.dumps({"expires": self._world.clock.now() + _LIFE})
        with store.transaction():
            if self._name:
                store.replace(self._tenant, self._name, kept, extra)
            else:
                self._name = f"liveSessions/{derived('', store.next_number())}"
                store.put(self._tenant, self._name, kept, owner=self._owner, extra=extra)
        return f"{self._name.removeprefix('liveSessions/')}.{len(contents)}"


def restored(world: World, call: Call, handle: str, model: str) -> list[Any]:
    """The contents that a handle stands for.

    Raises:
        Failure: NOT_FOUND for a handle that was never given or is too old, INVALID_ARGUMENT for one of
            another model.
    """
    name, _, count = handle.rpartition(".")
    row = world.store.get(call.tenant, f"liveSessions/{name}")
    expired = row is not None and json.loads(row.extra)["expires"] <= world.clock.now()
    if row is None or expired or not count.isdecimal():
        raise Failure(
            grpc.StatusCode.NOT_FOUND,
            f"{_FIELD}: {quoted(handle)} is no handle of a session that is kept",
            [error_details_pb2.ErrorInfo(reason="RESOURCE_NOT_FOUND", domain=DOMAIN)],
        )
    kept = row.message(v1beta.GenerateContentRequest)
    if kept.model != model:
        raise invalid("setup.model", f"is {model}, the session to resume was with {kept.model}")
    return list(kept.contents)[: int(count)]
