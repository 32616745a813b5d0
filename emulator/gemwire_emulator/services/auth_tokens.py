"""AuthTokenService: tokens that open live sessions in place of an API key, and their sessions."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass

from google.protobuf.descriptor import Descriptor

from gemwire_emulator.call import Call
from gemwire_emulator.errors import invalid_argument, quote, token_refused
from gemwire_emulator.field_masks import copy_field
from gemwire_emulator.json_codec.descriptors import get_descriptor
from gemwire_emulator.names import check_name
from gemwire_emulator.services.model_catalog import check_model
from gemwire_emulator.state import State
from gemwire_proto import v1beta
from gemwire_proto.google.protobuf.timestamp_pb2 import Timestamp

#: Tokens are found without the API key of their creator. No RPC accepts names of this form.
_TENANT = ""
#: Seconds: until a token no longer opens sessions, until these end, and the most that callers may choose.
_NEW_SESSION, _EXPIRES, _MOST = 60.0, 30 * 60.0, 20 * 3600.0


@dataclass(frozen=True)
class OpenedSession:
    """A session that a token opens.

    Attributes:
        setup: The setup of the client, with what the token locks.
        expires: Time at which the session ends, in seconds since the epoch.
    """

    setup: v1beta.BidiGenerateContentSetup
    expires: float


class AuthTokenService:
    """The handlers of AuthTokenService."""

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._state = state

    def create_token(self, request: v1beta.CreateTokenRequest, call: Call) -> v1beta.AuthToken:
        """Create a token; only its name is returned."""
        token, state = v1beta.AuthToken(), self._state
        token.CopyFrom(request.auth_token)
        if token.name:
            raise invalid_argument("auth_token.name", "must not be set; the service chooses it")
        if token.uses < 0:
            raise invalid_argument("auth_token.uses", f"must not be negative, got {token.uses}")
        token.uses = token.uses if token.HasField("uses") else 1
        self._set_time(token.expire_time, token.HasField("expire_time"), _EXPIRES, "expire_time")
        given = token.HasField("new_session_expire_time")
        self._set_time(token.new_session_expire_time, given, _NEW_SESSION, "new_session_expire_time")
        setup, path = token.bidi_generate_content_setup, "auth_token.bidi_generate_content_setup.model"
        if setup.model:
            check_name(setup.model, "models/*", path)
            check_model(state, setup.model, path, call, "bidiGenerateContent")
        for one in token.field_mask.paths:
            _check_path(one)
        token.name = f"auth_tokens/{secrets.token_hex(32)}"
        extra = json.dumps({"tenant": call.tenant, "caller": call.caller, "used": 0})
        state.store.put(_TENANT, token.name, token, extra=extra)
        return v1beta.AuthToken(name=token.name)

    def _set_time(self, moment: Timestamp, given: bool, default: float, name: str) -> None:
        now = self._state.clock.now()
        if not given:
            moment.FromMicroseconds(int((now + default) * 1e6))
        elif not now < moment.ToMicroseconds() / 1e6 <= now + _MOST:
            raise invalid_argument(f"auth_token.{name}", "must be in the future, at most 20 hours from now")


def open_session(state: State, call: Call, setup: v1beta.BidiGenerateContentSetup) -> OpenedSession:
    """Open a session with the token of a call, which becomes a call of the token's creator.

    Args:
        state: State of the emulator.
        call: The call; it has a token.
        setup: The setup that the client asks for; it is not changed.

    Raises:
        StatusError: UNAUTHENTICATED; the token does not exist, or opens no more sessions.
    """
    row = state.store.get(_TENANT, call.live_token)
    if row is None:
        raise token_refused("is unknown")
    token, kept = row.message(v1beta.AuthToken), json.loads(row.extra)
    now, expires = state.clock.now(), token.expire_time.ToMicroseconds() / 1e6
    if now >= expires:
        raise token_refused("has expired")
    # Going on with a session is not a use, and is possible as long as messages are.
    if not setup.session_resumption.handle:
        if now * 1e6 >= token.new_session_expire_time.ToMicroseconds():
            raise token_refused("opens no more sessions: its new_session_expire_time has passed")
        if token.uses and kept["used"] >= token.uses:
            raise token_refused(f"was used {kept['used']} times, as often as it may be")
    call.tenant, call.caller = kept["tenant"], kept["caller"]
    return OpenedSession(_constrain(token, setup), expires)


def count_use(state: State, call: Call) -> None:
    """Count a session that the token of a call has opened."""
    row = state.store.get(_TENANT, call.live_token)
    if row is not None:
        kept = json.loads(row.extra)
        extra = json.dumps({**kept, "used": kept["used"] + 1})
        state.store.replace(_TENANT, row.name, row.message(v1beta.AuthToken), extra)


def _constrain(
    token: v1beta.AuthToken, given: v1beta.BidiGenerateContentSetup
) -> v1beta.BidiGenerateContentSetup:
    """Return the setup of a session: what the token locks, and the rest as the client gave it."""
    setup = v1beta.BidiGenerateContentSetup()
    setup.CopyFrom(given)
    locked = token.bidi_generate_content_setup
    if token.field_mask.paths:
        for path in token.field_mask.paths:
            copy_field(setup, locked, path.split("."))
    elif token.HasField("bidi_generate_content_setup"):
        setup.CopyFrom(locked)
        setup.model = locked.model or given.model
    if setup.HasField("session_resumption"):
        setup.session_resumption.handle = given.session_resumption.handle
    return setup


def _check_path(path: str) -> None:
    kind: Descriptor | None = get_descriptor(v1beta.BidiGenerateContentSetup)
    for step in path.split("."):
        field = None if kind is None else kind.fields_by_name.get(step)
        if field is None:
            raise invalid_argument(
                "auth_token.field_mask", f"{quote(path)} is not a field of bidi_generate_content_setup"
            )
        kind = field.message_type
