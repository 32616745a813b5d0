"""GenerateAnswer: answers in the words of their sources, and how sure they are."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from emulator_calls import Caller, emulator

from gemwire_emulator.engines.canned import Reply
from gemwire_proto import v1beta

SKY = (
    "The sky is blue because air scatters short wavelengths more than long ones. "
    "This is called Rayleigh scattering. Lord Rayleigh described it in 1871."
)
BREAD = "Bread is baked from flour, water and yeast. The dough rises in a warm place."
TRAINS = "Trains in Switzerland run on time.\n\nThe timetable repeats every hour."
TEXTS = {"sky": SKY, "bread": BREAD, "trains": TRAINS}


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


def said(text: str) -> dict[str, Any]:
    return {"role": "user", "parts": [{"text": text}]}


def asking(question: str, **fields: Any) -> dict[str, Any]:
    passages = [{"id": key, "content": {"parts": [{"text": text}]}} for key, text in TEXTS.items()]
    return {
        "model": "models/aqa",
        "contents": [said(question)],
        "answer_style": "EXTRACTIVE",
        "inline_passages": {"passages": passages},
        **fields,
    }


async def stored(call: Caller) -> None:
    await call("CreateCorpus", corpus={"name": "corpora/c"})
    for key, text in TEXTS.items():
        document = {
            "name": f"corpora/c/documents/{key}",
            "custom_metadata": [{"key": "topic", "string_value": key}],
        }
        await call("CreateDocument", parent="corpora/c", document=document)
        chunk = {"name": f"{document['name']}/chunks/text", "data": {"string_value": text}}
        await call("CreateChunk", parent=document["name"], chunk=chunk)


def retrieving(question: str, source: str = "corpora/c", **config: Any) -> dict[str, Any]:
    request = asking(question, semantic_retriever={"source": source, "query": said(question), **config})
    del request["inline_passages"]
    return request


def text_of(response: Any) -> str:
    [part] = response.answer.content.parts
    return str(part.text)


def test_the_answer_is_the_sentence_that_answers() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            for question, passage, sentence in (
                ("Why is the sky blue?", "sky", SKY.split(". ", maxsplit=1)[0] + "."),
                ("How is bread baked?", "bread", "Bread is baked from flour, water and yeast."),
                ("Do the trains run on time in Switzerland?", "trains", "Trains in Switzerland run on time."),
            ):
                response = await call("GenerateAnswer", **asking(question))
                assert text_of(response) == sentence
                [attribution] = response.answer.grounding_attributions
                assert attribution.source_id.grounding_passage.passage_id == passage
                assert attribution.source_id.grounding_passage.part_index == 0
                assert attribution.content.parts[0].text == TEXTS[passage]
                assert response.answerable_probability > 0.6
                assert response.answer.finish_reason == v1beta.Candidate.FinishReason.STOP
                assert response.answer.token_count > 0
                assert response.answer.content.role == "model"
                assert not response.HasField("input_feedback")
                assert await call("GenerateAnswer", **asking(question)) == response

    run(test())


def test_the_probability_is_low_where_the_passages_do_not_say() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            response = await call("GenerateAnswer", **asking("Which river flows through Lima?"))
            assert 0 <= response.answerable_probability < 0.3
            # It tries all the same, and invents nothing.
            assert text_of(response)
            assert any(text_of(response) in text for text in TEXTS.values())

    run(test())


def test_styles_differ_in_length_and_quote_alike() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            lengths = []
            for style in ("EXTRACTIVE", "ABSTRACTIVE", "VERBOSE"):
                response = await call(
                    "GenerateAnswer", **asking("What is called Rayleigh scattering?", answer_style=style)
                )
                assert text_of(response) in SKY
                assert "called Rayleigh scattering" in text_of(response)
                lengths.append(len(text_of(response)))
            assert lengths == sorted(lengths)
            assert lengths[0] < lengths[-1]

    run(test())


def test_the_parts_of_a_passage_are_told_apart() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            passage = {"id": "both", "content": {"parts": [{"text": BREAD}, {"text": SKY}]}}
            asked = asking("Why is the sky blue?", inline_passages={"passages": [passage]})
            response = await call("GenerateAnswer", **asked)
            [attribution] = response.answer.grounding_attributions
            assert attribution.source_id.grounding_passage.part_index == 1
            assert attribution.content.parts[0].text == SKY

    run(test())


def test_the_last_turn_is_the_question() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            turns = [
                said("Why is the sky blue?"),
                {**said("Scattering."), "role": "model"},
                said("How is bread baked?"),
            ]
            response = await call("GenerateAnswer", **asking("", contents=turns))
            assert text_of(response).startswith("Bread is baked")

    run(test())


def test_answers_from_a_corpus() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            await stored(call)
            response = await call("GenerateAnswer", **retrieving("Why is the sky blue?"))
            assert text_of(response) == SKY.split(". ", maxsplit=1)[0] + "."
            [attribution] = response.answer.grounding_attributions
            source = attribution.source_id.semantic_retriever_chunk
            assert (source.source, source.chunk) == ("corpora/c", "corpora/c/documents/sky/chunks/text")
            assert attribution.content.parts[0].text == SKY
            filters = [
                {
                    "key": "document.custom_metadata.topic",
                    "conditions": [{"operation": "EQUAL", "string_value": "bread"}],
                }
            ]
            for elsewhere in (
                retrieving("Why is the sky blue?", metadata_filters=filters),
                retrieving("Why is the sky blue?", source="corpora/c/documents/bread"),
                # What is searched for need not be what is asked.
                retrieving("Why is the sky blue?", query=said("How is bread baked?"), max_chunks_count=1),
            ):
                response = await call("GenerateAnswer", **elsewhere)
                assert text_of(response) in BREAD
                assert response.answerable_probability < 0.5

    run(test())


def test_without_sources_there_is_no_answer() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            await stored(call)
            response = await call("GenerateAnswer", **retrieving("Why?", minimum_relevance_score=0.99))
            assert text_of(response) == ""
            assert response.HasField("answerable_probability")
            assert response.answerable_probability == 0
            assert response.answer.finish_reason == v1beta.Candidate.FinishReason.OTHER
            assert not response.answer.grounding_attributions

    run(test())


def test_canned_replies() -> None:
    async def test() -> None:
        async with emulator(replies=[Reply("Forty-two.", match="meaning", model="aqa")]) as (_, call):
            response = await call("GenerateAnswer", **asking("The meaning of it all?"))
            assert text_of(response) == "Forty-two."
            assert response.answer.finish_reason == v1beta.Candidate.FinishReason.STOP
            assert response.answer.token_count > 0
            assert response.answerable_probability == 1.0
            assert not response.answer.grounding_attributions
            assert "Rayleigh" not in text_of(await call("GenerateAnswer", **asking("Flour and yeast?")))
            # A reply stands in for the answer, not for the checks before it.
            refused = await call.refused("GenerateAnswer", **asking("The meaning?", temperature=2))
            assert refused.fields == ["temperature"]

    run(test())


def test_safety() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            mark = "[[block:HARM_CATEGORY_HARASSMENT]]"
            passages = {
                "passages": [{"id": "p", "content": {"parts": [{"text": f"{mark} The sky is blue."}]}}]
            }
            for asked in (asking(f"Why? {mark}"), asking("Why?", inline_passages=passages)):
                response = await call("GenerateAnswer", **asked)
                assert not response.HasField("answer")
                feedback = response.input_feedback
                assert feedback.block_reason == v1beta.GenerateAnswerResponse.InputFeedback.BlockReason.SAFETY
                assert feedback.safety_ratings[0].category == v1beta.HarmCategory.HARM_CATEGORY_HARASSMENT
                setting = {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}
                response = await call("GenerateAnswer", **asked, safety_settings=[setting])
                assert response.HasField("answer")

    run(test())


HARASSMENT = {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"model": ""}, "INVALID_ARGUMENT", "model"),
        ({"model": "aqa"}, "INVALID_ARGUMENT", "model"),
        ({"model": "models/gemini-2.5-flash"}, "INVALID_ARGUMENT", "model"),
        ({"model": "models/none"}, "NOT_FOUND", None),
        ({"contents": []}, "INVALID_ARGUMENT", "contents"),
        ({"contents": [{}]}, "INVALID_ARGUMENT", "contents[0].parts"),
        ({"contents": [said("x"), said(" ")]}, "INVALID_ARGUMENT", "contents[1].parts"),
        ({"contents": [said("x " * 1_048_577)]}, "INVALID_ARGUMENT", "contents"),
        ({"answer_style": 0}, "INVALID_ARGUMENT", "answer_style"),
        ({"answer_style": 99}, "INVALID_ARGUMENT", "answer_style"),
        ({"temperature": -0.1}, "INVALID_ARGUMENT", "temperature"),
        ({"temperature": 1.1}, "INVALID_ARGUMENT", "temperature"),
        ({"temperature": float("nan")}, "INVALID_ARGUMENT", "temperature"),
        ({"inline_passages": None}, "INVALID_ARGUMENT", "grounding_source"),
        ({"inline_passages": {}}, "INVALID_ARGUMENT", "inline_passages.passages"),
        (
            {"inline_passages": {"passages": [{"id": "x"}]}},
            "INVALID_ARGUMENT",
            "inline_passages.passages[0].content",
        ),
        ({"safety_settings": [HARASSMENT] * 2}, "INVALID_ARGUMENT", "safety_settings[1].category"),
        (
            {"safety_settings": [{**HARASSMENT, "category": "HARM_CATEGORY_TOXICITY"}]},
            "INVALID_ARGUMENT",
            "safety_settings[0].category",
        ),
    ],
)
def test_bad_requests_are_refused(fields: dict[str, Any], code: str, field: str | None) -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            refusal = await call.refused("GenerateAnswer", **asking("Why is the sky blue?", **fields))
            assert (refusal.code, refusal.fields) == (code, [field] if field else [])

    run(test())


@pytest.mark.parametrize(
    ("config", "code", "field"),
    [
        ({"source": ""}, "INVALID_ARGUMENT", "semantic_retriever.source"),
        ({"source": "corpora/c/documents/sky/chunks/text"}, "INVALID_ARGUMENT", "semantic_retriever.source"),
        ({"source": "corpora/x"}, "NOT_FOUND", None),
        ({"query": {}}, "INVALID_ARGUMENT", "semantic_retriever.query"),
        ({"max_chunks_count": 0}, "INVALID_ARGUMENT", "semantic_retriever.max_chunks_count"),
        ({"max_chunks_count": 101}, "INVALID_ARGUMENT", "semantic_retriever.max_chunks_count"),
        ({"metadata_filters": [{}]}, "INVALID_ARGUMENT", "semantic_retriever.metadata_filters[0].key"),
    ],
)
def test_bad_retrievals_are_refused(config: dict[str, Any], code: str, field: str | None) -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            await stored(call)
            refusal = await call.refused("GenerateAnswer", **retrieving("Why is the sky blue?", **config))
            assert (refusal.code, refusal.fields) == (code, [field] if field else [])

    run(test())
