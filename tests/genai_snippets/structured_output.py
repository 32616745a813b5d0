"""Answers of a form."""

from __future__ import annotations

import enum
import json
from typing import Any

from genai_snippets.group import MODEL, Run, group

ASKED = "Describe Lake Geneva."
FIELDS = {
    "name": {"type": "STRING"},
    "area_km2": {"type": "INTEGER"},
    "depth_m": {"type": "NUMBER"},
    "countries": {"type": "ARRAY", "items": {"type": "STRING"}},
    "salty": {"type": "BOOLEAN"},
}


class Sound(enum.Enum):
    """What a bird does."""

    SONG = "song"
    CALL = "call"
    DRUM = "drumming"


@group("JSON response with a pydantic schema")
def by_model(run: Run) -> Any:
    from pydantic import BaseModel

    class Lake(BaseModel):
        name: str
        area_km2: int
        depth_m: float
        countries: list[str]
        salty: bool

    globals()["Lake"] = Lake
    config = run.types.GenerateContentConfig(response_mime_type="application/json", response_schema=Lake)
    response = run.client.models.generate_content(model=MODEL, contents=ASKED, config=config)
    assert isinstance(response.parsed, Lake)
    several = {"response_mime_type": "application/json", "response_schema": list[Lake]}
    lakes = run.client.models.generate_content(model=MODEL, contents=ASKED, config=several).parsed
    assert all(isinstance(lake, Lake) for lake in lakes)
    return json.loads(response.text), response.parsed.model_dump(), [lake.model_dump() for lake in lakes]


@group("JSON response with a dict schema")
def by_dict(run: Run) -> Any:
    schema = {"type": "OBJECT", "properties": FIELDS, "required": list(FIELDS)}
    config = run.types.GenerateContentConfig(response_mime_type="application/json", response_schema=schema)
    response = run.client.models.generate_content(model=MODEL, contents=ASKED, config=config)
    assert response.parsed == json.loads(response.text)
    return response.text


@group("Enum response, as text")
def enum_as_text(run: Run) -> Any:
    config = {"response_mime_type": "text/x.enum", "response_schema": Sound}
    response = run.client.models.generate_content(
        model=MODEL, contents="What does a woodpecker do?", config=config
    )
    return response.text, response.parsed


@group("Enum response, as JSON")
def enum_as_json(run: Run) -> Any:
    config = {"response_mime_type": "application/json", "response_schema": Sound}
    response = run.client.models.generate_content(
        model=MODEL, contents="What does a woodpecker do?", config=config
    )
    return response.text, response.parsed
