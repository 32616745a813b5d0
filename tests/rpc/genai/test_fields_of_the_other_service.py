"""Fields that one service has and the other lacks: each is refused by its path, and nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gemwire import genai
from gemwire.testing import RunningEmulator, emulator, environment

_PICTURE = {"data": b"x", "mime_type": "image/png"}
_CONSENT = {"voice_consent_signature": {"signature": "s"}}
_BATCH = {"model": "m", "src": "gs://b/in.jsonl"}


@pytest.fixture(scope="module")
def running() -> Iterator[RunningEmulator]:
    with emulator(http_port=0) as running:
        yield running


@pytest.fixture(autouse=True)
def _addresses(running: RunningEmulator) -> Iterator[None]:
    with environment(running):
        yield


def _find(client: Any, path: str) -> Any:
    for name in path.split("."):
        client = getattr(client, name)
    return client


def _call(client: Any, running: RunningEmulator, case: tuple[str, dict[str, Any]]) -> str:
    """Return the text of the ValueError of a call; what came of it otherwise."""
    running.reset()
    method, arguments = case
    try:
        _find(client, method)(**arguments)
    except ValueError as error:
        return f"sent: {error}" if running.calls() else str(error)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "taken"


def _generate(**config: Any) -> tuple[str, dict[str, Any]]:
    return "models.generate_content", {"model": "gemini-2.5-flash", "contents": "a", "config": config}


def _tool(**tool: Any) -> tuple[str, dict[str, Any]]:
    return _generate(tools=[tool])


def _part(**part: Any) -> tuple[str, dict[str, Any]]:
    contents = [{"role": "user", "parts": [part]}]
    return "models.generate_content", {"model": "gemini-2.5-flash", "contents": contents}


def _function_response(**fields: Any) -> tuple[str, dict[str, Any]]:
    return _part(function_response={"name": "f", "response": {}, **fields})


def _voice(**fields: Any) -> tuple[str, dict[str, Any]]:
    return _generate(
        speech_config={"voice_config": {"replicated_voice_config": {"mime_type": "a", **fields}}}
    )


def _batch(**dest: Any) -> tuple[str, dict[str, Any]]:
    return "batches.create", {**_BATCH, "config": {"dest": dest}}


#: What Vertex AI lacks: by the path that the error names, a method and its arguments.
_OF_GEMINI: dict[str, tuple[str, dict[str, Any]]] = {
    "config.store": _generate(store=True),
    "config.enable_enhanced_civic_answers": _generate(enable_enhanced_civic_answers=True),
    "contents[0].parts[0].tool_call": _part(tool_call={"tool_type": "GOOGLE_SEARCH_WEB", "args": {}}),
    "contents[0].parts[0].tool_response": _part(tool_response={"tool_type": "GOOGLE_SEARCH_WEB"}),
    "contents[0].parts[0].part_metadata": _part(text="a", part_metadata={"a": 1}),
    "contents[0].parts[0].function_response.will_continue": _function_response(will_continue=True),
    "contents[0].parts[0].function_response.parts[0].media_processing": _function_response(
        parts=[{"inline_data": _PICTURE, "media_processing": "STATIC"}]
    ),
    "config.tools[0].file_search": _tool(file_search={"file_search_store_names": ["fileSearchStores/a"]}),
    "config.tools[0].mcp_servers": _tool(mcp_servers=[{"name": "a"}]),
    "config.tool_config.include_server_side_tool_invocations": _generate(
        tool_config={"include_server_side_tool_invocations": True}
    ),
    "config.speech_config.voice_config.replicated_voice_config.consent_audio": _voice(consent_audio=b"x"),
    "config.speech_config.voice_config.replicated_voice_config.voice_consent_signature": _voice(**_CONSENT),
    "training_dataset.examples": (
        "tunings.tune",
        {"base_model": "m", "training_dataset": {"examples": [{"text_input": "a", "output": "b"}]}},
    ),
    "src.file_name": ("batches.create", {"model": "m", "src": {"file_name": "files/a"}}),
    "src.inlined_requests": ("batches.create", {"model": "m", "src": [{"contents": "a"}]}),
    "config.dest.file_name": _batch(file_name="files/a"),
    "config.dest.inlined_responses": _batch(inlined_responses=[]),
    "config.dest.inlined_embed_content_responses": _batch(inlined_embed_content_responses=[]),
}


@pytest.mark.parametrize("transport", [None, "grpc", "rest"])
def test_vertex_ai_refuses_what_is_of_the_gemini_api(running: RunningEmulator, transport: str | None) -> None:
    place: dict[str, Any] = {"project": "my-project", "location": "us-central1"}
    with genai.Client(vertexai=True, transport=transport, **place) as client:
        texts = {path: _call(client, running, case) for path, case in _OF_GEMINI.items()}
    expected = {path: f"{path} belongs to the Gemini API; Vertex AI does not have it" for path in _OF_GEMINI}
    assert texts == expected


def _embed(**config: Any) -> tuple[str, dict[str, Any]]:
    return "models.embed_content", {"model": "gemini-embedding-001", "contents": "a", "config": config}


def _tune(**config: Any) -> tuple[str, dict[str, Any]]:
    dataset = {"examples": [{"text_input": "a", "output": "b"}]}
    return "tunings.tune", {"base_model": "m", "training_dataset": dataset, "config": config}


def _image(**config: Any) -> tuple[str, dict[str, Any]]:
    return _generate(image_config=config)


def _auth(**config: Any) -> tuple[str, dict[str, Any]]:
    return _tool(google_maps={"auth_config": config})


#: What the Gemini API lacks, by a part of the path. Settings of count_tokens, descriptions of tuned models
#: and filters of batches, which google-genai refuses, are in its public protos.
_OF_VERTEX: dict[str, tuple[str, dict[str, Any]]] = {
    "config.routing_config": _generate(
        routing_config={"auto_mode": {"model_routing_preference": "BALANCED"}}
    ),
    "config.model_selection_config": _generate(
        model_selection_config={"feature_selection_preference": "BALANCED"}
    ),
    "config.audio_timestamp": _generate(audio_timestamp=True),
    "config.model_armor_config": _generate(model_armor_config={"prompt_template_name": "a"}),
    "config.generation_output_config": _generate(generation_output_config={}),
    "image_config.person_generation": _image(person_generation="ALLOW_ALL"),
    "image_config.prominent_people": _image(prominent_people="ALLOW_PROMINENT_PEOPLE"),
    "image_config.output_mime_type": _image(output_mime_type="image/png"),
    "image_config.output_compression_quality": _image(output_compression_quality=3),
    "image_config.image_output_options": _image(image_output_options={"mime_type": "image/png"}),
    "safety_settings[0].method": _generate(
        safety_settings=[{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF", "method": "SEVERITY"}]
    ),
    "parts[0].function_call.partial_args": _part(
        function_call={"name": "f", "partial_args": [{"json_path": "$.a"}]}
    ),
    "parts[0].function_call.will_continue": _part(function_call={"name": "f", "will_continue": True}),
    "function_calling_config.stream_function_call_arguments": _generate(
        tool_config={"function_calling_config": {"stream_function_call_arguments": True}}
    ),
    "tools[0].retrieval": _tool(retrieval={"vertex_ai_search": {"datastore": "d"}}),
    "tools[0].enterprise_web_search": _tool(enterprise_web_search={}),
    "tools[0].parallel_ai_search": _tool(parallel_ai_search={"api_key": "k"}),
    "tools[0].exa_ai_search": _tool(exa_ai_search={"api_key": "k"}),
    "tools[0].google_search.exclude_domains": _tool(google_search={"exclude_domains": ["a"]}),
    "tools[0].google_search.blocking_confidence": _tool(
        google_search={"blocking_confidence": "BLOCK_LOW_AND_ABOVE"}
    ),
    "tools[0].google_maps.grounding_types": _tool(google_maps={"grounding_types": {"places": {}}}),
    "auth_config.auth_type": _auth(auth_type="HTTP_BASIC_AUTH"),
    "auth_config.http_basic_auth_config": _auth(http_basic_auth_config={"credential_secret": "a"}),
    "auth_config.google_service_account_config": _auth(
        google_service_account_config={"service_account": "a"}
    ),
    "auth_config.oauth_config": _auth(oauth_config={"access_token": "a"}),
    "auth_config.oidc_config": _auth(oidc_config={"id_token": "a"}),
    "config.mime_type": _embed(mime_type="a/b"),
    "config.auto_truncate": _embed(auto_truncate=True),
    "config.document_ocr": _embed(document_ocr=True),
    "config.audio_track_extraction": _embed(audio_track_extraction=True),
    "config.kms_key_name": (
        "caches.create",
        {"model": "m", "config": {"contents": "a", "kms_key_name": "k"}},
    ),
    "config.validation_dataset": _tune(validation_dataset={"gcs_uri": "gs://b/a"}),
    "config.labels": _tune(labels={"a": "b"}),
    "config.adapter_size": _tune(adapter_size="ADAPTER_SIZE_ONE"),
    "config.export_last_checkpoint_only": _tune(export_last_checkpoint_only=True),
    "config.pre_tuned_model_checkpoint_id": _tune(pre_tuned_model_checkpoint_id="1"),
    "config.tuning_mode": _tune(tuning_mode="TUNING_MODE_FULL"),
    "config.output_uri": _tune(output_uri="gs://b/a"),
    "config.custom_base_model": _tune(custom_base_model="gs://b/a"),
    "auth_config.api_key_config": _auth(api_key_config={"name": "k"}),
    "config.encryption_spec": _tune(encryption_spec={"kms_key_name": "k"}),
    "src.gcs_uri": ("batches.create", {"model": "m", "src": {"gcs_uri": ["gs://b/a.jsonl"]}}),
    "src.bigquery_uri": ("batches.create", {"model": "m", "src": {"bigquery_uri": "bq://a"}}),
    "src.vertex_dataset_name": (
        "batches.create",
        {"model": "m", "src": {"vertex_dataset_name": "projects/p/locations/eu/datasets/3"}},
    ),
    "src.format": ("batches.create", {"model": "m", "src": {"file_name": "files/a", "format": "jsonl"}}),
    "config.dest": (
        "batches.create",
        {"model": "m", "src": {"file_name": "files/a"}, "config": {"dest": "gs://b/a"}},
    ),
}


@pytest.mark.parametrize("transport", [None, "grpc", "rest"])
def test_the_gemini_api_refuses_what_is_of_vertex_ai(running: RunningEmulator, transport: str | None) -> None:
    wrong = {}
    with genai.Client(api_key="k", transport=transport) as client:
        for path, case in _OF_VERTEX.items():
            text = _call(client, running, case)
            if path not in text or "Vertex AI" not in text:
                wrong[path] = text
    assert not wrong
