"""Handles with which a live session is continued on another connection."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from gemwire_emulator.call import Call
from gemwire_emulator.errors import invalid_argument, session_not_found
from gemwire_emulator.names import derived
from gemwire_emulator.state import State
from gemwire_proto import v1beta

#: Seconds that a handle stays good for.
_LIFE = 2 * 60 * 60
_FIELD = "setup.session_resumption.handle"


class Memory:
    """What is kept of one session: its contents so far, in the store.

    A handle names the session and how many of its contents there were, so that an
    older handle leads back to that moment.
    """

    def __init__(self, state: State, call: Call, model: str) -> None:
        """A session of its own; one that resumes another does not write over it."""
        self._state = state
        self._tenant = call.tenant
        self._owner = call.caller
        self._model = model
        self._name = ""

    def handle(self, contents: Sequence[Any]) -> str:
        """Keep the contents and give the handle of this moment."""
        store = self._state.store
        kept = v1beta.GenerateContentRequest(model=self._model, contents=contents)
        extra = json.dumps({"expires": self._state.clock.now() + _LIFE})
        with store.transaction():
            if self._name:
                store.replace(self._tenant, self._name, kept, extra)
            else:
                self._name = f"liveSessions/{derived('', store.next_number())}"
                store.put(self._tenant, self._name, kept, owner=self._owner, extra=extra)
        return f"{self._name.removeprefix('liveSessions/')}.{len(contents)}"


def restored(state: State, call: Call, handle: str, model: str) -> list[Any]:
    """The contents that a handle stands for.

    Raises:
        StatusError: NOT_FOUND for a handle that was never given or is too old, INVALID_ARGUMENT for one of
            another model.
    """
    name, _, count = handle.rpartition(".")
    row = state.store.get(call.tenant, f"liveSessions/{name}")
    expired = row is not None and json.loads(row.extra)["expires"] <= state.clock.now()
    if row is None or expired or not count.isdecimal():
        raise session_not_found(_FIELD, handle)
    kept = row.message(v1beta.GenerateContentRequest)
    if kept.model != model:
        raise invalid_argument("setup.model", f"is {model}, the session to resume was with {kept.model}")
    return list(kept.contents)[: int(count)]
