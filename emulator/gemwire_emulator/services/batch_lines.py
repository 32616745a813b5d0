"""The requests and responses of a batch: lines of JSON, one response for each request.

A request that is invalid fails by itself. A line has a ``request``, and a ``key`` or ``metadata`` that are
copied to the line of its response.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Awaitable, Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message

from gemwire_emulator.call import Call
from gemwire_emulator.errors import StatusError, invalid_argument
from gemwire_emulator.json_codec.messages import parse_json, parse_message, to_json
from gemwire_runtime.method import Method

_logger = logging.getLogger("gemwire_emulator")

#: Maximum bytes of a line, the same as of a request over HTTP.
_MAX_LINE = 20 * 2**20
_COPIED = ("key", "metadata")


@dataclass(frozen=True)
class ItemHandler:
    """The handler of the requests in a batch.

    Attributes:
        method: RPC of a single request.
        handle: Handler of that RPC.
    """

    method: Method[Message, Message]
    handle: Callable[[Any, Call], Awaitable[Message]]


def iter_lines(path: Path) -> Generator[bytes | None, None, None]:
    """Yield the requests in a file, None for one that is too long; empty lines are skipped."""
    with closing(iter_numbered_lines(path)) as lines:
        for _, line in lines:
            yield line


def iter_numbered_lines(path: Path) -> Generator[tuple[int, bytes | None], None, None]:
    """Yield what `iter_lines` does, each with the number of its line, from 1."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(_MAX_LINE + 1):
            number += 1
            if len(line) > _MAX_LINE:
                while line and not line.endswith(b"\n"):
                    line = file.readline(_MAX_LINE)
                yield number, None
            elif line.strip():
                yield number, line


def count_lines(path: Path) -> int:
    """Return the number of requests in a file."""
    return sum(1 for _ in iter_lines(path))


def count_responses(path: Path) -> tuple[int, int]:
    """Return the number of responses in a file, and how many of them are errors.

    A partial line, left by a kill -9, is removed.
    """
    responses = errors = complete = 0
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break
            responses, errors = responses + 1, errors + ("error" in json.loads(line))
            complete += len(line)
    os.truncate(path, complete)
    return responses, errors


async def handle_line(line: bytes | None, handler: ItemHandler, model: str, tenant: str) -> bytes:
    """Handle a request and return the line of its response.

    Args:
        line: The request; None for one that is too long.
        handler: Handler of the request.
        model: Model of the batch.
        tenant: Tenant of the batch.
    """
    copied: dict[str, object] = {}
    try:
        entry = parse_line(line)
        copied = {name: entry[name] for name in _COPIED if name in entry}
        request = _parse_request(entry, handler.method, model)
        call = Call(handler.method, {"x-goog-api-key": tenant})
        response = to_json(await handler.handle(request, call))
    except StatusError as error:
        return _format_error(copied, error)
    except Exception as error:
        # A bug of the emulator, as in a call; the other requests continue.
        _logger.exception("a request of a batch failed")
        return _format_error(copied, StatusError(grpc.StatusCode.INTERNAL, f"the emulator failed: {error}"))
    before = json.dumps(copied)[1:-1]
    return f'{{{before}{before and ","}"response":{response}}}\n'.encode()


def parse_line(line: bytes | None) -> dict[str, object]:
    """Return the object of a line; None stands for one that is too long. Raises StatusError."""
    if line is None:
        raise invalid_argument("request", f"has more than {_MAX_LINE} bytes")
    entry = parse_json(line)
    if not isinstance(entry, dict):
        raise invalid_argument("request", 'must be in an object: {"key": …, "request": {…}}')
    return entry


def _parse_request(entry: dict[str, object], method: Method[Message, Message], model: str) -> Message:
    if not isinstance(entry.get("request"), dict):
        raise invalid_argument("request", "is required, as an object")
    request: Any = parse_message(method.request, entry["request"])
    # Names without "models/" are common in files.
    if request.model.removeprefix("models/") not in {"", model.removeprefix("models/")}:
        raise invalid_argument("request.model", f"must be {model}, the model of the batch, or be omitted")
    request.model = model
    parsed: Message = request
    return parsed


def _format_error(copied: dict[str, object], error: StatusError) -> bytes:
    # Without details, which Google's clients do not read here.
    status = {"code": error.code.value[0], "message": error.message}
    return json.dumps({**copied, "error": status}).encode() + b"\n"
