"""Resumption of live sessions on another connection, by handles."""

from __future__ import annotations

import json
from collections.abc import Sequence

from gemwire_emulator.call import Call
from gemwire_emulator.errors import invalid_argument, session_not_found
from gemwire_emulator.names import generate_id
from gemwire_emulator.state import State
from gemwire_proto import v1beta

#: Seconds for which a handle is valid.
_LIFE = 2 * 60 * 60
_FIELD = "setup.session_resumption.handle"


class SessionRecorder:
    """The recorder of one session, which stores its contents.

    A handle names the session and the number of its contents at that time, so that an older handle restores
    an older state.
    """

    def __init__(self, state: State, call: Call, model: str) -> None:
        """Create a recorder for a new session; resuming a session does not overwrite it."""
        self._state = state
        self._tenant = call.tenant
        self._owner = call.caller
        self._model = model
        self._name = ""

    def create_handle(self, contents: Sequence[v1beta.Content]) -> str:
        """Store the contents, and return the handle of the current state."""
        store = self._state.store
        kept = v1beta.GenerateContentRequest(model=self._model, contents=contents)
        extra = json.dumps({"expires": self._state.clock.now() + _LIFE})
        with store.transaction():
            if self._name:
                store.replace(self._tenant, self._name, kept, extra)
            else:
                self._name = f"liveSessions/{generate_id('', store.next_number())}"
                store.put(self._tenant, self._name, kept, owner=self._owner, extra=extra)
        return f"{self._name.removeprefix('liveSessions/')}.{len(contents)}"


def restore_contents(state: State, call: Call, handle: str, model: str) -> list[v1beta.Content]:
    """Return the contents of a session at the time of a handle.

    Raises:
        StatusError: NOT_FOUND for a handle that was never issued or has expired, INVALID_ARGUMENT for one
            of another model.
    """
    name, _, count = handle.rpartition(".")
    row = state.store.get(call.tenant, f"liveSessions/{name}")
    expired = row is not None and json.loads(row.extra)["expires"] <= state.clock.now()
    if row is None or expired or not count.isdecimal():
        raise session_not_found(_FIELD, handle)
    kept = row.message(v1beta.GenerateContentRequest)
    if kept.model != model:
        raise invalid_argument("setup.model", f"is {model}, but the session to resume is with {kept.model}")
    return list(kept.contents)[: int(count)]
