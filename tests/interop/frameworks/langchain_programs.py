"""Programs of langchain-google-genai."""

from __future__ import annotations

import base64
from typing import Any

from interop.frameworks.run_programs import MODEL, list_types
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_google_genai import ChatGoogleGenerativeAI, GoogleGenerativeAIEmbeddings
from pydantic import BaseModel

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8


class Lake(BaseModel):
    """A lake."""

    name: str
    depth_m: float
    countries: list[str]


@tool
def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"Rain in {city}"


def build_model(client: Any, **arguments: Any) -> ChatGoogleGenerativeAI:
    model = ChatGoogleGenerativeAI(model=MODEL, google_api_key="a-key", **arguments)
    model.client = client
    return model


def run_plain(client: Any) -> Any:
    found = build_model(client).invoke("Why is the sky blue?")
    return found.content, found.usage_metadata


def run_system_prompt(client: Any) -> Any:
    return build_model(client).invoke([SystemMessage("Be brief."), HumanMessage("Hello")]).content


def run_settings(client: Any) -> Any:
    model = build_model(
        client, temperature=0.1, top_p=0.5, max_output_tokens=10, seed=3, thinking_budget=0, timeout=20
    )
    found = model.invoke("Tell a long story.", stop=["END"])
    return found.content, found.response_metadata["finish_reason"]


def run_tools(client: Any) -> Any:
    model = build_model(client).bind_tools([get_weather])
    asked = [HumanMessage("What is the weather in Oslo?")]
    called = model.invoke(asked)
    calls = [(call["name"], call["args"]) for call in called.tool_calls]
    told = [
        ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"]) for call in called.tool_calls
    ]
    return calls, model.invoke([*asked, AIMessage(**called.model_dump(exclude={"type"})), *told]).content


def run_output_by_schema(client: Any) -> Any:
    model = build_model(client).with_structured_output(Lake, method="json_schema")
    return list_types(model.invoke("Describe Lake Geneva."))


def run_output_by_tool(client: Any) -> Any:
    model = build_model(client).with_structured_output(Lake, method="function_calling")
    return list_types(model.invoke("Describe Lake Geneva."))


def run_stream(client: Any) -> Any:
    return [chunk.content for chunk in build_model(client).stream("Tell a story.")]


async def run_async(client: Any) -> Any:
    return (await build_model(client).ainvoke("Why is the sky blue?")).content


async def run_async_stream(client: Any) -> Any:
    return [chunk.content async for chunk in build_model(client).astream("Tell a story.")]


def run_image(client: Any) -> Any:
    image = {"type": "image", "base64": base64.b64encode(PNG).decode(), "mime_type": "image/png"}
    asked = HumanMessage([{"type": "text", "text": "What is this?"}, image])
    return build_model(client).invoke([asked]).content


def run_embeddings(client: Any) -> Any:
    model = GoogleGenerativeAIEmbeddings(model="gemini-embedding-001", google_api_key="a-key")
    model.client = client
    return [vector[:5] for vector in model.embed_documents(["a", "b"])], model.embed_query("a")[:5]
