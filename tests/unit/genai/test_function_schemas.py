"""Functions declared with `Schema`: `FunctionDeclaration.from_callable` as google-genai has it."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, Literal, Optional, Union

import pytest

from gemwire.genai import types

if TYPE_CHECKING:
    import pydantic
else:
    pydantic = pytest.importorskip("pydantic")

declare: Any = types.FunctionDeclaration.from_callable_with_api_option
TEXT, WHOLE = {"type": "STRING"}, {"type": "INTEGER"}


class Place(pydantic.BaseModel):
    name: str
    height: int | None = None


def parameters(function: Any) -> Any:
    made = declare(callable=function)
    assert made.parameters_json_schema is None
    return made.parameters.to_json_dict()


def test_a_declaration() -> None:
    def look_up(city: str, days: int = 3, *rest: int) -> str:
        """Look up the weather.

        Args:
            city: The city.
        """
        return f"{city}{days}{rest}"

    made = types.FunctionDeclaration.from_callable(callable=look_up, behavior="NON_BLOCKING")
    assert made.to_json_dict() == {
        "name": "look_up",
        "description": "Look up the weather.\n\nArgs:\n    city: The city.",
        "behavior": "NON_BLOCKING",
        "parameters": {
            "type": "OBJECT",
            "properties": {"city": TEXT, "days": {**WHOLE, "default": 3}},
            "required": ["city"],
            "property_ordering": ["city", "days"],
        },
    }


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (float, {"type": "NUMBER"}),
        (list, {"type": "ARRAY"}),
        (list[int], {"type": "ARRAY", "items": WHOLE}),
        (dict[str, int], {"type": "OBJECT"}),
        (Literal["a", "b"], {**TEXT, "enum": ["a", "b"]}),
        (Optional[str], {**TEXT, "nullable": True}),  # noqa: UP045
        (Union[int, str, int], {"type": "OBJECT", "any_of": [WHOLE, TEXT]}),  # noqa: UP007
        (int | None | str, {"type": "OBJECT", "nullable": True, "any_of": [WHOLE, TEXT]}),
        (
            list[Place],
            {
                "type": "ARRAY",
                "items": {
                    "type": "OBJECT",
                    "properties": {"name": TEXT, "height": {**WHOLE, "nullable": True}},
                    "required": ["name"],
                    "property_ordering": ["name", "height"],
                },
            },
        ),
    ],
)
def test_simple_types(annotation: Any, schema: dict[str, Any]) -> None:
    def function(a):  # type: ignore[no-untyped-def]
        pass

    function.__annotations__["a"] = annotation
    made = parameters(function)
    assert made["properties"] == {"a": schema}
    assert made.get("required", []) == ([] if schema.get("nullable") else ["a"])


def test_what_is_not_simple_is_described_as_json_schema_first() -> None:
    def when(day: datetime.date, kind: Literal["a", 2] = 2) -> None:
        pass

    assert parameters(when)["properties"] == {
        "day": {**TEXT, "format": "date"},
        "kind": {"enum": ["a", "2"], "default": 2},
    }


def test_tuples_stay_json_schema() -> None:
    def move(by: tuple[int, int]) -> None:
        pass

    made = declare(callable=move)
    pair = {"type": "array", "prefixItems": [{"type": "integer"}] * 2, "minItems": 2, "maxItems": 2}
    assert made.parameters is None
    assert made.parameters_json_schema == {"by": {**pair, "unevaluatedItems": False}}


def test_a_default_of_another_type_is_described_too() -> None:
    def function(a: int = "x", b: list[int] = ["y"]) -> None:  # type: ignore[assignment,list-item]  # noqa: B006
        pass

    assert parameters(function)["properties"]["a"] == {**WHOLE, "default": "x"}


def test_a_default_that_is_a_model() -> None:
    def function(place: Place = Place(name="Oslo")) -> None:  # noqa: B008
        pass

    made = parameters(function)
    assert made["properties"]["place"]["default"] == {"name": "Oslo"}
    assert "required" not in made


class OfVertex:
    vertexai = True


def test_results_are_declared_for_vertex() -> None:
    def find() -> Place:
        return Place(name="a")

    def count() -> int | str:
        return 1

    def untyped():  # type: ignore[no-untyped-def]
        pass

    assert types.FunctionDeclaration.from_callable(callable=find).response is None
    found = types.FunctionDeclaration.from_callable(client=OfVertex(), callable=find)
    assert found.response
    assert found.response.to_json_dict()["required"] == ["name"]
    assert found.parameters is None
    either = declare(callable=count, api_option="ENTERPRISE")
    assert either.response is None
    assert either.response_json_schema == {"anyOf": [{"type": "integer"}, {"type": "string"}]}
    assert declare(callable=untyped, api_option="VERTEX_AI").response is None


def test_what_has_no_schema_is_refused() -> None:
    class Own:
        pass

    def function(a: Own) -> None:
        pass

    function.__annotations__["a"] = Own
    with pytest.raises(ValueError, match="parameter a: "):
        declare(callable=function)


def test_a_turn_without_parts_is_refused() -> None:
    for content in (types.UserContent, types.ModelContent):
        with pytest.raises(ValueError, match="parts: the list is empty"):
            content([])


def test_schemas_of_the_api_are_json() -> None:
    declaration = types.FunctionDeclaration(name="f", parameters_json_schema=types.Schema(type="STRING"))
    assert declaration.parameters_json_schema == TEXT
