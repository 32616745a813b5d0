"""Ten operations by a client that openapi-python-client has generated, as its users would write them.

Runs where that client can be imported, as ``openapi_python_client.py URL KEY``; writes the answers as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from gemini_client import AuthenticatedClient
from gemini_client.api import generative_service as api
from gemini_client.api.generative_service import (
    generative_service_batch_embed_contents,
    generative_service_count_tokens,
    generative_service_embed_content,
    generative_service_generate_answer,
    generative_service_generate_dynamic_content,
    generative_service_generate_model_content,
    generative_service_generate_tuned_model_content,
    generative_service_stream_generate_dynamic_content,
    generative_service_stream_generate_model_content,
    generative_service_stream_generate_tuned_model_content,
)
from gemini_client.api.model_service import model_service_create_tuned_model, model_service_get_tuned_model
from gemini_client.api.operations import operations_get_tuned_model_operation
from gemini_client.models import (
    BatchEmbedContentsRequest,
    Content,
    CountTokensRequest,
    Dataset,
    EmbedContentRequest,
    ErrorResponse,
    GenerateAnswerRequest,
    GenerateAnswerRequestAnswerStyle,
    GenerateContentRequest,
    GenerationConfig,
    GroundingPassage,
    GroundingPassages,
    Operation,
    Part,
    TunedModel,
    TuningExample,
    TuningExamples,
    TuningTask,
)

URL, KEY = sys.argv[1:]
QUESTION = "Why is the sky blue?"


def said(text: str) -> Content:
    return Content(role="user", parts=[Part(text=text)])


def tune(client: AuthenticatedClient) -> None:
    """Make the tuned model that is asked afterwards."""
    examples = TuningExamples(examples=[TuningExample(text_input="1", output="2")])
    tuned = TunedModel(
        base_model="models/gemini-1.5-flash-001-tuning",
        tuning_task=TuningTask(training_data=Dataset(examples=examples)),
    )
    operation = model_service_create_tuned_model.sync(client=client, body=tuned, tuned_model_id="kept")
    end = time.monotonic() + 10
    while not operation.done:
        assert time.monotonic() < end, operation
        time.sleep(0.05)
        model, _, name = operation.name.removeprefix("tunedModels/").partition("/operations/")
        operation = operations_get_tuned_model_operation.sync(model, name, client=client)
        assert isinstance(operation, Operation), operation
    made = model_service_get_tuned_model.sync("kept", client=client)
    assert isinstance(made, TunedModel)
    # Examples are sent, and never come back.
    assert made.base_model == tuned.base_model
    assert not made.tuning_task.training_data


def answers(client: AuthenticatedClient) -> dict[str, Any]:
    """Each operation's answer, by the operation's id."""
    asking = GenerateContentRequest(
        contents=[said(QUESTION)], generation_config=GenerationConfig(candidate_count=2, max_output_tokens=20)
    )
    embedding = EmbedContentRequest(content=said(QUESTION), model="models/embedding-001")
    passage = GroundingPassage(id="1", content=said("The sky is blue because of Rayleigh scattering."))
    answering = GenerateAnswerRequest(
        contents=[said(QUESTION)],
        answer_style=GenerateAnswerRequestAnswerStyle.EXTRACTIVE,
        inline_passages=GroundingPassages(passages=[passage]),
    )
    counting = CountTokensRequest(contents=[said(QUESTION)])
    flash, embedder = "gemini-2.5-flash", "embedding-001"
    calls: list[tuple[Any, str, Any]] = [
        (generative_service_generate_model_content, flash, asking),
        (generative_service_generate_tuned_model_content, "kept", asking),
        (generative_service_generate_dynamic_content, "any", asking),
        (generative_service_stream_generate_model_content, flash, asking),
        (generative_service_stream_generate_tuned_model_content, "kept", asking),
        (generative_service_stream_generate_dynamic_content, "any", asking),
        (generative_service_count_tokens, flash, counting),
        (generative_service_embed_content, embedder, embedding),
        (generative_service_batch_embed_contents, embedder, BatchEmbedContentsRequest(requests=[embedding])),
        (generative_service_generate_answer, "aqa", answering),
    ]
    assert len({operation for operation, _, _ in calls}) == 10
    found: dict[str, Any] = {}
    for operation, resource, body in calls:
        parsed = operation.sync(resource, client=client, body=body)
        found[operation.__name__.removeprefix(f"{api.__name__}.generative_service_")] = (
            [message.to_dict() for message in parsed] if isinstance(parsed, list) else parsed.to_dict()
        )
    refused = generative_service_generate_model_content.sync("none", client=client, body=asking)
    assert isinstance(refused, ErrorResponse)
    return {**found, "refused": refused.to_dict()}


with AuthenticatedClient(URL, token=KEY, prefix="", auth_header_name="x-goog-api-key") as client:
    tune(client)
    json.dump(answers(client), sys.stdout)
