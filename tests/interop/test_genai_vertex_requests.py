"""What `genai.Client(vertexai=True)` sends is what google-genai sends, as the emulator's journal has it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import google.auth.credentials
import pytest

from gemwire import genai
from gemwire.genai import types as ours
from gemwire.testing import RunningEmulator, emulator, environment

google_genai = pytest.importorskip("google.genai", reason="google-genai needs Python 3.11")

#: Its own: what is experimental or deprecated there.
pytestmark = pytest.mark.filterwarnings("ignore")

MODEL = "gemini-2.5-flash"
PLACE: dict[str, Any] = {"project": "my-project", "location": "us-central1"}


class Credentials(google.auth.credentials.Credentials):
    """A token that never expires."""

    def __init__(self) -> None:
        super().__init__()
        self.token = "t"

    def refresh(self, request: object) -> None:
        raise AssertionError("the token is valid")


@pytest.fixture(scope="module")
def running() -> Iterator[RunningEmulator]:
    with emulator(http_port=0) as running:
        yield running


@pytest.fixture(scope="module")
def theirs(running: RunningEmulator) -> Any:
    options = {"base_url": running.http}
    return google_genai.Client(vertexai=True, credentials=Credentials(), http_options=options, **PLACE)


@pytest.fixture(scope="module")
def mine(running: RunningEmulator) -> Iterator[Any]:
    with environment(running), genai.Client(vertexai=True, **PLACE) as client:
        yield client


IMAGE = b"\x89PNG\r\n\x1a\n"
SCHEMA = {
    "type": "OBJECT",
    "properties": {"a": {"type": "STRING"}, "b": {"type": "INTEGER"}},
    "required": ["a"],
}
FUNCTION: dict[str, Any] = {"name": "f", "description": "d", "parameters": SCHEMA}
#: Configs of generate_content.
CONFIGS: list[dict[str, Any]] = [
    {},
    {"temperature": 0.5},
    {"top_p": 0.25},
    {"top_k": 2.5},
    {"candidate_count": 2},
    {"max_output_tokens": 100},
    {"stop_sequences": ["a", "b"]},
    {"response_logprobs": True, "logprobs": 3},
    {"presence_penalty": 0.5, "frequency_penalty": -0.5},
    {"seed": 7},
    {"response_mime_type": "application/json"},
    {"response_mime_type": "application/json", "response_schema": SCHEMA},
    {"response_mime_type": "application/json", "response_json_schema": {"type": "object"}},
    {"response_modalities": ["TEXT", "IMAGE"]},
    {"media_resolution": "MEDIA_RESOLUTION_LOW"},
    {"speech_config": {"language_code": "en-US"}},
    {"speech_config": {"voice_config": {"prebuilt_voice_config": {"voice_name": "Kore"}}}},
    {"audio_timestamp": True},
    {"thinking_config": {"thinking_budget": 5, "include_thoughts": True}},
    *({"thinking_config": {"thinking_level": level}} for level in ("MINIMAL", "LOW", "MEDIUM", "HIGH")),
    {"image_config": {"aspect_ratio": "16:9", "image_size": "2K"}},
    {"image_config": {"person_generation": "ALLOW_ALL"}},
    {"image_config": {"output_mime_type": "image/jpeg", "output_compression_quality": 5}},
    {"routing_config": {"auto_mode": {"model_routing_preference": "BALANCED"}}},
    {"routing_config": {"manual_mode": {"model_name": "m"}}},
    {"model_selection_config": {"feature_selection_preference": "PRIORITIZE_COST"}},
    {"model_armor_config": {"prompt_template_name": "a", "response_template_name": "b"}},
    {"labels": {"team": "one", "b": ""}},
    {"service_tier": "flex"},
    {"system_instruction": "Be brief."},
    {"system_instruction": ["Be", "brief."]},
    {"cached_content": "cachedContents/5"},
    {"cached_content": "projects/my-project/locations/us-central1/cachedContents/5"},
    *(
        {"safety_settings": [{"category": f"HARM_CATEGORY_{name}", "threshold": "BLOCK_ONLY_HIGH"}]}
        for name in (
            *("HATE_SPEECH", "DANGEROUS_CONTENT", "HARASSMENT", "SEXUALLY_EXPLICIT", "CIVIC_INTEGRITY"),
        )
    ),
    *(
        {
            "safety_settings": [
                {"category": "HARM_CATEGORY_HARASSMENT", "threshold": name, "method": "PROBABILITY"}
            ]
        }
        for name in ("BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_NONE", "OFF")
    ),
    {"tools": [{"function_declarations": [FUNCTION]}]},
    {"tools": [{"function_declarations": [{"name": "f", "parameters_json_schema": {"type": "object"}}]}]},
    {"tools": [{"google_search": {}}]},
    {"tools": [{"google_search": {"exclude_domains": ["a"], "blocking_confidence": "BLOCK_LOW_AND_ABOVE"}}]},
    {"tools": [{"google_search_retrieval": {"dynamic_retrieval_config": {"mode": "MODE_DYNAMIC"}}}]},
    {"tools": [{"google_maps": {"enable_widget": True}}]},
    {"tools": [{"code_execution": {}}]},
    {"tools": [{"url_context": {}}]},
    {"tools": [{"computer_use": {"environment": "ENVIRONMENT_BROWSER"}}]},
    {"tools": [{"enterprise_web_search": {"exclude_domains": ["a"]}}]},
    {"tools": [{"retrieval": {"vertex_ai_search": {"datastore": "d", "filter": "f", "max_results": 3}}}]},
    {
        "tools": [
            {"retrieval": {"vertex_ai_search": {"engine": "e", "data_store_specs": [{"data_store": "d"}]}}}
        ]
    },
    {
        "tools": [
            {
                "retrieval": {
                    "vertex_rag_store": {"rag_resources": [{"rag_corpus": "c", "rag_file_ids": ["f"]}]}
                }
            }
        ]
    },
    {
        "tools": [
            {
                "retrieval": {
                    "vertex_rag_store": {
                        "rag_retrieval_config": {"top_k": 3, "filter": {"vector_distance_threshold": 0.5}}
                    }
                }
            }
        ]
    },
    {"tools": [{"parallel_ai_search": {"api_key": "k", "custom_configs": {"max_results": 3}}}]},
    {"tools": [{"parallel_ai_search": {"api_key": "k", "enable_zero_data_retention": True}}]},
    {"tools": [{"exa_ai_search": {"api_key": "k"}}]},
    {
        "tools": [
            {
                "retrieval": {
                    "external_api": {
                        "api_spec": "ELASTIC_SEARCH",
                        "endpoint": "https://search.example",
                        "elastic_search_params": {"index": "i", "search_template": "t", "num_hits": 3},
                    }
                }
            }
        ]
    },
    {"tools": [{"google_maps": {"grounding_types": {"places": {}}}}]},
    *(
        {"tools": [{"google_maps": {"auth_config": auth}}]}
        for auth in (
            {"api_key_config": {"api_key_string": "k"}},
            {"auth_type": "HTTP_BASIC_AUTH", "http_basic_auth_config": {"credential_secret": "s"}},
            {"google_service_account_config": {"service_account": "s"}},
            {"oauth_config": {"access_token": "t"}},
            {"oidc_config": {"id_token": "t"}},
        )
    ),
    *(
        {
            "tools": [{"function_declarations": [FUNCTION]}],
            "tool_config": {"function_calling_config": {"mode": mode, "allowed_function_names": ["f"]}},
        }
        for mode in ("AUTO", "ANY", "NONE", "VALIDATED")
    ),
    {"tool_config": {"function_calling_config": {"stream_function_call_arguments": True}}},
    {
        "tool_config": {
            "retrieval_config": {"lat_lng": {"latitude": 1.5, "longitude": 2.5}, "language_code": "en"}
        }
    },
]
#: Contents, built with the types of either package.
CONTENTS: list[Callable[[Any], Any]] = [
    lambda types: ["a", "b"],
    lambda types: [types.Part(text="a", thought=True, thought_signature=b"s")],
    lambda types: types.Part.from_bytes(data=IMAGE, mime_type="image/png"),
    lambda types: types.Part.from_uri(file_uri="gs://b/a.png", mime_type="image/png"),
    lambda types: types.Part(inline_data=types.Blob(data=IMAGE, mime_type="image/png", display_name="d")),
    lambda types: types.Part(
        file_data=types.FileData(file_uri="gs://b/a.mp4", mime_type="video/mp4"),
        video_metadata=types.VideoMetadata(fps=2.0, start_offset="1s", end_offset="2.5s"),
    ),
    lambda types: types.Part(
        inline_data=types.Blob(data=IMAGE, mime_type="image/png"),
        media_resolution={"level": "MEDIA_RESOLUTION_HIGH"},
    ),
    lambda types: [
        types.Content(role="user", parts=[types.Part(text="a")]),
        types.Content(role="model", parts=[types.Part.from_function_call(name="f", args={"a": [1, None]})]),
        types.Content(role="user", parts=[types.Part.from_function_response(name="f", response={"r": 1})]),
    ],
    lambda types: types.Content(
        role="model", parts=[types.Part(function_call=types.FunctionCall(id="1", name="f", args={}))]
    ),
    lambda types: types.Part(
        function_response=types.FunctionResponse(id="1", name="f", response={"a": "b"}, scheduling="SILENT")
    ),
    lambda types: types.Part(function_call=types.FunctionCall(name="f", will_continue=True)),
    lambda types: types.Part.from_executable_code(code="1", language="PYTHON"),
    lambda types: types.Part.from_code_execution_result(outcome="OUTCOME_OK", output="1"),
    lambda types: {"role": "user", "parts": [{"text": "a"}]},
    lambda types: types.UserContent(parts=["a", "b"]),
]
_Case = Callable[[Any, Any], Any]


def call(method: str, **arguments: Any) -> _Case:
    """Build a case of a method of ``client.models``."""
    return lambda client, types: getattr(client.models, method)(**arguments)


def call_with(make: Callable[[Any], Any]) -> _Case:
    """Build a case of contents of either package."""
    return lambda client, types: client.models.generate_content(model=MODEL, contents=make(types))


#: Embedding models of either form.
EMBEDDING = ("gemini-embedding-001", "text-embedding-004")
EMBEDDINGS: list[tuple[str, Any, Any]] = [
    ("one", "a", None),
    ("list", ["a", "b"], None),
    ("task", "a", {"task_type": "RETRIEVAL_DOCUMENT", "title": "t", "output_dimensionality": 5}),
    ("truncate", "a", {"auto_truncate": True}),
]
OTHERS: dict[str, _Case] = {
    "stream": lambda c, t: list(c.models.generate_content_stream(model=MODEL, contents="a")),
    "model-google": lambda c, t: c.models.generate_content(model="google/m", contents="a"),
    "model-publisher": lambda c, t: c.models.generate_content(model="publishers/x/models/m", contents="a"),
    "endpoint": lambda c, t: c.models.generate_content(
        model="projects/my-project/locations/us-central1/endpoints/5", contents="a"
    ),
    "chat": lambda c, t: c.chats.create(
        model=MODEL, history=[t.UserContent("a"), t.ModelContent("b")]
    ).send_message("c"),
    "count": lambda c, t: c.models.count_tokens(model=MODEL, contents="a"),
    "count-config": lambda c, t: c.models.count_tokens(
        model=MODEL,
        contents=["a", "b"],
        config={
            "system_instruction": "s",
            "tools": [{"google_search": {}}],
            "generation_config": {"top_k": 2},
        },
    ),
    "compute": lambda c, t: c.models.compute_tokens(model=MODEL, contents=["a", "b"]),
    **{
        f"embed-{model}-{name}": call("embed_content", model=model, contents=contents, config=config)
        for model in EMBEDDING
        for name, contents, config in EMBEDDINGS
    },
    "images": lambda c, t: c.models.generate_images(
        model="imagen-4.0-generate-001",
        prompt="a",
        config={
            "number_of_images": 2,
            "negative_prompt": "n",
            "aspect_ratio": "1:1",
            "guidance_scale": 2.5,
            "seed": 1,
            "safety_filter_level": "BLOCK_NONE",
            "person_generation": "ALLOW_ALL",
            "language": "en",
            "include_safety_attributes": True,
            "include_rai_reason": True,
            "output_mime_type": "image/jpeg",
            "output_compression_quality": 5,
            "add_watermark": False,
            "image_size": "1K",
            "enhance_prompt": True,
            "output_gcs_uri": "gs://b/c",
            "labels": {"a": "b"},
        },
    ),
    "edit": lambda c, t: c.models.edit_image(
        model="imagen-3.0-capability-001",
        prompt="a",
        reference_images=[
            t.RawReferenceImage(
                reference_id=1, reference_image=t.Image(image_bytes=IMAGE, mime_type="image/png")
            ),
            t.MaskReferenceImage(
                reference_id=2,
                config=t.MaskReferenceConfig(
                    mask_mode="MASK_MODE_SEMANTIC", segmentation_classes=[1], mask_dilation=0.5
                ),
            ),
            t.ControlReferenceImage(
                reference_id=3,
                reference_image=t.Image(gcs_uri="gs://b/a"),
                config=t.ControlReferenceConfig(
                    control_type="CONTROL_TYPE_CANNY", enable_control_image_computation=True
                ),
            ),
        ],
        config={"edit_mode": "EDIT_MODE_DEFAULT", "base_steps": 3, "seed": 1},
    ),
    "upscale": lambda c, t: c.models.upscale_image(
        model="imagen-4.0-upscale-preview",
        image=t.Image(image_bytes=IMAGE, mime_type="image/png"),
        upscale_factor="x2",
        config={
            "enhance_input_image": True,
            "image_preservation_factor": 0.5,
            "output_mime_type": "image/png",
        },
    ),
    "videos": lambda c, t: c.models.generate_videos(
        model="veo-3.0-generate-001",
        prompt="a",
        image=t.Image(gcs_uri="gs://b/a.png", mime_type="image/png"),
        config={
            "number_of_videos": 1,
            "fps": 24,
            "duration_seconds": 5,
            "output_gcs_uri": "gs://b/c",
            "seed": 1,
        },
    ),
    "cache": lambda c, t: c.caches.create(
        model=MODEL, config={"contents": "a", "ttl": "600s", "display_name": "d", "system_instruction": "s"}
    ),
    "cache-key": lambda c, t: c.caches.create(model=MODEL, config={"contents": "a", "kms_key_name": "k"}),
    "cache-get": lambda c, t: c.caches.get(name="5"),
    "cache-list": lambda c, t: c.caches.list(config={"page_size": 5}),
    "cache-delete": lambda c, t: c.caches.delete(name="cachedContents/5"),
    "tune": lambda c, t: c.tunings.tune(
        base_model="gemini-2.0-flash-001",
        training_dataset={"gcs_uri": "gs://b/a.jsonl"},
        config={
            "epoch_count": 2,
            "learning_rate_multiplier": 0.5,
            "adapter_size": "ADAPTER_SIZE_FOUR",
            "tuned_model_display_name": "n",
            "description": "d",
            "export_last_checkpoint_only": True,
            "validation_dataset": {"gcs_uri": "gs://b/v.jsonl"},
            "labels": {"a": "b"},
        },
    ),
    "tune-dataset": lambda c, t: c.tunings.tune(
        base_model="gemini-2.0-flash-001",
        training_dataset={"vertex_dataset_resource": "projects/p/locations/l/datasets/5"},
    ),
    "tune-further": lambda c, t: c.tunings.tune(
        base_model="projects/my-project/locations/us-central1/models/5",
        training_dataset={"gcs_uri": "gs://b/a.jsonl"},
        config={"pre_tuned_model_checkpoint_id": "3"},
    ),
    "tune-get": lambda c, t: c.tunings.get(name="projects/my-project/locations/us-central1/tuningJobs/5"),
    "batch": lambda c, t: c.batches.create(model=MODEL, src="gs://b/in.jsonl", config={"display_name": "d"}),
    "batch-dest": lambda c, t: c.batches.create(
        model=MODEL, src="gs://b/in.jsonl", config={"display_name": "d", "dest": "gs://b/out"}
    ),
    "batch-table": lambda c, t: c.batches.create(
        model=MODEL, src="bq://p.d.t", config={"display_name": "d", "dest": "bq://p.d.u"}
    ),
    "batch-get": lambda c, t: c.batches.get(name="5"),
    "model": lambda c, t: c.models.get(model=MODEL),
    "models": lambda c, t: c.models.list(config={"page_size": 5}),
}
CASES: dict[str, _Case] = {
    **{
        f"config-{at}-{'-'.join(config)}": call("generate_content", model=MODEL, contents="a", config=config)
        for at, config in enumerate(CONFIGS)
    },
    **{f"contents-{at}": call_with(make) for at, make in enumerate(CONTENTS)},
    **OTHERS,
}


def send(running: RunningEmulator, case: _Case, client: Any, types: Any) -> tuple[str, Any]:
    """Return the RPC that a call ended in, and its request without the differences that are meant."""
    before = len(running.calls())
    with contextlib.suppress(genai.errors.APIError, google_genai.errors.APIError):
        case(client, types)
    entry = running.calls()[before]
    request = entry.requests[0]
    for clear in DIFFERENCES.values():
        clear(request)
    return entry.method, request


def _clear_empty_settings(request: Any) -> None:
    settings = getattr(request, "generation_config", None)
    if settings is not None and not settings.ListFields():
        request.ClearField("generation_config")


def _clear_order(request: Any) -> None:
    for tool in getattr(request, "tools", ()):
        for function in tool.function_declarations:
            function.parameters.ClearField("property_ordering")


def _clear_checkpoint(request: Any) -> None:
    job = getattr(request, "tuning_job", None)
    if job is not None and job.HasField("pre_tuned_model"):
        job.pre_tuned_model.ClearField("checkpoint_id")


#: What is different, and how it is left out of the comparison.
DIFFERENCES: dict[str, Callable[[Any], None]] = {
    "google-genai sends generationConfig without fields, which says nothing": _clear_empty_settings,
    "the order of the properties of a dict is noted, because maps of protobuf keep none": _clear_order,
    "google-genai leaves the checkpoint out": _clear_checkpoint,
}


def test_there_are_enough() -> None:
    assert len(CASES) >= 100


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_requests_are_equal(case: _Case, running: RunningEmulator, theirs: Any, mine: Any) -> None:
    expected = send(running, case, theirs, google_genai.types)
    assert send(running, case, mine, ours) == expected
