"""CacheService: prefixes of prompts, stored for a limited time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from gemwire_emulator.call import Call
from gemwire_emulator.engines.instant import get_text_files, get_texts
from gemwire_emulator.errors import invalid_argument, not_found, quote
from gemwire_emulator.names import check_name
from gemwire_emulator.paging import paginate
from gemwire_emulator.services.attachments import inline_text_files
from gemwire_emulator.services.config_checks import check_tokens
from gemwire_emulator.services.model_catalog import check_model
from gemwire_emulator.services.resource_lookup import check_display_name, resolve_name
from gemwire_emulator.services.schema_checks import check_json, check_tools
from gemwire_emulator.state import State
from gemwire_emulator.store import Row
from gemwire_proto import v1beta
from gemwire_proto.google.protobuf import empty_pb2

_KIND = "cachedContents"
_NAME = "cachedContents/*"
_TTL = 3600
_DISPLAY_NAME = 128
_EXPIRATION = ("expire_time", "ttl")
#: The last second of a Timestamp: the end of the year 9999.
_END_OF_TIME = 253_402_300_799
_NANOS = 1_000_000_000


def get_cached_content(state: State, call: Call, name: str, field: str = "name") -> v1beta.CachedContent:
    """Return a cached content with its input-only fields, for use in a prompt.

    Args:
        state: State of the emulator.
        call: The call.
        name: Name of the cached content.
        field: Path of the field, for errors.

    Raises:
        StatusError: INVALID_ARGUMENT for a malformed name, PERMISSION_DENIED if it does not exist or has
            expired.
    """
    check_name(name, _NAME, field)
    row = state.store.get(call.tenant, name)
    if row is None or not _is_alive(state, row):
        raise not_found(name, vertex=call.is_vertex)
    return row.message(v1beta.CachedContent)


class CacheService:
    """The handlers of CacheService."""

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._state = state

    def create_cached_content(
        self, request: v1beta.CreateCachedContentRequest, call: Call
    ) -> v1beta.CachedContent:
        """Store a prefix of prompts for one model."""
        if not request.HasField("cached_content"):
            raise invalid_argument("cached_content", "is required")
        # Files are read now, since they may expire before the cached content does.
        requested = inline_text_files(self._state, call, request.cached_content, "cached_content.")
        check_model(self._state, requested.model, "cached_content.model", call)
        if "createCachedContent" not in self._state.models.get_methods(requested.model):
            raise invalid_argument(
                "cached_content.model", f"{requested.model} does not support createCachedContent"
            )
        check_display_name(requested.display_name, "cached_content.display_name", _DISPLAY_NAME)
        tokens = self._check_contents(requested)
        cached = v1beta.CachedContent()
        cached.CopyFrom(requested)
        cached.name = resolve_name(self._state, "", _KIND, "", "cached_content.name")
        cached.usage_metadata.total_token_count = tokens
        self._set_expiration(cached, requested, requested.WhichOneof("expiration"))
        for moment in (cached.create_time, cached.update_time):
            moment.FromDatetime(self._state.clock.datetime())
        self._state.store.put(call.tenant, cached.name, cached, owner=call.caller)
        return _to_output(cached)

    def list_cached_contents(
        self, request: v1beta.ListCachedContentsRequest, call: Call
    ) -> v1beta.ListCachedContentsResponse:
        """List the cached contents that have not expired, oldest first."""
        rows, token = paginate(
            lambda after: self._state.store.list(call.tenant, _KIND, after=after),
            request,
            default=50,
            most=1000,
            accept=lambda row: _is_alive(self._state, row),
        )
        contents = [_to_output(row.message(v1beta.CachedContent)) for row in rows]
        return v1beta.ListCachedContentsResponse(cached_contents=contents, next_page_token=token)

    def get_cached_content(self, request: v1beta.GetCachedContentRequest, call: Call) -> v1beta.CachedContent:
        """Return a cached content without its input-only fields."""
        return _to_output(get_cached_content(self._state, call, request.name))

    def update_cached_content(
        self, request: v1beta.UpdateCachedContentRequest, call: Call
    ) -> v1beta.CachedContent:
        """Change the expiration, which is all that can change."""
        if not request.HasField("cached_content"):
            raise invalid_argument("cached_content", "is required")
        requested = request.cached_content
        cached = get_cached_content(self._state, call, requested.name, "cached_content.name")
        given = requested.WhichOneof("expiration")
        paths = [path for path in request.update_mask.paths if path != "*"]
        for path in paths:
            if path not in _EXPIRATION:
                raise invalid_argument(
                    "update_mask", f"{quote(path)} cannot be updated; these can: {', '.join(_EXPIRATION)}"
                )
            if path != given:
                raise invalid_argument(f"cached_content.{path}", "is in the update mask and must be set")
        if given is None:
            raise invalid_argument("cached_content.ttl", "set it, or expire_time")
        self._set_expiration(cached, requested, given)
        cached.update_time.FromDatetime(self._state.clock.datetime())
        self._state.store.replace(call.tenant, cached.name, cached)
        return _to_output(cached)

    def delete_cached_content(
        self, request: v1beta.DeleteCachedContentRequest, call: Call
    ) -> empty_pb2.Empty:
        """Delete a cached content."""
        cached = get_cached_content(self._state, call, request.name)
        self._state.store.delete(call.tenant, cached.name)
        return empty_pb2.Empty()

    def _check_contents(self, requested: v1beta.CachedContent) -> int:
        """Check that contents can be cached, and return their tokens.

        The service requires 1,024 tokens or more, depending on the model. The emulator accepts any number,
        so that tests need no long texts.
        """
        check_json(requested, "cached_content")
        check_tools(requested.tools, "cached_content.tools")
        for i, content in enumerate(requested.contents):
            if not content.parts:
                raise invalid_argument(f"cached_content.contents[{i}].parts", "must have at least one part")
            if content.role not in ("", "user", "model", "function", "tool"):
                raise invalid_argument(
                    f"cached_content.contents[{i}].role",
                    f"{quote(content.role)} is not one of user and model",
                )
        if any(part.WhichOneof("data") != "text" for part in requested.system_instruction.parts):
            raise invalid_argument("cached_content.system_instruction.parts", "must be text")
        if not (requested.contents or requested.tools or requested.system_instruction.parts):
            raise invalid_argument("cached_content.contents", "is required, or system_instruction or tools")
        return check_tokens(self._state.engine, list(_iter_texts(requested)), "cached_content.contents")

    def _set_expiration(
        self,
        cached: v1beta.CachedContent,
        requested: v1beta.CachedContent,
        given: Literal["expire_time", "ttl"] | None,
    ) -> None:
        """Set the expiration to the time or the lifetime of a request, or to the default.

        Raises:
            StatusError: INVALID_ARGUMENT; it is in the past, or out of range.
        """
        field = f"cached_content.{given}"
        now = int(self._state.clock.now() * 1e6) * 1000
        if given and not 0 <= getattr(requested, given).nanos < _NANOS:
            raise invalid_argument(field, f"nanos must be from 0 to {_NANOS - 1}")
        if given is None:
            end = now + _TTL * _NANOS
        elif given == "ttl":
            span = requested.ttl.seconds * _NANOS + requested.ttl.nanos
            if span <= 0:
                raise invalid_argument(field, "must be positive")
            end = now + span
        else:
            end = requested.expire_time.seconds * _NANOS + requested.expire_time.nanos
            if end <= now:
                raise invalid_argument(field, "must be in the future")
        seconds, nanos = divmod(end, _NANOS)
        if seconds > _END_OF_TIME:
            raise invalid_argument(field, "must end before the year 10000")
        cached.expire_time.seconds, cached.expire_time.nanos = seconds, nanos


def _is_alive(state: State, row: Row) -> bool:
    end = row.message(v1beta.CachedContent).expire_time
    return bool(end.seconds * 1_000_000 + end.nanos // 1000 > int(state.clock.now() * 1e6))


def _to_output(cached: v1beta.CachedContent) -> v1beta.CachedContent:
    """Remove the input-only fields, which can be used in prompts but not read."""
    for name in ("system_instruction", "contents", "tools", "tool_config"):
        cached.ClearField(name)
    return cached


def _iter_texts(cached: v1beta.CachedContent) -> Iterator[str]:
    yield from get_texts([cached.system_instruction])
    yield from get_texts(cached.contents)
    yield from get_text_files(cached.contents)
    for tool in cached.tools:
        for declaration in tool.function_declarations:
            yield f"{declaration.name} {declaration.description}"
