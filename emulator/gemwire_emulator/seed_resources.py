"""Resources that exist from the start, created by the requests that a client would send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from google.protobuf import json_format
from google.protobuf.message import Message

from gemwire_emulator.call import Call
from gemwire_emulator.dispatch import Dispatcher, Endpoint
from gemwire_emulator.errors import StatusError
from gemwire_proto import POOL
from gemwire_runtime.method import Kind

_KEYS = frozenset({"rpc", "request", "key"})


async def create_resources(dispatcher: Dispatcher, resources: Sequence[Mapping[str, object]]) -> None:
    """Call an RPC for each resource, one after another.

    Args:
        dispatcher: Dispatcher of the calls.
        resources: For each ``rpc``, a name or the end of one (``RetrieverService/CreateCorpus``),
            ``request`` as JSON, and optionally ``key``, the API key that owns the resource.

    Raises:
        ValueError: An entry is invalid, or its call fails.
    """
    for number, resource in enumerate(resources):
        try:
            endpoint, request = _parse(dispatcher, resource)
            key = str(resource.get("key", ""))
            metadata = {"x-goog-api-key": key} if key else {}
            await endpoint.unary(request, Call(endpoint.method, metadata))
        except (StatusError, ValueError, json_format.ParseError) as error:
            raise ValueError(f"resources[{number}]: {error}") from None


def _parse(dispatcher: Dispatcher, resource: Mapping[str, object]) -> tuple[Endpoint, Message]:
    if not isinstance(resource, Mapping) or not isinstance(resource.get("rpc"), str):
        raise ValueError("must be an object with an rpc")  # noqa: TRY004 - it is data
    if unknown := set(resource) - _KEYS:
        raise ValueError(f"unknown field {', '.join(sorted(unknown))}; it has {', '.join(sorted(_KEYS))}")
    name = str(resource["rpc"]).lstrip("/")
    matching = [endpoint for path, endpoint in dispatcher.endpoints.items() if _ends_with(path, name)]
    if not matching:
        raise ValueError(f"rpc: {name} does not exist")
    endpoint = matching[0]
    if endpoint.method.kind is not Kind.UNARY:
        raise ValueError(f"rpc: {name} is streaming; only unary RPCs can create resources")
    fields = resource.get("request", {})
    if not isinstance(fields, dict):
        raise ValueError("request: must be an object")  # noqa: TRY004 - it is data
    return endpoint, json_format.ParseDict(fields, endpoint.request(), descriptor_pool=POOL)


def _ends_with(path: str, name: str) -> bool:
    """Return whether a path ends with a name that begins after a separator."""
    return path.endswith(name) and path[: -len(name)][-1:] in ("/", ".")
