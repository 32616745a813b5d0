"""The OpenAPI document of one version, and the endpoint that serves it."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from gemwire_emulator.http.openapi.comments import find_comment
from gemwire_emulator.http.openapi.operations import build_operation, build_path, iter_path_fields
from gemwire_emulator.http.openapi.schemas import Schemas
from gemwire_emulator.http.router import RpcRoute

_SECURITY = {
    "ApiKeyAuth": {"type": "apiKey", "in": "header", "name": "x-goog-api-key"},
    "ApiKeyQuery": {"type": "apiKey", "in": "query", "name": "key"},
}


class About(NamedTuple):
    """What a document says of the API as a whole.

    Attributes:
        title: Its name.
        description: What is served.
        security: How calls are authorized.
    """

    title: str
    description: str
    security: Mapping[str, Mapping[str, str]]


GEMINI = About(
    "Generative Language API",
    "The REST API of an emulator of the Generative Language (Gemini) API, as its protos define it. "
    "Uploads and live sessions are served as well; no proto binds them to a path. So are interactions, "
    "agents and webhooks, whose calls share paths.",
    _SECURITY,
)
VERTEX = About(
    "Vertex AI API",
    "The REST API of an emulator of Vertex AI, as its protos define it. Any token or key is taken.",
    {"BearerAuth": {"type": "http", "scheme": "bearer"}, **_SECURITY},
)


class Document:
    """The OpenAPI document of one version."""

    def __init__(self, version: str, routes: Sequence[RpcRoute], about: About = GEMINI) -> None:
        """Remember the routes; the document is built by the first request.

        Args:
            version: First segment of the paths: ``v1beta``.
            routes: The bindings of the version.
            about: The API.
        """
        self._about = about
        self._version = version
        # Interactions have calls that share a path, and messages with names of the API's.
        self._routes = [route for route in routes if route.endpoint.method.service.startswith("google.")]
        # Limited: the host name comes from the client.
        self._encode_cached = lru_cache(maxsize=8)(self._encode)

    async def serve(self, request: Request) -> Response:
        """Serve a request for the document."""
        url = request.url
        plain, compressed, tag = self._encode_cached(f"{url.scheme}://{url.netloc}")
        headers = {"etag": tag, "cache-control": "no-cache", "vary": "Accept-Encoding, Host"}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
            return Response(compressed, media_type="application/json", headers=headers)
        return Response(plain, media_type="application/json", headers=headers)

    def build(self, server: str) -> dict[str, object]:
        """Build the document.

        Args:
            server: Base URL of the API: ``http://127.0.0.1:8080``.
        """
        return {"openapi": "3.0.3", "servers": [{"url": server}], **self._content}

    def _encode(self, server: str) -> tuple[bytes, bytes, str]:
        plain = json.dumps(self.build(server), ensure_ascii=False, separators=(",", ":")).encode()
        # A weak tag: the document may be compressed or not.
        return plain, gzip.compress(plain, mtime=0), f'W/"{hashlib.sha256(plain).hexdigest()[:32]}"'

    @cached_property
    def _content(self) -> dict[str, object]:
        methods = {route.endpoint.method: None for route in self._routes}
        schemas = Schemas({name for method in methods for name in iter_path_fields(method)})
        siblings = Counter(route.endpoint.method for route in self._routes)
        paths: dict[str, dict[str, object]] = {}
        for route in self._routes:
            operation = build_operation(route, schemas, siblings[route.endpoint.method])
            paths.setdefault(build_path(self._version, route), {})[route.binding.verb] = operation
        services = dict.fromkeys(method.service for method in methods)
        return {
            "info": {
                "title": self._about.title,
                "version": self._version,
                "description": self._about.description,
            },
            "tags": [
                {"name": service.rpartition(".")[2], "description": find_comment(service)}
                for service in services
            ],
            "paths": dict(sorted(paths.items())),
            "components": {
                "schemas": dict(sorted(schemas.components.items())),
                "securitySchemes": self._about.security,
            },
            "security": [{name: []} for name in self._about.security],
        }
