"""An OpenAPI document as its tests read it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

from gemwire.testing import RunningEmulator


class Answer:
    """What a request for a document is answered with."""

    def __init__(
        self, gemini: RunningEmulator, path: str, verb: str = "GET", body: Any = None, **headers: str
    ) -> None:
        connection = http.client.HTTPConnection(gemini.http.removeprefix("http://"), timeout=20)
        sent = None if body is None else json.dumps(body)
        connection.request(verb, path, sent, {n.replace("_", "-"): v for n, v in headers.items()})
        response = connection.getresponse()
        self.status, self.headers, self.body = response.status, response.headers, response.read()
        connection.close()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            yield verb, path, operation


def closed(tree: Any) -> Any:
    """Schemas that allow nothing but what they name."""
    if isinstance(tree, list):
        return [closed(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    made = {key: closed(value) for key, value in tree.items()}
    if isinstance(made.get("properties"), dict) and made.get("type") == "object":
        made.setdefault("additionalProperties", False)
    return made
