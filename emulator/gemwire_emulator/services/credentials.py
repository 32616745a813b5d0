"""CredentialService: secrets of agents, which are kept and never returned."""

from __future__ import annotations

import json

from google.protobuf import json_format

from gemwire_emulator.call import Call
from gemwire_emulator.errors import invalid_argument, quote
from gemwire_emulator.services.json_collection import JsonCollection, read_mask
from gemwire_emulator.state import State
from gemwire_proto import interactions as api

#: Fields that a credential of a type requires, and those that it may have.
_FIELDS = {
    "bearer_token": (("token",), ("header_name", "prefix")),
    "environment_variable": (("value", "injection_location"), ("trusted_domains",)),
    "oauth2": (("client_id", "client_secret", "refresh_token", "token_url"), ("scopes",)),
}


class CredentialService:
    """The handlers of CredentialService."""

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._state = state
        self._credentials = JsonCollection(state, "credentials", api.Credential)

    def create_credential(self, request: api.CreateCredentialRequest, call: Call) -> api.Credential:
        """Store a secret."""
        config = request.config
        _check(config)
        for name in _FIELDS[config.type][0]:
            if name not in _given(config):
                raise invalid_argument(name, f"is required for {config.type}")
        credential = api.Credential(
            id=self._credentials.choose_id(config.id), type=config.type, status="active"
        )
        for moment in (credential.create_time, credential.update_time):
            moment.FromDatetime(self._state.clock.datetime())
        extra = json.dumps({"config": json_format.MessageToDict(config)})
        return self._credentials.add(credential.id, credential, call, extra)

    def get_credential(self, request: api.GetCredentialRequest, call: Call) -> api.Credential:
        """Return a credential without its secret."""
        return self._credentials.get(request.id, call)

    def list_credentials(
        self, request: api.ListCredentialsRequest, call: Call
    ) -> api.ListCredentialsResponse:
        """List the credentials, oldest first."""
        found, token = self._credentials.list(request, call)
        return api.ListCredentialsResponse(credentials=found, next_page_token=token or None)

    def update_credential(self, request: api.UpdateCredentialRequest, call: Call) -> api.Credential:
        """Change a secret."""
        row = self._credentials.find(request.id, call)
        credential = row.message(api.Credential)
        config = json_format.ParseDict(json.loads(row.extra)["config"], api.CredentialConfig())
        if request.config.HasField("type") and request.config.type != credential.type:
            raise invalid_argument("type", f"is {credential.type} and cannot be changed")
        changes = api.CredentialConfig()
        changes.CopyFrom(request.config)
        changes.type = credential.type
        _check(changes)
        for name in read_mask(request.update_mask, changes, frozenset(sum(_FIELDS[credential.type], ()))):
            config.ClearField(name)  # type: ignore[arg-type]
            update = api.CredentialConfig()
            update.CopyFrom(changes)
            for other in _given(changes) - {name}:
                update.ClearField(other)  # type: ignore[arg-type]
            config.MergeFrom(update)
        credential.update_time.FromDatetime(self._state.clock.datetime())
        extra = json.dumps({"config": json_format.MessageToDict(config)})
        return self._credentials.replace(request.id, credential, call, extra)

    def delete_credential(self, request: api.DeleteCredentialRequest, call: Call) -> api.Empty:
        """Delete a secret."""
        self._credentials.delete(request.id, call)
        return api.Empty()


def _given(config: api.CredentialConfig) -> set[str]:
    return {field.name for field, _ in config.ListFields()}


def _check(config: api.CredentialConfig) -> None:
    """Raise if the type of a secret is unknown, or if it has fields of another type."""
    if config.type not in _FIELDS:
        raise invalid_argument("type", f"{quote(config.type)} is not one of {', '.join(_FIELDS)}")
    required, optional = _FIELDS[config.type]
    for name in sorted(_given(config) - {"id", "type", *required, *optional}):
        raise invalid_argument(name, f"does not belong to {config.type}")
