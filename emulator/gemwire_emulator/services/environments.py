"""EnvironmentService: environments of agents. They are no machines and keep the files they get."""

from __future__ import annotations

import base64
import binascii
import json
import mimetypes
from collections.abc import Sequence
from typing import NamedTuple

from google.protobuf import json_format

from gemwire_emulator.call import Call
from gemwire_emulator.errors import invalid_argument, not_found, quote
from gemwire_emulator.services.interaction_events import format_time
from gemwire_emulator.services.json_collection import JsonCollection
from gemwire_emulator.state import State
from gemwire_proto import interactions as api
from gemwire_proto.google.protobuf import struct_pb2

_DEFAULT_PAGE, _MAX_PAGE = 50, 1000


class EnvironmentService:
    """The handlers of EnvironmentService."""

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._state = state
        self._environments = JsonCollection(state, "environments", api.RemoteEnvironment)

    def create_environment(self, request: api.CreateEnvironmentRequest, call: Call) -> api.RemoteEnvironment:
        """Store an environment with its sources, after those of the one that it copies."""
        sources: list[api.Source] = []
        if request.from_environment:
            copied = self._environments.find(request.from_environment, call, "from_environment")
            sources += copied.message(api.RemoteEnvironment).sources
        sources += request.sources
        files = _read_files(sources)
        now = format_time(self._state.clock)
        environment = api.RemoteEnvironment(
            id=self._environments.choose_id(),
            status="active",
            sources=sources,
            file_count=len(files),
            size_bytes=sum(len(data) for data in files.values()),
            created=now,
            updated=now,
            last_accessed=now,
        )
        if request.HasField("network"):
            _check_network(request.network)
            environment.network.CopyFrom(request.network)
        return self._environments.add(environment.id, environment, call, json.dumps({}))

    def get_environment(self, request: api.GetEnvironmentRequest, call: Call) -> api.RemoteEnvironment:
        """Return an environment."""
        return self._environments.get(request.id, call)

    def list_environments(
        self, request: api.ListEnvironmentsRequest, call: Call
    ) -> api.ListEnvironmentsResponse:
        """List the environments, oldest first."""
        found, token = self._environments.list(request, call)
        return api.ListEnvironmentsResponse(environments=found, next_page_token=token or None)

    def delete_environment(self, request: api.DeleteEnvironmentRequest, call: Call) -> api.Empty:
        """Delete an environment."""
        self._environments.delete(request.id, call)
        return api.Empty()

    def list_environment_files(
        self, request: api.ListEnvironmentFilesRequest, call: Call
    ) -> api.ListEnvironmentFilesResponse:
        """List what is in a folder, or the one file of a path."""
        environment = self._environments.find(request.environment, call, "environment")
        message = environment.message(api.RemoteEnvironment)
        entries = _list_entries(_read_files(message.sources), request.path, recursive=request.recursive)
        if entries is None:
            raise not_found(f"environments/{request.environment}/files/{request.path}")
        if request.page_size < 0:
            raise invalid_argument("page_size", "must not be negative")
        if request.page_token and not request.page_token.isdecimal():
            raise invalid_argument("page_token", f"{quote(request.page_token)} is not a token of this list")
        begin = int(request.page_token or 0)
        end = begin + min(request.page_size or _DEFAULT_PAGE, _MAX_PAGE)
        files = []
        for entry in entries[begin:end]:
            kind = "file" if entry.size is not None else "directory"
            file = api.EnvironmentFile(name=entry.path.rpartition("/")[2], path=entry.path, type=kind)
            if entry.size is not None:
                file.size_bytes = entry.size
                file.mime_type = mimetypes.guess_type(entry.path)[0] or "application/octet-stream"
            file.created.FromJsonString(message.created)
            file.modified.FromJsonString(message.updated)
            files.append(file)
        token = str(end) if end < len(entries) else None
        return api.ListEnvironmentFilesResponse(files=files, next_page_token=token)


class _Entry(NamedTuple):
    """A file, or a folder, which has no size."""

    path: str
    size: int | None


def _read_files(sources: Sequence[api.Source]) -> dict[str, bytes]:
    """Return the contents of the sources that have any, by path. The emulator fetches no others."""
    files: dict[str, bytes] = {}
    for at, source in enumerate(sources):
        if not source.HasField("content"):
            continue
        path = source.target.strip("/")
        if not path:
            raise invalid_argument(f"sources[{at}].target", "is required with content")
        try:
            is_base64 = source.encoding == "base64"
            files[path] = (
                base64.b64decode(source.content, validate=True) if is_base64 else source.content.encode()
            )
        except (binascii.Error, ValueError):
            raise invalid_argument(f"sources[{at}].content", "is not base64") from None
    return files


def _list_entries(files: dict[str, bytes], path: str, *, recursive: bool) -> list[_Entry] | None:
    """Return what is in a folder, by name; None if there is no such folder or file."""
    # A slash that is percent-encoded in a URL is no separator there.
    path = path.replace("\\", "/").strip("/")
    if path in files:
        return [_Entry(path, len(files[path]))]
    prefix = f"{path}/" if path else ""
    found: dict[str, _Entry] = {}
    for name, data in sorted(files.items()):
        if not name.startswith(prefix):
            continue
        first, slash, _ = name.removeprefix(prefix).partition("/")
        shown = name if recursive or not slash else prefix + first
        found[shown] = _Entry(shown, len(data) if shown == name else None)
    return list(found.values()) if found or not path else None


def _check_network(network: struct_pb2.Value) -> None:
    tree: object = json_format.MessageToDict(network)
    if tree != "disabled" and not (isinstance(tree, dict) and "allowlist" in tree):
        raise invalid_argument("network", "is neither disabled nor an object with an allowlist")
