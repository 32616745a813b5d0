"""Tokens of live sessions."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.message import Message

from gemwire.genai._convert.live import write_setup
from gemwire.genai._convert.resource_names import to_model_name
from gemwire.genai._types.auth_tokens import CreateAuthTokenConfig
from gemwire.genai._types.config import field_names
from gemwire.genai._types.live import LiveConnectConfig
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views
from gemwire_runtime.views import fields_of

_TOKEN_FIELDS = fields_of(views.AuthToken)
_GENERATION_FIELDS = fields_of(views.GenerationConfig).keys()
_SETUP_FIELDS = fields_of(views.LiveClientSetup).keys()
#: Fields of a session's config that can be locked.
_LOCKABLE = (_GENERATION_FIELDS | _SETUP_FIELDS) & field_names(LiveConnectConfig)


def to_auth_token(config: CreateAuthTokenConfig) -> v1beta.AuthToken:
    """Build the token to create."""
    token = v1beta.AuthToken()
    for name in ("expire_time", "new_session_expire_time", "uses"):
        if (value := getattr(config, name)) is not None:
            _TOKEN_FIELDS[name].write(token, value)
    paths = [_to_path(name, at) for at, name in enumerate(config.lock_additional_fields or ())]
    constraints = config.live_connect_constraints
    if constraints is not None:
        setup = token.bidi_generate_content_setup
        if constraints.model is not None:
            setup.model = to_model_name(constraints.model, "config.live_connect_constraints.model")
        write_setup(setup, constraints.config or LiveConnectConfig())
        if config.lock_additional_fields is not None:
            # Without a mask, everything is locked.
            paths = [*dict.fromkeys([*_set_paths(setup), *paths])]
    token.field_mask.paths.extend(paths)
    return token


def _to_path(name: str, at: int) -> str:
    if name not in _LOCKABLE:
        raise ValueError(
            f"config.lock_additional_fields[{at}]: {name!r} cannot be locked; these fields can: "
            f"{', '.join(sorted(_LOCKABLE))}"
        )
    return f"generation_config.{name}" if name in _GENERATION_FIELDS else name


def _set_paths(setup: v1beta.BidiGenerateContentSetup) -> Iterator[str]:
    """Yield the fields that are set; of messages the fields in them."""
    for field, value in setup.ListFields():
        inner = [one.name for one, _ in value.ListFields()] if isinstance(value, Message) else []
        yield from (f"{field.name}.{name}" for name in inner) if inner else (field.name,)
