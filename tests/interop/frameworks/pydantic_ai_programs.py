"""Programs of pydantic-ai."""

from __future__ import annotations

from typing import Any

from interop.frameworks.run_programs import MODEL, list_types
from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, ModelHTTPError, NativeOutput
from pydantic_ai.embeddings import Embedder
from pydantic_ai.embeddings.google import GoogleEmbeddingModel
from pydantic_ai.models.google import GoogleModel, GoogleModelSettings
from pydantic_ai.providers.google import GoogleProvider

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8


class Lake(BaseModel):
    """A lake."""

    name: str
    depth_m: float
    countries: list[str]


def build_agent(client: Any, model: str = MODEL, **arguments: Any) -> Agent[Any, Any]:
    return Agent(GoogleModel(model, provider=GoogleProvider(client=client)), **arguments)


def run_plain(client: Any) -> Any:
    result = build_agent(client).run_sync("Why is the sky blue?")
    return result.output, result.usage.input_tokens, result.usage.output_tokens


def run_system_prompt(client: Any) -> Any:
    agent = build_agent(client, instructions="Be brief.", system_prompt="You are a poet.")
    return agent.run_sync("Hello").output


def run_settings(client: Any) -> Any:
    settings = GoogleModelSettings(
        temperature=0.1,
        top_p=0.5,
        max_tokens=10,
        seed=3,
        stop_sequences=["END"],
        google_thinking_config={"thinking_budget": 0},
        google_safety_settings=[
            {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"},
        ],
        timeout=20,
    )
    result = build_agent(client).run_sync("Tell a long story.", model_settings=settings)
    return result.output, result.response.finish_reason


def run_tool(client: Any) -> Any:
    agent = build_agent(client)
    called = []

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """Tell the weather of a city."""
        called.append(city)
        return f"Rain in {city}"

    # What follows depends on the id of the call, which is random.
    return agent.run_sync("What is the weather in Oslo?").output.partition(". ")[0], called


def run_output_by_tool(client: Any) -> Any:
    return list_types(build_agent(client, output_type=Lake).run_sync("Describe Lake Geneva.").output)


def run_native_output(client: Any) -> Any:
    agent = build_agent(client, output_type=NativeOutput(Lake))
    return list_types(agent.run_sync("Describe Lake Geneva.").output)


async def run_async(client: Any) -> Any:
    return (await build_agent(client).run("Why is the sky blue?")).output


async def run_stream(client: Any) -> Any:
    async with build_agent(client).run_stream("Tell a story.") as result:
        texts = [text async for text in result.stream_text(delta=True, debounce_by=None)]
    return texts, result.usage.output_tokens


async def run_stream_of_output(client: Any) -> Any:
    agent = build_agent(client, output_type=NativeOutput(Lake))
    async with agent.run_stream("Describe Lake Geneva.") as result:
        last = [item async for item in result.stream_output()][-1]
    return list_types(last)


def run_image(client: Any) -> Any:
    return build_agent(client).run_sync(["What is this?", BinaryContent(PNG, media_type="image/png")]).output


def run_conversation(client: Any) -> Any:
    agent = build_agent(client)
    first = agent.run_sync("My name is Ada.")
    second = agent.run_sync("What is my name?", message_history=first.all_messages())
    return second.output, len(second.all_messages())


def run_embeddings(client: Any) -> Any:
    model = GoogleEmbeddingModel("gemini-embedding-001", provider=GoogleProvider(client=client))
    found = Embedder(model).embed_documents_sync(["a", "b"])
    return [list(vector)[:5] for vector in found.embeddings]


def run_error(client: Any) -> Any:
    try:
        build_agent(client, model="no-such-model").run_sync("Hello")
    except ModelHTTPError as error:
        return error.status_code, error.model_name
    return None
