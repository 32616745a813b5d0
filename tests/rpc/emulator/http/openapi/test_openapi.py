"""The OpenAPI document: valid, complete, and true of names, types and fields."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from importlib import resources

import jsonschema
import openapi_spec_validator
import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from json_http import Json
from openapi_document import Answer, operations

from gemwire.testing import RunningEmulator
from gemwire_emulator.http.openapi.schemas import Schemas
from gemwire_emulator.server import SERVICES, VERTEX_SERVICES
from gemwire_proto import DESCRIPTOR_SET, POOL

VERSIONS = ("v1beta", "v1")
PATHS = {
    "v1beta": "/openapi.json",
    "v1": "/v1/openapi.json",
    "aiplatform": "/aiplatform/openapi.json",
}
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
    "async_batch_embed_content": "models/{model}:asyncBatchEmbedContent",
    "batch_generate_model_content": "models/{model}:batchGenerateContent",
    "batch_generate_tuned_model_content": "tunedModels/{tunedModel}:batchGenerateContent",
}


@pytest.fixture(scope="module")
def gemini() -> Iterator[RunningEmulator]:
    running = RunningEmulator(http_port=0)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def documents(gemini: RunningEmulator) -> Json:
    return {name: Answer(gemini, path).json for name, path in PATHS.items()}


@pytest.fixture(scope="module")
def document(documents: dict[str, Json]) -> Json:
    return documents["v1beta"]


@pytest.fixture(scope="module")
def components(document: Json) -> Json:
    found: Json = document["components"]["schemas"]
    return found


@pytest.mark.parametrize("version", PATHS)
def test_document_is_valid(documents: dict[str, Json], version: str) -> None:
    document = documents[version]
    openapi_spec_validator.validate(document)
    schemas = resources.files(openapi_spec_validator) / "resources" / "schemas"
    jsonschema.validate(document, json.loads((schemas / "v3.0" / "schema.json").read_bytes()))
    assert document["openapi"] == "3.0.3"
    assert document["info"]["version"] == version.replace("aiplatform", "v1")


def test_schemas_are_valid(components: Json) -> None:
    for schema in components.values():
        jsonschema.Draft4Validator.check_schema(schema)


def test_operations_of_generation(document: Json) -> None:
    found = {
        operation["operationId"]: (verb, path)
        for verb, path, operation in operations(document)
        if operation["tags"] == ["GenerativeService"]
    }
    assert found == {
        f"generative_service_{name}": ("post", f"/v1beta/{path}") for name, path in GENERATIVE.items()
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_all_bindings_are_documented(documents: dict[str, Json], version: str) -> None:
    def flat(path: str) -> str:
        return re.sub(r"\{[^=}]*=?|\}|\*+", "", re.sub(r"\{\w+\}", "*", path.partition("/")[2]))

    found = {(verb, flat(path.lstrip("/"))) for verb, path, _ in operations(documents[version])}
    wanted = {
        (binding.verb, flat(binding.template.lstrip("/")))
        for service in SERVICES
        if service.name.startswith("google.") and f".{version}." in service.name
        for method in service.methods.values()
        for binding in method.http
    }
    assert len(wanted) >= {"v1beta": 70, "v1": 11}[version]
    assert wanted <= found
    ids = [operation["operationId"] for _, _, operation in operations(documents[version])]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("version", PATHS)
def test_documented_paths_are_served(
    gemini: RunningEmulator, documents: dict[str, Json], version: str
) -> None:
    for verb, path, operation in operations(documents[version]):
        before = len(gemini.calls())
        # Whether there is such a resource is another matter.
        Answer(gemini, re.sub(r"\{\w+\}", "none", path), verb.upper())
        (call,) = gemini.calls()[before:]
        service, method = call.method.strip("/").split("/")[-2:]
        assert operation["tags"] == [service.rpartition(".")[2]]
        assert set(re.findall("[a-z]+", _snake(method))) <= set(operation["operationId"].split("_"))


def _snake(name: str) -> str:
    return re.sub("(?<!^)(?=[A-Z])", "_", name).lower()


def test_vertex_ai_is_documented(documents: dict[str, Json]) -> None:
    document = documents["aiplatform"]
    roots = {path.split("/")[2].partition(":")[0] for path in document["paths"]}
    assert roots == {"projects", "publishers", "endpoints"}
    wanted = {
        (binding.verb, re.sub(r"\{\w+(\.\w+)*=|\}", "", binding.template.replace("/v1beta1/", "/v1/")))
        for service in VERTEX_SERVICES
        for method in service.methods.values()
        for binding in method.http
    }
    assert wanted <= {(verb, re.sub(r"\{\w+\}", "*", path)) for verb, path, _ in operations(document)}
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    schema = document["components"]["schemas"]["GenerateContentRequest"]["properties"]
    assert schema["labels"]["description"].startswith("Labels of the request")


def test_recursive_schema(components: Json) -> None:
    schema = {"$ref": "#/components/schemas/Schema"}
    properties = components["Schema"]["properties"]
    assert properties["items"]["allOf"] == [schema]
    assert properties["properties"]["additionalProperties"] == schema


def test_required_fields(components: Json) -> None:
    def required(name: str) -> Json:
        return components[name].get("required", [])

    # The model is in the path.
    assert required("GenerateContentRequest") == ["contents"]
    assert required("TunedModel") == ["tuningTask"]
    assert required("SafetySetting") == ["category", "threshold"]
    # It is sent, and never comes back.
    assert required("TuningTask") == []
    assert components["TuningTask"]["properties"]["trainingData"]["writeOnly"] is True
    assert components["TunedModel"]["properties"]["state"]["readOnly"] is True


def test_patch_schema_has_optional_fields(document: Json, components: Json) -> None:
    (patch,) = (o for v, p, o in operations(document) if v == "patch" and p.endswith("/{tunedModel}"))
    content = patch["requestBody"]["content"]["application/json"]
    assert content["schema"] == {"$ref": "#/components/schemas/TunedModelPatch"}
    assert "required" not in components["TunedModelPatch"]
    assert components["TunedModelPatch"]["properties"] == components["TunedModel"]["properties"]
    (mask,) = (p for p in patch["parameters"] if p["in"] == "query")
    assert (mask["name"], mask["schema"]["type"], mask.get("required")) == ("updateMask", "string", None)


def test_parameters(document: Json) -> None:
    listing = document["paths"]["/v1beta/corpora/{corpus}/documents"]["get"]
    assert [(p["name"], p["in"]) for p in listing["parameters"]] == [
        ("corpus", "path"),
        ("pageSize", "query"),
        ("pageToken", "query"),
    ]
    creating = document["paths"]["/v1beta/tunedModels"]["post"]
    assert [p["name"] for p in creating["parameters"]] == ["tunedModelId"]
    assert creating["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/TunedModel"
    }


def test_streams(document: Json) -> None:
    path = document["paths"]["/v1beta/models/{model}:streamGenerateContent"]["post"]
    content = path["responses"]["200"]["content"]
    item = {"$ref": "#/components/schemas/GenerateContentResponse"}
    assert content["application/json"]["schema"] == {"type": "array", "items": item}
    assert content["text/event-stream"]["schema"]["type"] == "string"
    (alt,) = (p for p in path["parameters"] if p["in"] == "query")
    assert alt["schema"]["enum"] == ["json", "sse"]


def test_everything_has_a_description(document: Json, components: Json) -> None:
    silent = [o["operationId"] for _, _, o in operations(document) if not o.get("description")]
    silent += [tag["name"] for tag in document["tags"] if not tag["description"]]
    carried = {"Status", "Interval", "LatLng"}
    silent += [n for n, schema in components.items() if not schema.get("description") and n not in carried]
    assert not silent
    cached = components["CachedContent"]
    assert "At most one of `expireTime`, `ttl` is set." in cached["description"]
    assert "* `MAX_TOKENS`: " in components["CandidateFinishReason"]["description"]


def test_comments_belong_to_existing_names() -> None:
    told = json.loads(DESCRIPTOR_SET.with_name("comments.json").read_bytes())
    assert len(told) > 250
    for owner, parts in told.items():
        assert set(parts) <= {"", *_parts(owner)}, owner


def _parts(name: str) -> set[str]:
    for find, parts in (
        (POOL.FindMessageTypeByName, "fields_by_name"),
        (POOL.FindEnumTypeByName, "values_by_name"),
        (POOL.FindServiceByName, "methods_by_name"),
    ):
        try:
            return set(getattr(find(name), parts))
        except KeyError:
            continue
    raise AssertionError(name)


@pytest.mark.parametrize("path", PATHS.values())
def test_caching_and_compression(gemini: RunningEmulator, path: str) -> None:
    first = Answer(gemini, path)
    assert first.headers["content-type"] == "application/json"
    again = Answer(gemini, path, if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert Answer(gemini, path, if_none_match='W/"other"').status == 200
    assert Answer(gemini, path, "HEAD").headers["content-length"] == str(len(first.body))
    zipped = Answer(gemini, path, accept_encoding="gzip")
    assert zipped.headers["content-encoding"] == "gzip"
    # Once and well, not quickly each time.
    assert len(zipped.body) <= len(gzip.compress(first.body)) < len(first.body) / 3
    assert gzip.decompress(zipped.body) == first.body


def test_server_url_is_that_of_the_request(gemini: RunningEmulator) -> None:
    assert Answer(gemini, "/openapi.json").json["servers"] == [{"url": gemini.http}]
    other = Answer(gemini, "/openapi.json", host="emulator.example:8080")
    assert other.json["servers"] == [{"url": "http://emulator.example:8080"}]
    assert other.headers["etag"] != Answer(gemini, "/openapi.json").headers["etag"]
    assert {"host", "accept-encoding"} <= {v.strip().lower() for v in other.headers["vary"].split(",")}


def _create_message(name: str) -> Descriptor:
    """Create a message of a new package, with a deprecated field."""
    package = name.partition(".")[0]
    file = FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    message = file.message_type.add(name=name.partition(".")[2])
    message.field.add(name="gone", number=1, label=1, type=9).options.deprecated = True
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindMessageTypeByName(name)


def test_deprecated_fields() -> None:
    # No field of the API is, at present.
    made = Schemas(())
    assert made.get_message_schema(_create_message("one.Old")) == {"$ref": "#/components/schemas/Old"}
    assert made.components["Old"]["properties"] == {"gone": {"type": "string", "deprecated": True}}


def test_messages_of_the_same_name_are_rejected() -> None:
    made = Schemas(())
    made.get_message_schema(_create_message("one.Same"))
    with pytest.raises(ValueError, match=r"one\.Same and other\.Same are both Same"):
        made.get_message_schema(_create_message("other.Same"))
