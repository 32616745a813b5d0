"""Google's own Python SDK, google-genai, as the judge of the emulator: unchanged apart from the address."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Iterator
from typing import Any

import pytest

genai = pytest.importorskip("google.genai", reason="google-genai 3 needs Python 3.11")
from google.genai import errors, types  # noqa: E402
from pydantic import BaseModel  # noqa: E402

from gemwire import v1beta  # noqa: E402
from gemwire.testing import RunningEmulator, emulator  # noqa: E402

KEY = "a-key"
MODEL = "gemini-2.5-flash"
TUNABLE = "models/gemini-1.5-flash-001-tuning"

pytestmark = [
    # The SDK's words about its own plans.
    pytest.mark.filterwarnings("ignore::google.genai._common.ExperimentalWarning"),
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def gemini() -> Iterator[RunningEmulator]:
    with emulator(http_port=0) as running:
        yield running


@pytest.fixture(params=["v1beta", "v1"])
def client(request: pytest.FixtureRequest, gemini: RunningEmulator) -> Iterator[Any]:
    """The SDK, by each of the versions that its releases have called."""
    gemini.reset()
    options = types.HttpOptions(base_url=gemini.http, api_version=request.param)
    made = genai.Client(api_key=KEY, http_options=options)
    yield made
    made.close()


def test_generate_and_stream(client: Any) -> None:
    whole = client.models.generate_content(model=MODEL, contents="Why is the sky blue?")
    assert "Why is the sky blue?" in whole.text
    assert whole.candidates[0].finish_reason == types.FinishReason.STOP
    assert whole.usage_metadata.total_token_count > whole.usage_metadata.prompt_token_count > 0
    pieces = list(client.models.generate_content_stream(model=MODEL, contents="Why is the sky blue?"))
    assert len(pieces) > 3
    assert "".join(p.text for p in pieces) == whole.text


def test_configuration(client: Any) -> None:
    config = types.GenerateContentConfig(
        system_instruction="Be brief.",
        temperature=0.2,
        top_k=3.0,
        max_output_tokens=5,
        stop_sequences=["never"],
        safety_settings=[
            types.SafetySetting(
                category=types.HarmCategory.HARM_CATEGORY_HARASSMENT,
                threshold=types.HarmBlockThreshold.BLOCK_ONLY_HIGH,
            )
        ],
        thinking_config=types.ThinkingConfig(thinking_budget=0),
    )
    response = client.models.generate_content(
        model=MODEL,
        contents=["one", types.Part.from_bytes(data=b"\x89PNG", mime_type="image/png")],
        config=config,
    )
    assert response.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS
    assert response.usage_metadata.candidates_token_count <= 5


class Kind(enum.Enum):
    FRUIT = "fruit"
    VEGETABLE = "vegetable"


class Recipe(BaseModel):
    name: str
    minutes: int
    steps: list[str]


def test_structured_output(client: Any) -> None:
    config = {"response_mime_type": "application/json", "response_schema": list[Recipe]}
    parsed = client.models.generate_content(model=MODEL, contents="A cake, please.", config=config).parsed
    assert all(isinstance(recipe, Recipe) for recipe in parsed)
    config = {"response_mime_type": "application/json", "response_json_schema": Recipe.model_json_schema()}
    parsed = client.models.generate_content(model=MODEL, contents="A cake.", config=config).parsed
    assert Recipe.model_validate(parsed)
    config = {"response_mime_type": "text/x.enum", "response_schema": Kind}
    assert client.models.generate_content(model=MODEL, contents="An apple", config=config).parsed in Kind


def test_functions_are_called_automatically(client: Any) -> None:
    asked = []

    def get_weather(city: str) -> dict[str, Any]:
        """The weather of a city.

        Args:
            city: Its name.
        """
        asked.append(city)
        return {"weather": "sunny", "degrees": 21}

    response = client.models.generate_content(
        model=MODEL, contents="What is the weather in Zurich?", config={"tools": [get_weather]}
    )
    assert asked
    assert response.text
    history = response.automatic_function_calling_history
    assert [part.function_call.name for c in history for part in c.parts if part.function_call] == [
        "get_weather"
    ]


def test_function_declarations(client: Any) -> None:
    declaration = types.FunctionDeclaration(
        name="turn_on",
        description="Turns a lamp on",
        parameters=types.Schema(
            type=types.Type.OBJECT, properties={"lamp": types.Schema(type=types.Type.STRING)}
        ),
    )
    config = types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=[declaration])],
        tool_config=types.ToolConfig(
            function_calling_config=types.FunctionCallingConfig(
                mode=types.FunctionCallingConfigMode.ANY, allowed_function_names=["turn_on"]
            )
        ),
    )
    [call] = client.models.generate_content(model=MODEL, contents="Light!", config=config).function_calls
    assert call.name == "turn_on"
    assert isinstance(call.args["lamp"], str)


def test_chats(client: Any) -> None:
    chat = client.chats.create(model=MODEL)
    first = chat.send_message("My name is Ada.")
    pieces = list(chat.send_message_stream("What is my name?"))
    assert first.text
    assert pieces
    roles = [content.role for content in chat.get_history()]
    assert roles == ["user", "model", "user", *["model"] * len(pieces)]


def test_tokens_and_embeddings(client: Any) -> None:
    counted = client.models.count_tokens(model=MODEL, contents="Why is the sky blue?")
    assert counted.total_tokens > 0
    response = client.models.embed_content(
        model="gemini-embedding-001",
        contents=["a", "b"],
        config=types.EmbedContentConfig(output_dimensionality=64, task_type="RETRIEVAL_QUERY"),
    )
    one, other = response.embeddings
    assert len(one.values) == len(other.values) == 64
    assert one.values != other.values


def test_models_and_tunings(client: Any, gemini: RunningEmulator) -> None:
    names = [model.name for model in client.models.list(config={"page_size": 3, "query_base": True})]
    assert f"models/{MODEL}" in names
    assert len(set(names)) == len(names) > 3
    assert client.models.get(model=MODEL).input_token_limit > 0
    # This SDK leaves the examples out of what it sends; the tuning is begun by gRPC.
    with pytest.raises(errors.ClientError, match="tuning_task"):
        client.tunings.tune(
            base_model=TUNABLE,
            training_dataset=types.TuningDataset(examples=[types.TuningExample(text_input="1", output="2")]),
        )
    examples = [{"text_input": str(n), "output": str(n + 1)} for n in range(4)]
    with v1beta.ModelServiceClient(client_options={"api_key": KEY}) as models:
        models.create_tuned_model(
            tuned_model={
                "base_model": TUNABLE,
                "tuning_task": {"training_data": {"examples": {"examples": examples}}},
            }
        )
    gemini.advance(3600)
    [tuned] = [model.name for model in client.models.list(config={"query_base": False})]
    assert client.tunings.get(name=tuned).has_succeeded
    assert client.models.generate_content(model=tuned, contents="2").text == "3"
    assert client.models.update(model=tuned, config={"description": "counts"}).description == "counts"
    client.models.delete(model=tuned)
    assert not list(client.models.list(config={"query_base": False}))


def test_caches(client: Any, gemini: RunningEmulator) -> None:
    cache = client.caches.create(
        model=MODEL,
        config=types.CreateCachedContentConfig(
            contents="a long story " * 100, ttl="60s", display_name="story"
        ),
    )
    assert [c.name for c in client.caches.list()] == [cache.name]
    config = types.GenerateContentConfig(cached_content=cache.name)
    response = client.models.generate_content(model=MODEL, contents="How does it end?", config=config)
    assert response.usage_metadata.cached_content_token_count > 0
    later = client.caches.update(name=cache.name, config={"ttl": "900s"})
    assert later.expire_time > cache.expire_time
    gemini.advance(901)
    with pytest.raises(errors.ClientError) as expired:
        client.caches.get(name=cache.name)
    assert expired.value.code == 403
    assert expired.value.status == "PERMISSION_DENIED"


def test_errors(client: Any, gemini: RunningEmulator) -> None:
    with pytest.raises(errors.ClientError) as refused:
        client.models.generate_content(model=MODEL, contents="x", config={"max_output_tokens": -1})
    assert (refused.value.code, refused.value.status) == (400, "INVALID_ARGUMENT")
    gemini.fail("RESOURCE_EXHAUSTED", retry_delay=2, times=1)
    with pytest.raises(errors.ClientError) as exhausted:
        client.models.generate_content(model=MODEL, contents="x")
    assert exhausted.value.code == 429
    details: Any = exhausted.value.details
    assert details["error"]["details"][0]["retryDelay"] == "2s"
    gemini.fail("UNAVAILABLE")
    with pytest.raises(errors.ServerError):
        client.models.generate_content(model=MODEL, contents="x")
    gemini.fail("INTERNAL", after_messages=2, method="StreamGenerateContent")
    stream = client.models.generate_content_stream(model=MODEL, contents="x")
    with pytest.raises(errors.APIError):
        list(stream)


def test_async(client: Any) -> None:
    async def main() -> None:
        whole = await client.aio.models.generate_content(model=MODEL, contents="Why is the sky blue?")
        stream = await client.aio.models.generate_content_stream(model=MODEL, contents="Why is the sky blue?")
        assert "".join([piece.text async for piece in stream]) == whole.text
        chat = client.aio.chats.create(model=MODEL)
        assert (await chat.send_message("Hello")).text
        counted = await client.aio.models.count_tokens(model=MODEL, contents="x")
        assert counted.total_tokens > 0
        many = [model async for model in await client.aio.models.list(config={"page_size": 2})]
        assert len(many) > 2
        await client.aio.aclose()

    asyncio.run(main())
