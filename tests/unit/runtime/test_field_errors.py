"""Texts of errors about fields."""

from __future__ import annotations

import pytest

from gemwire_runtime.field_errors import describe_unknown, locate


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("temprature", "did you mean 'temperature'?"),
        ("maxOutputToken", "did you mean 'max_output_tokens'?"),
        ("tokens", "did you mean 'max_output_tokens'?"),
        ("x", "it has max_output_tokens, temperature"),
    ],
)
def test_the_field_that_was_meant(name: str, says: str) -> None:
    known = {"temperature": "temperature", "maxOutputTokens": "max_output_tokens"}
    known["max_output_tokens"] = "max_output_tokens"
    assert describe_unknown("config", name, known) == f"config has no field {name!r}; {says}"
    assert describe_unknown("Empty", "x", []) == "Empty has no field 'x'; it has none"


@pytest.mark.parametrize(
    ("text", "located"),
    [
        ("expected a number, got list", "config.tools: expected a number, got list"),
        ("Tool has no field 'x'; it has y", "config.tools has no field 'x'; it has y"),
        ("search has no field 'x'; it has y", "config.tools.search has no field 'x'; it has y"),
        ("search.key: expected a dict", "config.tools.search.key: expected a dict"),
        ("parts[0]['a b'].text: expected a dict", "config.tools.parts[0]['a b'].text: expected a dict"),
        ("[3]: expected a dict", "config.tools[3]: expected a dict"),
        ("[3] has no field 'x'", "config.tools[3] has no field 'x'"),
    ],
)
def test_paths_are_joined(text: str, located: str) -> None:
    for kind in (TypeError, ValueError):
        error = locate("config.tools", kind(text))
        assert (type(error), str(error)) == (kind, located)


def test_errors_that_are_not_made_of_a_text() -> None:
    with pytest.raises(UnicodeEncodeError) as caught:
        "\ud800".encode()
    error = locate("text", caught.value)
    assert type(error) is ValueError
    assert str(error).startswith("text: 'utf-8' codec can't encode")
