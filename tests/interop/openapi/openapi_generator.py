"""Ten operations by a client that openapi-generator has made, as its users would write them.

Runs where that client can be imported, as ``openapi_generator.py URL KEY``; writes the answers as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import gemini_client as gemini

URL, KEY = sys.argv[1:]
QUESTION = "Why is the sky blue?"


def said(text: str) -> gemini.Content:
    return gemini.Content(role="user", parts=[gemini.Part(text=text)])


def tune(client: gemini.ApiClient) -> None:
    """Make the tuned model that is asked afterwards."""
    models, operations = gemini.ModelServiceApi(client), gemini.OperationsApi(client)
    examples = gemini.TuningExamples(examples=[gemini.TuningExample(text_input="1", output="2")])
    tuned = gemini.TunedModel(
        base_model="models/gemini-1.5-flash-001-tuning",
        tuning_task=gemini.TuningTask(training_data=gemini.Dataset(examples=examples)),
    )
    operation = models.model_service_create_tuned_model(tuned, tuned_model_id="kept")
    end = time.monotonic() + 10
    while not operation.done:
        assert time.monotonic() < end, operation
        time.sleep(0.05)
        model, _, name = operation.name.removeprefix("tunedModels/").partition("/operations/")
        operation = operations.operations_get_tuned_model_operation(model, name)
    # Examples are sent, and never come back.
    assert models.model_service_get_tuned_model("kept").tuning_task.training_data is None


def answers(client: gemini.ApiClient) -> dict[str, Any]:
    """Each operation's answer, by the operation's id."""
    api = gemini.GenerativeServiceApi(client)
    asking = gemini.GenerateContentRequest(
        contents=[said(QUESTION)],
        generation_config=gemini.GenerationConfig(candidate_count=2, max_output_tokens=20),
    )
    embedding = gemini.EmbedContentRequest(content=said(QUESTION), model="models/embedding-001")
    passage = gemini.GroundingPassage(id="1", content=said("The sky is blue because of Rayleigh scattering."))
    answering = gemini.GenerateAnswerRequest(
        contents=[said(QUESTION)],
        answer_style=gemini.GenerateAnswerRequestAnswerStyle.EXTRACTIVE,
        inline_passages=gemini.GroundingPassages(passages=[passage]),
    )
    batch = gemini.BatchEmbedContentsRequest(requests=[embedding])
    counting = gemini.CountTokensRequest(contents=[said(QUESTION)])
    flash, embedder = "gemini-2.5-flash", "embedding-001"
    found = {
        "generate_model_content": api.generative_service_generate_model_content(flash, asking),
        "generate_tuned_model_content": api.generative_service_generate_tuned_model_content("kept", asking),
        "generate_dynamic_content": api.generative_service_generate_dynamic_content("any", asking),
        "stream_generate_model_content": api.generative_service_stream_generate_model_content(flash, asking),
        "stream_generate_tuned_model_content": (
            api.generative_service_stream_generate_tuned_model_content("kept", asking)
        ),
        "stream_generate_dynamic_content": (
            api.generative_service_stream_generate_dynamic_content("any", asking)
        ),
        "count_tokens": api.generative_service_count_tokens(flash, counting),
        "embed_content": api.generative_service_embed_content(embedder, embedding),
        "batch_embed_contents": api.generative_service_batch_embed_contents(embedder, batch),
        "generate_answer": api.generative_service_generate_answer("aqa", answering),
    }
    try:
        api.generative_service_generate_model_content("none", asking)
    except gemini.exceptions.NotFoundException as error:
        found["refused"] = error.data
    return {name: _plain(answer) for name, answer in found.items()}


def _plain(answer: Any) -> Any:
    if isinstance(answer, list):
        return [_plain(item) for item in answer]
    # Its to_dict() leaves out what is read-only.
    return answer.model_dump(mode="json", by_alias=True, exclude_none=True)


with gemini.ApiClient(gemini.Configuration(host=URL, api_key={"ApiKeyAuth": KEY})) as client:
    tune(client)
    json.dump(answers(client), sys.stdout)
