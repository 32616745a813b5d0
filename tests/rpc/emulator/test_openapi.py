"""The OpenAPI document: valid, whole, and what it says of names, types and fields is so."""

from __future__ import annotations

import gzip
import http.client
import json
import re
from collections.abc import Iterator
from importlib import resources
from typing import Any

import corpus
import jsonschema
import openapi_spec_validator
import pytest
from google.protobuf import json_format

from gemwire.testing import RunningEmulator
from gemwire_emulator.server import SERVICES
from gemwire_proto import DESCRIPTOR_SET, POOL
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2

VERSIONS = ("v1beta", "v1")
#: The operations that a well-known client of the API has, each with its path.
GENERATIVE = {
    "batch_embed_contents": "models/{model}:batchEmbedContents",
    "count_tokens": "models/{model}:countTokens",
    "embed_content": "models/{model}:embedContent",
    "generate_answer": "models/{model}:generateAnswer",
    "generate_dynamic_content": "dynamic/{dynamic}:generateContent",
    "generate_model_content": "models/{model}:generateContent",
    "generate_tuned_model_content": "tunedModels/{tunedModel}:generateContent",
    "stream_generate_dynamic_content": "dynamic/{dynamic}:streamGenerateContent",
    "stream_generate_model_content": "models/{model}:streamGenerateContent",
    "stream_generate_tuned_model_content": "tunedModels/{tunedModel}:streamGenerateContent",
}


class Answer:
    """What a request for a document is answered with."""

    def __init__(self, gemini: RunningEmulator, path: str, verb: str = "GET", **headers: str) -> None:
        connection = http.client.HTTPConnection(gemini.http.removeprefix("http://"), timeout=20)
        connection.request(verb, path, headers={n.replace("_", "-"): v for n, v in headers.items()})
        response = connection.getresponse()
        self.status, self.headers, self.body = response.status, response.headers, response.read()
        connection.close()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@pytest.fixture(scope="module")
def gemini() -> Iterator[RunningEmulator]:
    running = RunningEmulator(http_port=0)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def documents(gemini: RunningEmulator) -> dict[str, Any]:
    return {v: Answer(gemini, path).json for v, path in zip(VERSIONS, PATHS, strict=True)}


PATHS = ("/openapi.json", "/v1/openapi.json")


@pytest.fixture(scope="module")
def document(documents: dict[str, Any]) -> Any:
    return documents["v1beta"]


@pytest.fixture(scope="module")
def components(document: Any) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"]
    return found


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            yield verb, path, operation


@pytest.mark.parametrize("version", VERSIONS)
def test_it_is_valid(documents: dict[str, Any], version: str) -> None:
    document = documents[version]
    openapi_spec_validator.validate(document)
    schemas = resources.files(openapi_spec_validator) / "resources" / "schemas"
    jsonschema.validate(document, json.loads((schemas / "v3.0" / "schema.json").read_bytes()))
    assert document["openapi"] == "3.0.3"
    assert document["info"]["version"] == version


def test_every_schema_is_one(components: dict[str, Any]) -> None:
    for schema in components.values():
        jsonschema.Draft4Validator.check_schema(schema)


def test_the_operations_of_generation(document: Any) -> None:
    found = {
        operation["operationId"]: (verb, path)
        for verb, path, operation in operations(document)
        if operation["tags"] == ["GenerativeService"]
    }
    assert found == {
        f"generative_service_{name}": ("post", f"/v1beta/{path}") for name, path in GENERATIVE.items()
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_no_binding_is_missing(documents: dict[str, Any], version: str) -> None:
    def flat(path: str) -> str:
        return re.sub(r"\{[^=}]*=?|\}|\*+", "", re.sub(r"\{\w+\}", "*", path.partition("/")[2]))

    found = {(verb, flat(path.lstrip("/"))) for verb, path, _ in operations(documents[version])}
    wanted = {
        (binding.verb, flat(binding.template.lstrip("/")))
        for service in SERVICES
        if f".{version}." in service.name
        for method in service.methods.values()
        for binding in method.http
    }
    assert len(wanted) == {"v1beta": 67, "v1": 11}[version]
    assert wanted <= found
    ids = [operation["operationId"] for _, _, operation in operations(documents[version])]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("version", VERSIONS)
def test_every_path_is_served(
    gemini: RunningEmulator, documents: dict[str, Any], version: str
) -> None:
    for verb, path, operation in operations(documents[version]):
        before = len(gemini.calls())
        asked = re.sub(r"\{\w+\}", "none", path)
        answer = Answer(gemini, asked, verb.upper(), content_length="0")
        # No more than that: whether there is such a resource is another matter.
        assert len(gemini.calls()) == before + 1 or answer.status == 400, (verb, path)
        rpc = "".join(word.title() for word in operation["operationId"].split("_"))
        service, _, method = gemini.calls()[-1].method.strip("/").rpartition("/")
        assert rpc.startswith(service.rpartition(".")[2])
        assert _words(method) <= _words(rpc), (operation["operationId"], method)


def _words(name: str) -> set[str]:
    return set(re.findall("[A-Z][a-z]*", name))
