"""Programs of llama-index."""

from __future__ import annotations

from typing import Any

from interop.frameworks.run_programs import MODEL, list_types
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock
from llama_index.core.tools import FunctionTool
from llama_index.embeddings.google_genai import GoogleGenAIEmbedding
from llama_index.llms.google_genai import GoogleGenAI
from pydantic import BaseModel

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8


class Lake(BaseModel):
    """A lake."""

    name: str
    depth_m: float
    countries: list[str]


def build_model(client: Any, **arguments: Any) -> GoogleGenAI:
    model = GoogleGenAI(model=MODEL, api_key="a-key", max_tokens=100, context_window=1000, **arguments)
    model._client = client
    return model


def run_complete(client: Any) -> Any:
    return build_model(client, temperature=0.1).complete("Why is the sky blue?").text


def run_chat(client: Any) -> Any:
    asked = [ChatMessage(role="system", content="Be brief."), ChatMessage(role="user", content="Hello")]
    return build_model(client).chat(asked).message.content


def run_stream(client: Any) -> Any:
    return [chunk.delta for chunk in build_model(client).stream_complete("Tell a story.")]


async def run_async(client: Any) -> Any:
    return (await build_model(client).acomplete("Why is the sky blue?")).text


async def run_async_stream(client: Any) -> Any:
    stream = await build_model(client).astream_chat([ChatMessage(role="user", content="Tell a story.")])
    return [chunk.delta async for chunk in stream]


def run_structured_output(client: Any) -> Any:
    asked = [ChatMessage(role="user", content="Describe Lake Geneva.")]
    return list_types(build_model(client).as_structured_llm(Lake).chat(asked).raw)


def run_tools(client: Any) -> Any:
    def get_weather(city: str) -> str:
        """Tell the weather of a city."""
        return f"Rain in {city}"

    found = build_model(client).predict_and_call(
        [FunctionTool.from_defaults(get_weather)], "What is the weather in Oslo?"
    )
    return found.response


def run_image(client: Any) -> Any:
    blocks = [TextBlock(text="What is this?"), ImageBlock(image=PNG, image_mimetype="image/png")]
    return build_model(client).chat([ChatMessage(role="user", blocks=blocks)]).message.content


def run_embeddings(client: Any) -> Any:
    model = GoogleGenAIEmbedding(model_name="gemini-embedding-001", api_key="a-key")
    model._client = client
    return [vector[:5] for vector in model.get_text_embedding_batch(["a", "b"])]
