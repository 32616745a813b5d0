"""Plain HTTP requests to a server on loopback, JSON both ways."""

from __future__ import annotations

import http.client
import json
from typing import Any

#: Decoded JSON, which tests take apart without checking its types first.
Json = Any


class Http:
    """Plain requests to the HTTP side."""

    def __init__(self, url: str) -> None:
        self.host = url.removeprefix("http://")

    def __call__(
        self, verb: str, path: str, body: Json = None, *, raw: bytes | None = None, **headers: str
    ) -> tuple[int, Json]:
        """Status and JSON of an answer; ``sec_fetch_site`` is a header too."""
        connection = http.client.HTTPConnection(self.host, timeout=20)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            given.setdefault("content-type", "application/json")
            raw = json.dumps(body).encode()
        connection.request(verb, path, raw, given)
        response = connection.getresponse()
        read = response.read()
        connection.close()
        self.headers = response.headers
        return response.status, json.loads(read)

    def ok(self, verb: str, path: str, body: Json = None) -> Json:
        status, answer = self(verb, path, body)
        assert status == 200, answer
        return answer

    def error(self, verb: str, path: str, body: Json = None, **more: Json) -> Json:
        status, answer = self(verb, path, body, **more)
        assert answer["error"]["code"] == status
        return answer["error"]
