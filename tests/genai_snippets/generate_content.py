"""Answers: their text, what goes in beside a text, and how one asks for them."""

from __future__ import annotations

from typing import Any

from genai_snippets.group import MODEL, Run, group, to_json


@group("Generate text")
def text(run: Run) -> Any:
    response = run.client.models.generate_content(model=MODEL, contents="Why does the moon have phases?")
    candidate = response.candidates[0]
    return (
        response.text,
        to_json(candidate.content),
        candidate.finish_reason,
        to_json(response.usage_metadata),
        response.model_version,
    )


@group("Generate text from an uploaded file")
def uploaded(run: Run) -> Any:
    (run.folder / "tides.txt").write_text("High tide is at nine.", "utf-8")
    file = run.client.files.upload(file=run.folder / "tides.txt")
    response = run.client.models.generate_content(
        model=MODEL, contents=["When could one sail, by this file?", file]
    )
    return response.text, response.usage_metadata.prompt_token_count


@group("System instruction, output length and temperature")
def system_instruction(run: Run) -> Any:
    response = run.client.models.generate_content(
        model=MODEL,
        contents="warm",
        config=run.types.GenerateContentConfig(
            system_instruction="Answer each word with its opposite.", max_output_tokens=3, temperature=0.4
        ),
    )
    return response.text, response.candidates[0].finish_reason, response.usage_metadata.candidates_token_count


@group("Typed config")
def config(run: Run) -> Any:
    config = run.types.GenerateContentConfig(
        temperature=0,
        top_p=0.9,
        top_k=30,
        candidate_count=1,
        seed=7,
        max_output_tokens=64,
        stop_sequences=["The end."],
        presence_penalty=0.5,
        frequency_penalty=0.0,
    )
    part = run.types.Part.from_text(text="Why do leaves fall?")
    response = run.client.models.generate_content(model=MODEL, contents=part, config=config)
    return response.text, str(run.sent().generation_config)


@group("Config as a dict")
def config_as_dict(run: Run) -> Any:
    response = run.client.models.generate_content(
        model=MODEL,
        contents={"parts": [{"text": "Why do leaves fall?"}], "role": "user"},
        config={"temperature": 0.25, "topK": 12, "system_instruction": ["Be brief.", "Be kind."]},
    )
    return response.text, str(run.sent().generation_config), len(run.sent().system_instruction.parts)


@group("List base models, with pages")
def models(run: Run) -> Any:
    everything = [model.name for model in run.client.models.list()]
    pager = run.client.models.list(config={"page_size": 10})
    first = pager[0].name
    pager.next_page()
    return everything, pager.page_size, first, pager[0].name, len(pager)


@group("List base models, with pages (async)")
async def models_async(run: Run) -> Any:
    everything = [model.name async for model in await run.client.aio.models.list()]
    pager = await run.client.aio.models.list(config={"page_size": 10})
    first = pager[0].name
    await pager.next_page()
    return everything, pager.page_size, first, pager[0].name, len(pager)


@group("Get a base model")
def model(run: Run) -> Any:
    model = run.client.models.get(model=MODEL)
    return model.name, model.display_name, model.supported_actions, model.input_token_limit


@group("Safety settings")
def safety(run: Run) -> Any:
    setting = run.types.SafetySetting(category="HARM_CATEGORY_HARASSMENT", threshold="BLOCK_LOW_AND_ABOVE")
    response = run.client.models.generate_content(
        model=MODEL,
        contents="Tell me off.",
        config=run.types.GenerateContentConfig(safety_settings=[setting]),
    )
    return response.text, str(run.sent().safety_settings)
