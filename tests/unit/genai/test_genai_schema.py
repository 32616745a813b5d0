"""What an answer must be like: types and dicts to schemas, and answers back to values."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import enum
import json
import subprocess
import sys
import typing
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Optional, TypedDict, Union

import pytest
from present import present

from gemwire.genai._convert.response_schema import to_response_json_schema, to_response_schema
from gemwire.genai._json.json_values import parse_answer
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views

if TYPE_CHECKING:
    import pydantic
    import typing_extensions as extensions
else:
    pydantic = pytest.importorskip("pydantic")
    extensions = pytest.importorskip("typing_extensions")


class Instrument(enum.Enum):
    PERCUSSION = "Percussion"
    STRING = "String"


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2


@dataclasses.dataclass
class Place:
    """Where something is.

    Attributes:
        name: What it is called.
    """

    name: str
    height: float = 1.5


@dataclasses.dataclass
class Node:
    name: str
    children: list[Node] = dataclasses.field(default_factory=list)


class Song(TypedDict, total=False):
    title: str
    year: int


class Pair(NamedTuple):
    first: int
    second: str = "b"


class Country(pydantic.BaseModel):
    name: str
    population: int
    capital: Optional[str] = None  # noqa: UP045 - as programs write it


class Trip(pydantic.BaseModel):
    places: list[Country]
    kind: Literal["walk"] = "walk"
    days: int = pydantic.Field(ge=1, le=10, description="How long.")


class Holiday(pydantic.BaseModel):
    country: Country | None = None
    days: int = 1


class Tree(pydantic.BaseModel):
    children: list[Tree] = pydantic.Field(default_factory=list)


_PLACE = {
    "type": "OBJECT",
    "title": "Place",
    "description": "Where something is.",
    "properties": {
        "name": {"type": "STRING", "description": "What it is called."},
        "height": {"type": "NUMBER", "default": 1.5},
    },
    "required": ["name"],
    "property_ordering": ["name", "height"],
}
_COUNTRY = {
    "type": "OBJECT",
    "title": "Country",
    "properties": {
        "name": {"type": "STRING", "title": "Name"},
        "population": {"type": "INTEGER", "title": "Population"},
        "capital": {"type": "STRING", "nullable": True, "title": "Capital"},
    },
    "required": ["name", "population"],
    "property_ordering": ["name", "population", "capital"],
}
_HOLIDAY = {
    "type": "OBJECT",
    "title": "Holiday",
    "properties": {
        "country": {**_COUNTRY, "nullable": True},
        "days": {"type": "INTEGER", "title": "Days", "default": 1.0},
    },
    "property_ordering": ["country", "days"],
}

EXPRESSED: list[tuple[Any, dict[str, Any] | None]] = [
    (str, {"type": "STRING"}),
    (int, {"type": "INTEGER"}),
    (bool, {"type": "BOOLEAN"}),
    (datetime.datetime, {"type": "STRING", "format": "date-time"}),
    (list[int], {"type": "ARRAY", "items": {"type": "INTEGER"}}),
    (tuple[str, ...], {"type": "ARRAY", "items": {"type": "STRING"}}),
    (Optional[int], {"type": "INTEGER", "nullable": True}),  # noqa: UP045
    (int | None, {"type": "INTEGER", "nullable": True}),
    (int | str | None, {"any_of": [{"type": "INTEGER"}, {"type": "STRING"}], "nullable": True}),
    (Literal["a", "b"], {"type": "STRING", "enum": ["a", "b"]}),
    (Literal["a"], {"type": "STRING", "enum": ["a"]}),
    (Literal["a", None], {"type": "STRING", "enum": ["a"], "nullable": True}),
    (Annotated[int, "How many."], {"type": "INTEGER", "description": "How many."}),
    (Annotated[int, pydantic.Field(gt=2)], {"type": "INTEGER", "minimum": 3.0}),
    (Instrument, {"type": "STRING", "title": "Instrument", "enum": ["Percussion", "String"]}),
    (Size, {"type": "STRING", "title": "Size", "enum": ["1", "2"]}),
    (
        list[Instrument],
        {
            "type": "ARRAY",
            "items": {"type": "STRING", "title": "Instrument", "enum": ["Percussion", "String"]},
        },
    ),
    (Place, _PLACE),
    (list[Place], {"type": "ARRAY", "items": _PLACE}),
    (
        Song,
        {
            "type": "OBJECT",
            "title": "Song",
            "properties": {"title": {"type": "STRING"}, "year": {"type": "INTEGER"}},
            "property_ordering": ["title", "year"],
        },
    ),
    (Country, _COUNTRY),
    (Optional[Country], {**_COUNTRY, "nullable": True}),  # noqa: UP045
    (Holiday, _HOLIDAY),
    (Holiday.model_json_schema(), _HOLIDAY),
    (Union[Country, Place], {"any_of": [_COUNTRY, _PLACE]}),  # noqa: UP007
    (
        Trip,
        {
            "type": "OBJECT",
            "title": "Trip",
            "properties": {
                "places": {"type": "ARRAY", "title": "Places", "items": _COUNTRY},
                "kind": {"type": "STRING", "title": "Kind", "enum": ["walk"], "default": "walk"},
                "days": {
                    "type": "INTEGER",
                    "title": "Days",
                    "description": "How long.",
                    "minimum": 1.0,
                    "maximum": 10.0,
                },
            },
            "required": ["places", "days"],
            "property_ordering": ["places", "kind", "days"],
        },
    ),
    ({"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}, None),
    ({"type": views.Type.ARRAY, "items": {"type": "string"}, "min_items": 2}, None),
    (
        {"type": "array", "items": views.Schema(type="STRING"), "minItems": 2},
        {"type": "ARRAY", "items": {"type": "STRING"}, "min_items": 2},
    ),
    (
        {"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": ["string", "null"]}}},
        {"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": True}}},
    ),
    (
        {"anyOf": [{"$ref": "#/definitions/A"}, {"type": "null"}], "definitions": {"A": {"type": "number"}}},
        {"type": "NUMBER", "nullable": True},
    ),
    ({"type": ["string", "integer"]}, {"any_of": [{"type": "STRING"}, {"type": "INTEGER"}]}),
    ({"const": "a"}, {"type": "STRING", "enum": ["a"]}),
    (
        {"type": "OBJECT", "properties": {"b": {"type": "STRING"}, "a": {"type": "STRING"}}},
        {
            "type": "OBJECT",
            "properties": {"b": {"type": "STRING"}, "a": {"type": "STRING"}},
            "property_ordering": ["b", "a"],
        },
    ),
]
# What is expected of a dict in the API's form is the dict itself, its types as names.
EXPRESSED = [
    (given, wanted or json.loads(json.dumps(given).replace('"string"', '"STRING"')))
    for given, wanted in EXPRESSED
]


@pytest.mark.parametrize(("given", "wanted"), EXPRESSED, ids=lambda value: str(value)[:60])
def test_what_a_schema_can_say_is_one(given: Any, wanted: Any) -> None:
    before = copy.deepcopy(given) if isinstance(given, dict) else given
    field, schema = to_response_schema(given)
    assert field == "response_schema"
    assert isinstance(schema, views.Schema)
    assert schema.to_json_dict() == wanted
    assert given == before


INEXPRESSIBLE: list[tuple[Any, Any]] = [
    (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
    (dict, {"type": "object", "additionalProperties": True}),
    (
        tuple[int, str],
        {
            "type": "array",
            "prefixItems": [{"type": "integer"}, {"type": "string"}],
            "minItems": 2,
            "maxItems": 2,
        },
    ),
    (set[str], {"type": "array", "items": {"type": "string"}, "uniqueItems": True}),
    (Literal[1, 2], {"type": "integer", "enum": [1, 2]}),
    (
        Pair,
        {
            "type": "array",
            "title": "Pair",
            "prefixItems": [{"type": "integer"}, {"type": "string", "default": "b"}],
            "minItems": 1,
            "maxItems": 2,
        },
    ),
    (
        Node,
        {
            "$ref": "#/$defs/Node",
            "$defs": {
                "Node": {
                    "type": "object",
                    "title": "Node",
                    "properties": {
                        "name": {"type": "string"},
                        "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
                    },
                    "required": ["name"],
                    "propertyOrdering": ["name", "children"],
                }
            },
        },
    ),
    (
        Tree,
        {
            "$ref": "#/$defs/Tree",
            "$defs": {
                "Tree": {
                    "type": "object",
                    "title": "Tree",
                    "properties": {
                        "children": {
                            "type": "array",
                            "title": "Children",
                            "items": {"$ref": "#/$defs/Tree"},
                        }
                    },
                }
            },
        },
    ),
    ({"type": "object", "patternProperties": {"^a": {"type": "string"}}}, None),
    ({"not": {"type": "string"}}, None),
    ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, None),
    ({"type": "integer", "const": 3}, None),
    ({"type": "array", "items": {"type": "string"}, "maxItems": 0}, None),
    ({"type": "number", "exclusiveMinimum": 0}, None),
    (
        {"type": "OBJECT", "nullable": True, "additional_properties": {"type": "STRING"}},
        {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
    ),
    (
        {"type": "object", "properties": {"a": {}, "b": {"type": "string", "nullable": True}}},
        {
            "type": "object",
            "properties": {"a": {}, "b": {"type": ["string", "null"]}},
            "propertyOrdering": ["a", "b"],
        },
    ),
]


@pytest.mark.parametrize(("given", "wanted"), INEXPRESSIBLE, ids=lambda value: str(value)[:60])
def test_what_a_schema_cannot_say_is_json_schema(given: Any, wanted: Any) -> None:
    before = copy.deepcopy(given)
    assert to_response_schema(given) == ("response_json_schema", given if wanted is None else wanted)
    assert given == before


def test_a_schema_stays_what_it_is() -> None:
    schema = views.Schema(type="OBJECT", properties={"a": {"type": "STRING"}, "b": {"type": "STRING"}})
    assert to_response_schema(schema) == ("response_schema", schema)
    assert to_response_schema(schema._pb) == ("response_schema", schema)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="3.10 finds no local class inside of list[…]")
def test_two_types_of_one_name_stay_two() -> None:
    def made(kind: Any) -> Any:
        @dataclasses.dataclass
        class Same:
            value: Any
            more: list[Same] = dataclasses.field(default_factory=list)

        Same.__annotations__ = {"value": kind, "more": list["Same"]}
        return Same

    _, schema = to_response_schema(Union[made(int), made(str)])  # noqa: UP007
    assert isinstance(schema, dict)
    kinds = [d["properties"]["value"]["type"] for d in schema["$defs"].values()]
    assert kinds == ["integer", "string"]
    assert [option["$ref"] for option in schema["anyOf"]] == ["#/$defs/Same", "#/$defs/Same2"]


class Opaque:
    pass


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        (3, TypeError, "expected a type, a Schema or a dict of one, got int"),
        ("str", TypeError, "got str"),
        ([int], TypeError, "got list"),
        (views.Tool(), TypeError, "got Tool"),
        (Opaque, ValueError, "Opaque has no schema; accepted are bool"),
        (list[Opaque], ValueError, "Opaque has no schema"),
        (test_a_schema_stays_what_it_is, ValueError, "has no schema"),
        ({}, ValueError, "empty"),
        (v1beta.Schema(), ValueError, "empty"),
        ({"typ": "STRING"}, ValueError, "'typ' is not a keyword of schemas; did you mean 'type'"),
        ({"type": "foo"}, ValueError, "'foo' is not one of STRING"),
        (
            {"type": "OBJECT", "properties": {"a": int}},
            TypeError,
            "properties.a: expected a dict of a schema, got type",
        ),
        ({"type": "OBJECT", "properties": []}, TypeError, "properties: expected a dict of schemas"),
        ({"anyOf": {"type": "STRING"}}, TypeError, "anyOf: expected a list of schemas"),
        ({"type": "STRING", "minLength": "x"}, ValueError, "min_length"),
        (enum.Enum("Odd", {"A": object()}), ValueError, "the values of Odd"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_schema(given: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind) as caught:
        to_response_schema(given)
    assert type(caught.value) is kind
    assert str(caught.value).startswith("config.response_schema")
    assert words in str(caught.value)


PARSED: list[tuple[str, Any, Any]] = [
    ('{"name": "A", "population": 3}', Country, Country(name="A", population=3)),
    ('[{"name": "A", "population": 3}]', list[Country], [Country(name="A", population=3)]),
    ('{"name": "A"}', Place, Place("A")),
    ('{"name": "A", "height": 2}', Country | Place, Place("A", 2.0)),
    ('{"name": "A", "population": 2}', Place | Country, Country(name="A", population=2)),
    ('{"title": "A", "year": 3.0}', Song, {"title": "A", "year": 3}),
    ('{"name": "A", "children": [{"name": "B"}]}', Node, Node("A", [Node("B")])),
    ("[1]", Pair, Pair(1)),
    ('{"first": 1, "second": "z"}', Pair, Pair(1, "z")),
    ("Percussion", Instrument, Instrument.PERCUSSION),
    ('"String"', Instrument, Instrument.STRING),
    ("2", Size, Size.LARGE),
    ('["String"]', list[Instrument], [Instrument.STRING]),
    ('{"a": 1}', {"type": "OBJECT"}, {"a": 1}),
    ('{"a": 1}', views.Schema(type="OBJECT"), {"a": 1}),
    ('{"1": "2"}', dict[int, int], {1: 2}),
    ("[1, 1]", set[int], {1}),
    ('[1, "a"]', tuple[int, str], (1, "a")),
    ("null", Optional[int], None),  # noqa: UP045
    ('"3"', int | str, "3"),
    ("3", Annotated[int, pydantic.Field(gt=2)], 3),
    (
        '"2026-01-02T03:04:05Z"',
        datetime.datetime,
        datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc),
    ),
    ('"PT1H30.5S"', datetime.timedelta, datetime.timedelta(hours=1, seconds=30.5)),
    ('"a"', Literal["a", "b"], "a"),
]


@pytest.mark.parametrize(("text", "schema", "wanted"), PARSED, ids=lambda value: str(value)[:40])
def test_answers_become_what_was_asked_for(text: str, schema: Any, wanted: Any) -> None:
    found = parse_answer(text, schema)
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        ("{", Country),
        ('{"name": "A"}', Country),
        ("{}", Place),
        ('{"name": 3}', Place),
        ("Drum", Instrument),
        ("1.5", int),
        ("true", int),
        ("3", Literal["3"]),
        ("true", Literal[1]),
        ("2", Annotated[int, pydantic.Field(gt=2)]),
        ("[1]", tuple[int, int]),
        ("[]", dict[str, int]),
        ("{}", list[int]),
        ('"x"', datetime.date),
        ('"x"', int | Place),
    ],
    ids=lambda value: str(value)[:40],
)
def test_answers_of_another_form_are_refused(text: str, schema: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_answer(text, schema)


def test_without_pydantic() -> None:
    program = """
import dataclasses, sys
sys.modules["pydantic"] = None
from gemwire.genai._json.json_values import parse_answer
from gemwire.genai._convert.response_schema import to_response_json_schema, to_response_schema

@dataclasses.dataclass
class Place:
    name: str
    tags: list[str] | None = None

print(to_response_schema(list[Place])[1].to_json())
print(parse_answer('[{"name": "A", "tags": ["b"]}]', list[Place]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    schema, value = done.stdout.splitlines()
    assert json.loads(schema)["items"]["properties"]["tags"]["nullable"] is True
    assert value == "[Place(name='A', tags=['b'])]"


def _without_titles(schema: Any) -> Any:
    """Pydantic gives titles to what has none, and numbers come as they please."""
    if isinstance(schema, list):
        return [_without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _without_titles(item) for name, item in value.items()}
        if key == "properties"
        else _without_titles(value)
        for key, value in schema.items()
        if key not in {"title", "description"} or not isinstance(value, str)
    }


@pytest.mark.parametrize(
    "given",
    [
        *(list[int], int | str, Optional[int], Optional[Country], Holiday, list[Instrument]),  # noqa: UP045
        *(Instrument, Country, Trip, list[Country], Union[Country, Trip], Place, list[Place]),  # noqa: UP007
        {"type": "OBJECT", "properties": {"a": {"type": "STRING"}, "b": {"type": "INTEGER"}}},
        {"type": "ARRAY", "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}, "min_items": 1},
    ],
    ids=lambda value: str(value)[:40],
)
def test_google_genai_sends_the_same(given: Any) -> None:
    theirs: Any = pytest.importorskip("google.genai._transformers", reason="google-genai 3 needs Python 3.11")
    genai: Any = pytest.importorskip("google.genai")
    client = genai.Client(api_key="k")
    # It changes dicts that it is given.
    wanted = theirs.t_schema(client._api_client, copy.deepcopy(given))
    client.close()
    field, found = to_response_schema(given)
    assert field == "response_schema"
    assert isinstance(found, views.Schema)
    expected = wanted.model_dump(mode="json", exclude_none=True)
    assert _without_titles(found.to_json_dict()) == _without_titles(expected)


class Late(TypedDict):
    a: int
    b: extensions.NotRequired[str]


def plain_schema(kind: object) -> views.Schema:
    _, schema = to_response_schema(kind)
    assert isinstance(schema, views.Schema)
    return schema


def test_what_typing_extensions_adds() -> None:
    # Postponed annotations hide from a TypedDict what is not required.
    assert list(present(plain_schema(Late).required)) == ["a"]
    kind = extensions.TypedDict(
        "kind", {"a": int, "b": extensions.NotRequired[str], "c": Annotated[int, extensions.Doc("It.")]}
    )
    schema = plain_schema(kind)
    assert list(present(schema.required)) == ["a", "c"]
    assert present(schema.properties)["c"].description == "It."
    assert parse_answer('{"a": 1, "c": 2}', kind) == {"a": 1, "c": 2}
    assert plain_schema(typing.NewType("Id", int)).type == "INTEGER"


# The order of properties ------------------------------------------------------------------------------


def test_a_schema_keeps_the_order_of_its_properties() -> None:
    names = ["zeta", "answer", "mid", "alpha"]
    schema = views.Schema(type="OBJECT", properties={name: {"type": "STRING"} for name in names})
    assert schema.property_ordering == names
    own = views.Schema(properties={"a": {}, "b": {}}, property_ordering=["b", "a"])
    assert own.property_ordering == ["b", "a"]
    nested = views.Schema(items={"type": "OBJECT", "properties": {"b": {}, "a": {}}})
    assert nested.items is not None
    assert nested.items.property_ordering == ["b", "a"]


def test_a_json_schema_keeps_the_order_of_its_properties() -> None:
    inner = {"type": "object", "properties": {"z": {"type": "string"}, "a": {"type": "string"}}}
    found = to_response_json_schema({"$defs": {"I": inner}, "type": "array", "items": {"$ref": "#/$defs/I"}})
    assert found["$defs"]["I"]["propertyOrdering"] == ["z", "a"]
    assert "propertyOrdering" not in inner
    assert to_response_json_schema(Place)["propertyOrdering"] == ["name", "height"]
    with pytest.raises(ValueError, match=r"config\.response_json_schema: "):
        to_response_json_schema(3)


def test_an_optional_model_in_a_model() -> None:
    class P(pydantic.BaseModel):
        a: str
        b: str

    class D(pydantic.BaseModel):
        p: P | None = None

    optional: Any = Optional[P]  # noqa: UP045
    expected: Any = (True, ["a", "b"])
    for given in (D, D.model_json_schema()):
        field, schema = to_response_schema(given)
        assert field == "response_schema"
        assert isinstance(schema, views.Schema)
        assert schema.properties is not None
        found = schema.properties["p"]
        assert (found.nullable, found.property_ordering) == expected
    field, schema = to_response_schema(optional)
    assert isinstance(schema, views.Schema)
    assert (schema.nullable, schema.property_ordering) == expected
