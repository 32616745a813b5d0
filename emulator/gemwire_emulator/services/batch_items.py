"""The requests of a batch, one by one: lines of JSON, each answered by a line of JSON.

One that is bad fails alone. A line has a ``request``, and a ``key`` or
``metadata`` that its answer has as well.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

from gemwire_emulator.call import Call
from gemwire_emulator.engines.instant import get_texts
from gemwire_emulator.errors import StatusError, invalid_argument
from gemwire_emulator.http.transcode import parse_json, parse_message, to_json
from gemwire_proto.v1beta import generative_service
from gemwire_runtime.method import Method

if TYPE_CHECKING:
    from gemwire_emulator.services.generation import GenerativeService

_logger = logging.getLogger("gemwire_emulator")

#: What a request may have over HTTP, and so in a line.
_MOST = 20 * 2**20
_KEPT = ("key", "metadata")


@dataclass(frozen=True)
class Kind:
    """What the requests of a batch are.

    Attributes:
        name: What the service calls such a batch.
        serves: What models that take such batches serve.
        rpc: The RPC that answers one of its requests.
    """

    name: str
    serves: str
    rpc: Method[Any, Any]


KINDS = {
    "generate": Kind(
        "GenerateContentBatch", "batchGenerateContent", generative_service.SERVICE.methods["GenerateContent"]
    ),
    "embed": Kind(
        "EmbedContentBatch", "asyncBatchEmbedContent", generative_service.SERVICE.methods["EmbedContent"]
    ),
}


def iter_lines(path: Path) -> Generator[bytes | None, None, None]:
    """The requests in a file; None for one that is longer than a request may be. Empty lines are none."""
    with path.open("rb") as file:
        while line := file.readline(_MOST + 1):
            if len(line) > _MOST:
                while line and not line.endswith(b"\n"):
                    line = file.readline(_MOST)
                yield None
            elif line.strip():
                yield line


def count_lines(path: Path) -> int:
    """How many there are."""
    return sum(1 for _ in iter_lines(path))


def count_answers(path: Path) -> tuple[int, int]:
    """How many answers there are in a file, and how many of them are errors.

    One that a kill -9 cut off is none, and taken out.
    """
    answers = errors = whole = 0
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break
            answers, errors = answers + 1, errors + ("error" in json.loads(line))
            whole += len(line)
    os.truncate(path, whole)
    return answers, errors


async def answer_line(
    line: bytes | None, kind: Kind, model: str, service: GenerativeService, tenant: str
) -> bytes:
    """The answer to a request.

    Args:
        line: The request; None for one that is too long.
        kind: What it is.
        model: That of the batch.
        service: What answers.
        tenant: Whose batch it is.
    """
    kept: dict[str, Any] = {}
    try:
        entry = _entry(line)
        kept = {name: entry[name] for name in _KEPT if name in entry}
        request = _request(entry, kind, model)
        handler = getattr(service, kind.rpc.snake)
        response = to_json(await handler(request, Call(kind.rpc, {"x-goog-api-key": tenant})))
        if kind is KINDS["embed"]:
            tokens = service.count(get_texts([request.content]))
            response = f'{response[:-1]},"tokenCount":"{tokens}"}}'
    except StatusError as failure:
        return _error(kept, failure)
    except Exception as error:
        # A mistake of the emulator, as in a call; the other requests go on.
        _logger.exception("a request of a batch failed")
        return _error(kept, StatusError(grpc.StatusCode.INTERNAL, f"the emulator failed: {error}"))
    before = json.dumps(kept)[1:-1]
    return f'{{{before}{before and ","}"response":{response}}}\n'.encode()


def _entry(line: bytes | None) -> dict[str, Any]:
    if line is None:
        raise invalid_argument("request", f"has more than {_MOST} bytes")
    entry = parse_json(line)
    if not isinstance(entry, dict):
        raise invalid_argument("request", 'must be in an object: {"key": …, "request": {…}}')
    return entry


def _request(entry: dict[str, Any], kind: Kind, model: str) -> Any:
    if not isinstance(entry.get("request"), dict):
        raise invalid_argument("request", "is required, as an object")
    request = parse_message(kind.rpc.request, entry["request"])
    # Names without "models/" are usual in files.
    if request.model.removeprefix("models/") not in {"", model.removeprefix("models/")}:
        raise invalid_argument("request.model", f"must be {model}, the model of the batch, or be left out")
    request.model = model
    return request


def _error(kept: dict[str, Any], failure: StatusError) -> bytes:
    # Google's clients read no details here.
    error = {"code": failure.code.value[0], "message": failure.message}
    return json.dumps({**kept, "error": error}).encode() + b"\n"
