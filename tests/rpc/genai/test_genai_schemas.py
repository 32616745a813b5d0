"""Responses parsed as Python types; the emulator follows the schemas."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, TypedDict

import pytest
from scripted_grpc_server import Api

from gemwire import genai
from gemwire.genai import types
from gemwire.testing import RunningEmulator, emulator

pytest.importorskip("pydantic")
import pydantic


class Instrument(enum.Enum):
    PERCUSSION = "Percussion"
    STRING = "String"


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2


@dataclasses.dataclass
class Place:
    name: str
    visited: datetime.date
    instruments: list[Instrument]
    size: Size
    height: float | None = None


@dataclasses.dataclass
class Node:
    name: str
    children: list[Node] = dataclasses.field(default_factory=list)


class Song(TypedDict):
    title: str
    length: int


class Pair(NamedTuple):
    first: int
    second: str


class Country(pydantic.BaseModel):
    name: str
    population: int
    kind: Literal["island", "continent"]
    founded: datetime.datetime
    songs: dict[str, int]
    capital: str | None = None


class Tree(pydantic.BaseModel):
    name: str
    children: list[Tree]


@pytest.fixture(scope="module")
def _running() -> Iterator[RunningEmulator]:
    with emulator() as running:
        yield running


@pytest.fixture
def gemini(_running: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> RunningEmulator:
    _running.reset()
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", _running.address)
    return _running


@pytest.fixture
def ask(api: Api, gemini: RunningEmulator) -> Iterator[Any]:
    """Return a function that generates content with one flavour."""
    client = genai.Client(api_key="a-key")
    models: Any = client.aio.models if api.is_async else client.models

    def asked(schema: Any, **config: Any) -> Any:
        config["response_schema"] = schema
        return api(models.generate_content(model="gemini-2.5-flash", contents="One, please.", config=config))

    yield asked
    api(client.aio.close()) if api.is_async else client.close()


SCHEMAS: list[tuple[Any, str, type[Any]]] = [
    (Country, "response_json_schema", Country),
    (Place, "response_json_schema", Place),
    (Node, "response_json_schema", Node),
    (Tree, "response_json_schema", Tree),
    (Song, "response_schema", dict),
    (Pair, "response_json_schema", Pair),
    (list[Song], "response_schema", list),
    (dict[str, float], "response_json_schema", dict),
    (set[str], "response_json_schema", set),
    (tuple[int, Instrument], "response_json_schema", tuple),
    (Literal["a", "b"], "response_schema", str),
    (datetime.datetime, "response_schema", datetime.datetime),
    (bool, "response_schema", bool),
    (Song | Pair, "response_json_schema", object),
    (Instrument, "response_schema", Instrument),
    (Size, "response_schema", Size),
    (types.Schema(type="OBJECT", properties={"a": {"type": "STRING"}}), "response_schema", dict),
    ({"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}, "response_schema", dict),
    ({"type": "object", "additionalProperties": {"type": "string"}}, "response_json_schema", dict),
]


@pytest.mark.parametrize(("schema", "field", "kind"), SCHEMAS, ids=lambda value: str(value)[:40])
def test_response_is_parsed_as_the_schema(
    ask: Any, gemini: RunningEmulator, schema: Any, field: str, kind: type[Any]
) -> None:
    response = ask(schema)
    assert response.parsed is not None, response.text
    assert isinstance(response.parsed, kind)
    (call,) = gemini.calls("GenerateContent")
    sent = call.requests[0].generation_config
    assert [name for name in ("response_schema", "response_json_schema") if sent.HasField(name)] == [field]
    assert sent.response_mime_type == "application/json"


def test_items_are_parsed_as_their_type(ask: Any) -> None:
    places = ask(list[Place]).parsed
    assert places
    for place in places:
        assert isinstance(place, Place)
        assert isinstance(place.visited, datetime.date)
        assert isinstance(place.size, Size)
        assert all(isinstance(instrument, Instrument) for instrument in place.instruments)


def test_enum_values_as_text(ask: Any) -> None:
    response = ask(Instrument, response_mime_type="text/x.enum")
    assert response.text in {"Percussion", "String"}
    assert response.parsed is Instrument(response.text)


def test_properties_keep_their_order(ask: Any) -> None:
    names = [field.name for field in dataclasses.fields(Place)]
    assert list(json.loads(ask(Place).text)) == names


def test_invalid_schemas_are_not_sent(ask: Any, gemini: RunningEmulator) -> None:
    with pytest.raises(TypeError, match=r"config\.response_schema"):
        ask(3)
    assert not gemini.calls()


def test_an_answer_to_a_json_schema_is_parsed(ask: Any) -> None:
    names = ["zeta", "answer", "mid", "alpha"]
    schema = {"type": "object", "properties": {name: {"type": "integer"} for name in names}}
    json_only = {"response_mime_type": "application/json", "response_json_schema": schema}
    response = ask(None, **json_only)
    assert isinstance(response.parsed, dict)
    assert list(response.parsed) == names
    as_schema = types.Schema(type="OBJECT", properties={name: {"type": "INTEGER"} for name in names})
    assert list(ask(as_schema).parsed) == names
