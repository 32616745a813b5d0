"""Programs of instructor."""

from __future__ import annotations

from typing import Any

import instructor
from interop.frameworks.run_programs import MODEL, list_types
from pydantic import BaseModel


class Lake(BaseModel):
    """A lake."""

    name: str
    depth_m: float
    countries: list[str]


class Pair(BaseModel):
    """Two lakes."""

    first: Lake
    second: Lake | None = None


ASKED = [{"role": "user", "content": "Describe Lake Geneva."}]


def run_structured_outputs(client: Any) -> Any:
    made = instructor.from_genai(client, mode=instructor.Mode.GENAI_STRUCTURED_OUTPUTS)
    return list_types(made.create(model=MODEL, response_model=Lake, messages=ASKED))


def run_tools(client: Any) -> Any:
    made = instructor.from_genai(client, mode=instructor.Mode.GENAI_TOOLS)
    return list_types(made.create(model=MODEL, response_model=Lake, messages=ASKED))


def run_system_prompt(client: Any) -> Any:
    made = instructor.from_genai(client, mode=instructor.Mode.GENAI_STRUCTURED_OUTPUTS)
    asked = [{"role": "system", "content": "Be brief."}, *ASKED]
    lake, raw = made.create_with_completion(model=MODEL, response_model=Lake, messages=asked)
    return list_types(lake), raw.usage_metadata.prompt_token_count


def run_nested(client: Any) -> Any:
    made = instructor.from_genai(client, mode=instructor.Mode.GENAI_TOOLS)
    return list_types(made.create(model=MODEL, response_model=Pair, messages=ASKED))


def run_partial(client: Any) -> Any:
    made = instructor.from_genai(client, mode=instructor.Mode.GENAI_STRUCTURED_OUTPUTS)
    stream = made.create_partial(model=MODEL, response_model=Lake, messages=ASKED)
    return list_types(list(stream)[-1])


async def run_async(client: Any) -> Any:
    made = instructor.from_genai(client, mode=instructor.Mode.GENAI_TOOLS, use_async=True)
    return list_types(await made.create(model=MODEL, response_model=Lake, messages=ASKED))
