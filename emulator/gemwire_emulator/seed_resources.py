"""What an emulator holds from the start: resources made by requests, as a client would make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import json_format

from gemwire_emulator.call import Call
from gemwire_emulator.dispatch import Dispatcher, Endpoint
from gemwire_emulator.errors import StatusError
from gemwire_proto import POOL
from gemwire_runtime.method import Kind

_KEYS = frozenset({"rpc", "request", "key"})


async def prepare(dispatcher: Dispatcher, resources: Sequence[Mapping[str, Any]]) -> None:
    """Make some calls, one after another.

    Args:
        dispatcher: Who answers them.
        resources: For each ``rpc``, a name or the end of it (``RetrieverService/CreateCorpus``),
            ``request``, as JSON has it, and ``key``, the API key whose resource it is, if any.

    Raises:
        ValueError: One makes no sense, or is refused.
    """
    for number, resource in enumerate(resources):
        try:
            endpoint, request = _understood(dispatcher, resource)
            key = resource.get("key", "")
            metadata = {"x-goog-api-key": key} if key else {}
            await endpoint.unary(request, Call(endpoint.method, metadata))
        except (StatusError, ValueError, json_format.ParseError) as error:
            raise ValueError(f"resources[{number}]: {error}") from None


def _understood(dispatcher: Dispatcher, resource: Mapping[str, Any]) -> tuple[Endpoint, Any]:
    if not isinstance(resource, Mapping) or not isinstance(resource.get("rpc"), str):
        raise ValueError("must be an object with an rpc")  # noqa: TRY004 - of data, not of types
    if unknown := set(resource) - _KEYS:
        raise ValueError(f"has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(_KEYS))}")
    name = resource["rpc"].lstrip("/")
    ends = [endpoint for path, endpoint in dispatcher.endpoints.items() if _is_end(path, name)]
    if not ends:
        raise ValueError(f"rpc: there is no {name}")
    if ends[0].method.kind is not Kind.UNARY:
        raise ValueError(f"rpc: {name} streams")
    request = ends[0].request()
    json_format.ParseDict(resource.get("request", {}), request, descriptor_pool=POOL)
    return ends[0], request


def _is_end(path: str, name: str) -> bool:
    """Whether a name is the end of a path, at a sign that divides it."""
    return path.endswith(name) and path[: -len(name)][-1:] in ("/", ".")
