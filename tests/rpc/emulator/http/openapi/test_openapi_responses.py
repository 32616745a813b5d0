"""Messages, requests and responses match the OpenAPI document, field by field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import jsonschema
import pytest
import random_messages
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from json_http import Json
from openapi_document import Answer, closed, operations
from populated_emulator import Populated

from gemwire_emulator.server import SERVICES
from gemwire_proto import POOL
from gemwire_runtime.method import HttpBinding


@pytest.fixture(scope="module")
def populated() -> Iterator[Populated]:
    made = Populated(http_port=0)
    yield made
    made.channel.close()
    made.emulator.stop()


@pytest.fixture(scope="module")
def document(populated: Populated) -> Json:
    return Answer(populated.emulator, "/openapi.json").json


def _messages() -> dict[str, Descriptor]:
    """Map schema names to descriptors."""
    packages = ("google.ai.generativelanguage.v1beta", "google.longrunning", "google.rpc", "google.type")
    return {
        descriptor.full_name.removeprefix(f"{package}.").replace(".", ""): descriptor
        for package in packages
        for descriptor in random_messages.descriptors(POOL, package)
    }


@pytest.fixture(scope="module")
def schemas(document: Json) -> Json:
    """Close the document's schemas for unknown properties."""
    return {"components": {"schemas": closed(document["components"]["schemas"])}}


def test_messages_match_their_schemas(schemas: Json) -> None:
    messages, components = _messages(), schemas["components"]["schemas"]
    tried = 0
    for name in components.keys() & messages.keys():
        validator = jsonschema.Draft4Validator({"$ref": f"#/components/schemas/{name}", **schemas})
        for sample in random_messages.samples(GetMessageClass(messages[name])):
            whole = json_format.MessageToDict(
                sample, always_print_fields_with_no_presence=True, descriptor_pool=POOL
            )
            assert not [
                e for e in validator.iter_errors(_replace_non_finite(whole)) if not _is_sample_error(e)
            ]
            tried += 1
    assert tried > 400
    enums = {name for name, schema in components.items() if "enum" in schema}
    errors, patches = {"Error", "ErrorResponse"}, {n for n in components if n.endswith("Patch")}
    assert components.keys() - messages.keys() == enums | errors | patches


def _is_sample_error(error: jsonschema.ValidationError) -> bool:
    """Return True for errors of the sample: unknown enum values are numbers, and nesting is cut off."""
    if "enum" in error.schema:
        return isinstance(error.instance, int)
    return error.validator == "required" and bool(error.absolute_path)


def _replace_non_finite(tree: Json) -> Json:
    """Replace infinity and NaN, which are not numbers in JSON."""
    if isinstance(tree, dict):
        return {key: _replace_non_finite(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_replace_non_finite(item) for item in tree]
    return 0.5 if tree in ("NaN", "Infinity", "-Infinity") else tree


class RestRequest:
    """A valid request of an RPC over REST.

    Attributes:
        fits: Whether it is for this binding at all.
        verb: ``post``.
        path: With values, without a query.
        query: What is neither in the path nor in the body.
        body: JSON; None for none.
    """

    def __init__(self, request: Message, binding: HttpBinding) -> None:
        fields = json_format.MessageToDict(request, descriptor_pool=POOL)
        self.verb = binding.verb
        variable, pattern = (*re.findall(r"\{([\w.]+)=([^}]+)\}", binding.template), ("", ""))[0]
        value: Json = fields
        for part in filter(None, variable.split(".")):
            value = value[_camel(part)]
        self.fits = not variable or re.fullmatch(pattern.replace("*", "[^/]+"), value) is not None
        self.path = re.sub(r"\{.*\}", str(value), binding.template)
        fields.pop(variable, None)
        self.body = fields if binding.body == "*" else fields.pop(_camel(binding.body), None)
        self.query = {} if binding.body == "*" else fields

    def operation(self, document: Json) -> Json:
        """Find the operation of the request."""
        (found,) = (
            operation
            for verb, path, operation in operations(document)
            if verb == self.verb and re.fullmatch(re.sub(r"\\{\w+\\}", "[^/:]+", re.escape(path)), self.path)
        )
        return found


def _camel(name: str) -> str:
    return re.sub("_(.)", lambda found: found[1].upper(), name)


def _iter_requests(populated: Populated) -> Iterator[tuple[str, RestRequest]]:
    """Yield a request for every RPC of v1beta with bindings, each with renewed state.

    Of those that only HTTP has, `Populated` has requests of batches.
    """
    services = [service for service in SERVICES if ".generativelanguage.v1beta." in service.name]
    methods = [m for service in services for m in service.methods.values() if m.http]
    for method in (m for m in methods if not m.http_only or "Batch" in m.name):
        populated.renew()
        made = [RestRequest(populated.request(method), binding) for binding in method.http]
        yield method.name, next(asked for asked in made if asked.fits)


def test_requests_and_responses_match_their_schemas(
    populated: Populated, document: Json, schemas: Json
) -> None:
    answered: set[str] = set()
    refused: set[str] = set()
    for rpc, asked in _iter_requests(populated):
        operation = asked.operation(document)
        assert asked.query.keys() <= {p["name"] for p in operation.get("parameters", [])}
        assert (asked.body is not None) == ("requestBody" in operation)
        if asked.body is not None:
            (media,) = operation["requestBody"]["content"].values()
            jsonschema.Draft4Validator({**media["schema"], **schemas}).validate(asked.body)
        url = f"{asked.path}?{urlencode(asked.query)}" if asked.query else asked.path
        answer = Answer(populated.emulator, url, asked.verb.upper(), asked.body)
        (answered if answer.status == 200 else refused).add(rpc)
        said = operation["responses"]["200" if answer.status == 200 else "default"]
        schema = said["content"]["application/json"]["schema"]
        jsonschema.Draft4Validator({**schema, **schemas}).validate(answer.json)
    assert refused == {"DownloadFile"}  # What was uploaded is not given back.
    assert len(answered) == 58
