"""Bad input, systematically: every RPC of the method tables, every field of its request.

Whatever comes, the answer is a canonical status that says what was wrong, and the emulator goes on with all
that it remembers.
"""

from __future__ import annotations

import functools
import math
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
import random_messages
from emulator_calls import Refusal
from google.protobuf import json_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from populated_emulator import BY_NAME, HELLO, LIMIT, LONG, METHODS, MODEL, Populated, having

from gemwire_proto import v1beta
from gemwire_runtime.method import Kind, Method


def places(message: Any, prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield the scalar fields of a message and its submessages: path, container and descriptor."""
    for field in message.DESCRIPTOR.fields:
        path = f"{prefix}{field.name}"
        if field.message_type is None:
            yield path, message, field
        elif random_messages.is_map(field) or field.message_type.full_name == "google.protobuf.FieldMask":
            continue
        elif random_messages.is_repeated(field):
            for i, one in enumerate(getattr(message, field.name)):
                yield from places(one, f"{path}[{i}].")
        elif message.HasField(field.name):
            yield from places(getattr(message, field.name), f"{path}.")


def variants(populated: Populated, method: Method[Any, Any], wanted: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield valid requests with one field changed: path, value and request.

    Args:
        populated: Knows the request.
        method: Of which RPC.
        wanted: Gives the odd values for a field's descriptor.
    """
    count = sum(1 for _ in places(populated.request(method)))
    for number in range(count):
        _, _, field = next(p for i, p in enumerate(places(populated.request(method))) if i == number)
        for value in wanted(field):
            request = populated.request(method)
            path, container, _ = next(p for i, p in enumerate(places(request)) if i == number)
            if random_messages.is_repeated(field):
                getattr(container, field.name).append(value)
            else:
                setattr(container, field.name, value)
            yield path, value, request


MALFORMED = [
    "", "x", "/", "//", "..", "models/..", "corpora/..", "tunedModels/.", "cachedContents/../x",
    "corpora/a\x00b", "models/\x1b[31m", "tunedModels/a\u0085", "corpora/kept\n", " corpora/kept",
    "corpora/kept/", "corpora//kept", "models/", "tunedModels/kept/permissions/", "files/",
    LONG, f"corpora/{LONG}", f"models/{LONG}", f"tunedModels/{LONG}", f"corpora/{'é' * 5_000}",
    "corpora/naïve", "models/日本語", "tunedModels/🦊", "projects/p/models/m", "corpora/\u202ekept",
]  # fmt: skip
#: Fields that name resources.
NAMES = frozenset({"name", "parent", "model", "source", "base_model", "tuned_model", "cached_content"})
#: Names that may be left out: a batch has those of its requests, a new resource gets one.
OPTIONAL = frozenset(
    {"parent", "corpus.name", "document.name", "chunk.name", "file.name", "requests[0].chunk.name"}
    | {"cached_content", "generate_content_request.cached_content"}
)
#: Fields in which these numbers are too small, too large or none at all.
LIMITS = frozenset(
    {"page_size", "candidate_count", "max_output_tokens", "temperature", "top_p", "top_k", "logprobs"}
    | {"presence_penalty", "frequency_penalty", "output_dimensionality", "results_count", "max_chunks_count"}
    | {"thinking_budget", "silence_duration_ms", "prefix_padding_ms", "trigger_tokens", "target_tokens"}
    | {"epoch_count", "batch_size", "learning_rate", "learning_rate_multiplier"}
)
NEGATIVE: dict[str, list[Any]] = {"int": [-1_000, -(2**31)], "float": [-1_000.0, -math.inf, math.nan]}
ODD: dict[str, list[Any]] = {
    "string": ["", "\x00", "\u2028\r\n", "[[block:HARM_CATEGORY_X]]", "(", LONG],
    "int": [-1, 0, 2**31 - 1],
    "float": [0.0, 3.4e38, math.inf],
    "enum": [-1, 0, 987],
    "bytes": [b"\xff"],
}


def kind(field: Any) -> str:
    if field.enum_type is not None:
        return "enum"
    if field.type == field.TYPE_BYTES:
        return "bytes"
    names = {field.CPPTYPE_STRING: "string", field.CPPTYPE_BOOL: "bool"}
    floats = (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE)
    return names.get(field.cpp_type) or ("float" if field.cpp_type in floats else "int")


def ignored(method: Method[Any, Any], place: str) -> bool:
    """Return whether a name is ignored: new resources get one, and updates write what their mask names."""
    given = {"CreateTunedModel": "tuned_model", "CreateCachedContent": "cached_content"}
    if method.name.startswith("Update"):
        return not place.endswith(".name")
    return place in {f"{given.get(method.name)}.name", "permission.name"}


def each(paths: Any) -> pytest.MarkDecorator:
    """Parametrize a test by RPCs."""
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.rpartition("language.")[2])


def test_the_valid_requests_are_valid(populated: Populated) -> None:
    """Otherwise what follows would show nothing."""
    apart = ("Delete", "Transfer", "BatchDelete", "Create", "Download")
    for method in METHODS.values():
        if not method.name.startswith(apart):
            assert not isinstance(populated.send(method, populated.request(method)), Refusal), method


@each(METHODS)
def test_empty_requests(populated: Populated, path: str) -> None:
    method = METHODS[path]
    if method.name in {"ListModels", "ListCorpora", "ListFiles", "ListTunedModels", "ListCachedContents"}:
        assert not isinstance(populated.send(method, b""), Refusal)
    elif method.name != "CreateFile":
        assert populated.refused(method, b"").code == "INVALID_ARGUMENT"


@each(METHODS)
def test_malformed_names(populated: Populated, path: str) -> None:
    def values(field: Any) -> list[str]:
        return MALFORMED if field.name in NAMES and kind(field) == "string" else []

    for place, value, request in variants(populated, METHODS[path], values):
        if ignored(METHODS[path], place) or (not value and place in OPTIONAL):
            populated.survives(METHODS[path], request)
        else:
            assert populated.refused(METHODS[path], request).code in {"INVALID_ARGUMENT", "NOT_FOUND"}


@each(METHODS)
def test_odd_values_of_every_field(populated: Populated, path: str) -> None:
    def values(field: Any) -> list[Any]:
        return ODD.get(kind(field), [])

    for _, _, request in variants(populated, METHODS[path], values):
        populated.survives(METHODS[path], request)


@each(METHODS)
def test_negative_limits(populated: Populated, path: str) -> None:
    def values(field: Any) -> list[Any]:
        return NEGATIVE.get(kind(field), []) if field.name in LIMITS else []

    for place, _, request in variants(populated, METHODS[path], values):
        refusal = populated.refused(METHODS[path], request)
        assert (refusal.code, refusal.fields) == ("INVALID_ARGUMENT", [place])


@each(having("page_token"))
def test_page_tokens(populated: Populated, path: str) -> None:
    method = METHODS[path]
    other = "AAAAAAAAAAAAAAAA"  # of the right length
    for token in ("x", "=", "====", other, "é", "\x00", LONG, "' OR 1=1 --"):
        request = populated.request(method)
        request.page_token = token
        assert populated.refused(method, request).fields == ["page_token"]


def test_page_tokens_of_another_list(populated: Populated) -> None:
    lists = {METHODS[path].name: METHODS[path] for path in having("page_token")}
    populated._make("CreateFile", file={"name": "files/kept2"})
    request = lists["ListFiles"].request(page_size=1)
    files = populated.send(lists["ListFiles"], request)
    token = lists["ListFiles"].response.FromString(files[0]).next_page_token  # type: ignore[index]
    assert token
    for name, method in lists.items():
        if name != "ListFiles":
            request = populated.request(method)
            request.page_token = token
            assert populated.refused(method, request).fields == ["page_token"]


@each(having("update_mask"))
def test_masks(populated: Populated, path: str) -> None:
    method = METHODS[path]
    kind = next(f for f in method.request.DESCRIPTOR.fields if f.name != "update_mask")
    unwritable = ("name", "create_time", "update_time", "state", "usage_metadata", "grantee_type", "model")
    unknown = ("nothing", "name.x", "display_name.x", "Display_Name", kind.name, f"{kind.name}.name")
    malformed = ("", ".", "a..b", "..", "*.*", "a b", "display_name,", "\x00", "é", "`name`", LONG)
    for mask in (*unwritable, *unknown, *malformed):
        request = populated.request(method)
        request.update_mask.paths[:] = [*request.update_mask.paths, mask]
        assert populated.refused(method, request).fields == ["update_mask"]


def test_masks_of_batches(populated: Populated) -> None:
    method = BY_NAME["BatchUpdateChunks"]
    for mask in ("", "name", "state", "data.nothing", LONG):
        request = populated.request(method)
        request.requests[0].update_mask.paths[:] = [mask]
        assert populated.refused(method, request).fields == ["requests[0].update_mask"]


@pytest.mark.parametrize("name", ["ttl", "expire_time"])
@pytest.mark.parametrize(
    "value", [(-1, 0), (0, 0), (0, -1), (2**62, 0), (-(2**62), 0), (2**63 - 1, 999_999_999), (60, 2**31 - 1)]
)
def test_expirations(populated: Populated, name: str, value: tuple[int, int]) -> None:
    for rpc in ("CreateCachedContent", "UpdateCachedContent"):
        method = BY_NAME[rpc]
        request = populated.request(method)
        given = getattr(request.cached_content, name)
        given.seconds, given.nanos = value
        if request.DESCRIPTOR.fields_by_name.get("update_mask"):
            request.update_mask.paths[:] = [name]
        assert populated.refused(method, request).fields == [f"cached_content.{name}"]


def test_timeouts_of_waits(populated: Populated) -> None:
    method = BY_NAME["WaitOperation"]
    for value in ((-1, 0), (0, -1), (-(2**62), 0)):
        request = populated.request(method)
        request.timeout.seconds, request.timeout.nanos = value
        assert populated.refused(method, request).fields == ["timeout"]


@each(having("model"))
def test_unknown_models(populated: Populated, path: str) -> None:
    method = METHODS[path]
    for model in ("models/none", "models/gemini-2.5-flash-", "models/GEMINI-2.5-FLASH"):
        request = populated.request(method)
        request.model = model
        for one in getattr(request, "requests", ()):
            one.model = model
        refusal = populated.refused(method, request)
        assert refusal.code == "NOT_FOUND"
        assert model in refusal.message


#: Fields that hold a prompt, or what else a model reads.
PROMPTS = frozenset({"text", "texts", "content", "query", "string_value", "text_input"})
OVERSIZE = "word " * 20 * LIMIT


@each([path for path, method in METHODS.items() if not method.name.startswith("Count")])
def test_oversize_prompts(populated: Populated, path: str) -> None:
    """Counting aside, what no model takes is refused, with the limit."""

    def values(field: Any) -> list[str]:
        return [OVERSIZE] if field.name in PROMPTS and kind(field) == "string" else []

    for place, _, request in variants(populated, METHODS[path], values):
        if "metadata_filters" in place or place.startswith("instances"):
            continue
        refusal = populated.refused(METHODS[path], request)
        assert refusal.code == "INVALID_ARGUMENT"
        # Chunks and examples have limits of their own.
        if "chunk" not in place and "examples" not in place:
            assert re.search(rf"\b{LIMIT}\b", refusal.message), refusal
    if METHODS[path].name.startswith("Predict"):
        request = populated.request(METHODS[path])
        request.instances[0].struct_value["prompt"] = OVERSIZE
        refusal = populated.refused(METHODS[path], request)
        assert refusal.fields == ["instances[0].prompt"]
        assert str(LIMIT) in refusal.message


def test_oversize_turns_of_sessions(populated: Populated) -> None:
    method = BY_NAME["BidiGenerateContent"]
    long = [{"parts": [{"text": OVERSIZE}]}]
    setup = populated.request(method)
    turn = method.request(client_content={"turns": long, "turn_complete": True})
    refusal = populated.refused(method, setup, turn)
    assert refusal.fields == ["client_content.turns"]
    assert str(LIMIT) in refusal.message
    setup.setup.system_instruction.parts.add(text=OVERSIZE)
    assert populated.refused(method, setup).fields == ["setup.system_instruction"]


BAD_SCHEMAS: list[Any] = [
    None, 3, "x", [{}], {"type": 3}, {"type": []}, {"type": "text"}, {"type": ["string", "text"]},
    {"properties": [1]}, {"properties": {"a": 3}}, {"required": "a"}, {"items": [{}]}, {"items": 3},
    {"minItems": -1}, {"minItems": 1.5}, {"minItems": 1e12}, {"minItems": "1"}, {"maxLength": 1e300},
    {"minItems": 2, "maxItems": 1}, {"minimum": "1"}, {"minimum": 2, "maximum": 1}, {"enum": []}, {"enum": 3},
    {"anyOf": "abc"}, {"anyOf": [1]}, {"oneOf": []}, {"allOf": {}}, {"prefixItems": 3}, {"$ref": 3},
    {"format": []}, {"propertyOrdering": 3}, {"type": "array", "items": {"type": "array", "minItems": -1}},
]  # fmt: skip


def _nest(inner: dict[str, Any], _: int) -> dict[str, Any]:
    return {"minItems": 9, "items": inner, "type": "array"}


ENDLESS: list[Any] = [
    {"$ref": "#"}, {"allOf": [{"$ref": "#"}]}, {"anyOf": [{"$ref": "#"}]},
    {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
    {"type": "array", "minItems": 1, "items": {"$ref": "#"}},
    functools.reduce(_nest, range(20), dict[str, Any]()),
    {"type": "array", "minItems": 9_999, "items": {"type": "string", "minLength": 65_536}},
]  # fmt: skip


def test_schemas_that_are_none(populated: Populated) -> None:
    method, where = BY_NAME["GenerateContent"], "generation_config.response_json_schema"
    for schema in BAD_SCHEMAS:
        request = populated.request(method)
        request.generation_config.response_mime_type = "application/json"
        json_format.ParseDict(schema, request.generation_config.response_json_schema)
        assert populated.refused(method, request).fields == [where]
        tools = [{"function_declarations": [{"name": "f", "parameters_json_schema": schema}]}]
        request = populated.request(method)
        json_format.ParseDict({"tools": tools}, request)
        [field] = populated.refused(method, request).fields
        assert field == "tools[0].function_declarations[0].parameters_json_schema"
    for schema in ({"type": 987}, {"type": "STRING", "min_length": -1}, {"min_items": 2**40}):
        request = populated.request(method)
        config: dict[str, Any] = {"response_mime_type": "application/json", "response_schema": schema}
        request.generation_config.MergeFrom(v1beta.GenerationConfig(**config))
        assert populated.refused(method, request).fields == ["generation_config.response_schema"]


def test_schemas_without_an_end(populated: Populated) -> None:
    """The emulator does what a model would do: it stops in the middle."""
    method = BY_NAME["GenerateContent"]
    for schema in ENDLESS:
        request = populated.request(method)
        request.generation_config.response_mime_type = "application/json"
        json_format.ParseDict(schema, request.generation_config.response_json_schema)
        answer = populated.send(method, request)
        assert not isinstance(answer, Refusal)
        [candidate] = method.response.FromString(answer[0]).candidates
        assert candidate.finish_reason == v1beta.Candidate.FinishReason.MAX_TOKENS


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_numbers_that_json_does_not_know(populated: Populated, number: float) -> None:
    generate = BY_NAME["GenerateContent"]
    request = populated.request(generate)
    request.contents[0].parts.add().function_response.response["a"] = [{"b": number}]
    refused = populated.refused(generate, request).fields
    assert refused == ["contents[0].parts[1].function_response.response"]
    count = BY_NAME["CountTokens"]
    nested = count.request(model=MODEL, generate_content_request=request)
    assert populated.refused(count, nested).fields == [f"generate_content_request.{refused[0]}"]
    for rpc in ("Predict", "PredictLongRunning"):
        request = populated.request(BY_NAME[rpc])
        request.parameters.struct_value["seed"] = number
        assert populated.refused(BY_NAME[rpc], request).fields == ["parameters"]


class Fuzz:
    """Requests between valid and random ones."""

    def __init__(self, populated: Populated, chance: random.Random) -> None:
        self._populated = populated
        self._chance = chance

    def request(self, method: Method[Any, Any], base: Any = None) -> Any:
        """Build a request that has a part of a random one; ``base`` replaces the valid one."""
        noise = random_messages.filled(method.request, self._chance, self._chance.randrange(3))
        if self._chance.random() < 0.1:
            return noise
        request = base or self._populated.request(method)
        self._mix(request, noise, self._chance.choice([0.02, 0.1, 0.5]))
        return request

    def _mix(self, message: Any, noise: Any, share: float) -> None:
        """Take over a part of the noise, at any depth."""
        for field, value in noise.ListFields():
            nested = field.message_type is not None and not random_messages.is_repeated(field)
            if nested and message.HasField(field.name):
                self._mix(getattr(message, field.name), value, share)
            elif self._chance.random() < share:
                message.ClearField(field.name)
                one = type(noise)()
                one.CopyFrom(noise)
                for other in noise.DESCRIPTOR.fields:
                    if other.name != field.name:
                        one.ClearField(other.name)
                message.MergeFrom(one)


def _fuzz(populated: Populated, examples: int) -> None:
    first = populated.state()

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(list(METHODS.values())), st.randoms(use_true_random=False))
    def test(method: Method[Any, Any], chance: random.Random) -> None:
        fuzz = Fuzz(populated, chance)
        requests = [fuzz.request(method)]
        if method.kind is Kind.BIDI:
            turn = {"client_content": {"turns": HELLO, "turn_complete": True}}
            requests += [fuzz.request(method, method.request(**turn)) for _ in range(3)]
        try:
            populated.survives(method, *requests)
        finally:
            if populated.state() != first:
                populated.renew()
                first[:] = populated.state()

    test()


def test_random_requests(populated: Populated) -> None:
    _fuzz(populated, 700)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_many_random_requests(populated: Populated) -> None:
    _fuzz(populated, 50_000)
