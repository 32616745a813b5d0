"""RPCs by the HTTP requests that call them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from gemwire._transport.rest.routes import from_http
from gemwire._transport.rest.transcode import bindings, to_http
from gemwire_proto import v1beta
from gemwire_proto.families import PACKAGES

GENERATE = "/v1beta/models/m:generateContent"


def bound() -> Iterator[Any]:
    """Yield each RPC with a request for each of its bindings."""
    for table in PACKAGES["google.ai.generativelanguage.v1beta"].tables():
        for method in table.methods.values():
            for at, binding in enumerate(bindings(method)):
                request = method.request()
                for field, shape in re.findall(r"\{([^=}]+)=([^}]+)\}", binding.template):
                    *parents, last = field.split(".")
                    inner: Any = request
                    for parent in parents:
                        inner = getattr(inner, parent)
                    setattr(inner, last, shape.replace("**", "a/b").replace("*", "abc"))
                if binding.body.strip("*"):
                    getattr(request, binding.body).SetInParent()
                yield pytest.param(method, request, id=f"{method.name}-{at}")


@pytest.mark.parametrize(("method", "request_"), list(bound()))
def test_every_binding_is_found(method: Any, request_: Any) -> None:
    made = to_http(method, request_)
    parts = urlsplit(made.target)
    found = from_http(made.verb, unquote(parts.path), parse_qsl(parts.query), made.body or b"")
    assert found is not None
    assert (found[0].path, found[1]) == (method.path, request_)


def test_parameters_and_bodies() -> None:
    found = from_http("GET", "/v1beta/tunedModels", [("pageSize", "5"), ("filter", "owner:me")], b"")
    assert found is not None
    assert found[1] == v1beta.ListTunedModelsRequest(page_size=5, filter="owner:me")
    body = b'{"displayName": "a"}'
    mask = [("updateMask", "displayName,description")]
    found = from_http("PATCH", "/v1beta/tunedModels/t", mask, body)
    assert found is not None
    model = v1beta.TunedModel(name="tunedModels/t", display_name="a")
    paths = {"paths": ["display_name", "description"]}
    assert found[1] == v1beta.UpdateTunedModelRequest(tuned_model=model, update_mask=paths)


@pytest.mark.parametrize(
    ("verb", "path", "query", "body"),
    [
        ("POST", GENERATE, [], b'{"brandNew": 1}'),
        ("POST", GENERATE, [], b'{"contents": 1}'),
        ("POST", GENERATE, [], b"[1]"),
        ("POST", GENERATE, [], b"{"),
        ("POST", GENERATE, [("brandNew", "1")], b"{}"),
        ("GET", GENERATE, [], b""),
        ("GET", "/v1beta/files/a:download", [("alt", "media")], b""),
        ("POST", "/upload/v1beta/files", [], b"{}"),
        ("GET", "/v1beta/models/../files", [], b""),
    ],
)
def test_what_no_rpc_carries(verb: str, path: str, query: list[tuple[str, str]], body: bytes) -> None:
    assert from_http(verb, path, query, body) is None
