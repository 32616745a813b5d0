"""Functions that the model may call."""

from __future__ import annotations

from typing import Any

from genai_snippets.group import MODEL, Run, group, to_json

ASKED = "How high is the tide in Dover?"


def tide(port: str) -> str:
    """Tell the height of the tide.

    Args:
        port: Name of the port.
    """
    return f"2 m in {port}"


async def tide_later(port: str) -> str:
    """Tell the height of the tide.

    Args:
        port: Name of the port.
    """
    return f"2 m in {port}"


def named(history: Any) -> list[Any]:
    """Return the role of each content, and the kind or function of its parts."""
    return [
        (c.role, [(p.text and "text") or (p.function_call or p.function_response).name for p in c.parts])
        for c in history
    ]


def declared(run: Run) -> Any:
    """Return a tool that only declares the function."""
    types = run.types
    port = types.Schema(type="STRING", description="Name of the port")
    parameters = types.Schema(type="OBJECT", properties={"port": port}, required=["port"])
    function = types.FunctionDeclaration(
        name="tide", description="Tell the height of the tide.", parameters=parameters
    )
    return types.Tool(function_declarations=[function])


@group("Automatic function calling")
def automatic(run: Run) -> Any:
    config = run.types.GenerateContentConfig(tools=[tide])
    response = run.client.models.generate_content(model=MODEL, contents=ASKED, config=config)
    return response.text.split(":")[0], named(response.automatic_function_calling_history)


@group("Automatic function calling (async)")
async def automatic_async(run: Run) -> Any:
    config = run.types.GenerateContentConfig(tools=[tide_later])
    response = await run.client.aio.models.generate_content(model=MODEL, contents=ASKED, config=config)
    return response.text.split(":")[0], named(response.automatic_function_calling_history)


@group("Automatic function calling, disabled")
def disabled(run: Run) -> Any:
    types = run.types
    config = types.GenerateContentConfig(
        tools=[tide], automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True)
    )
    response = run.client.models.generate_content(model=MODEL, contents=ASKED, config=config)
    return [(call.name, list(call.args)) for call in response.function_calls]


@group("Function declarations, called manually")
def by_hand(run: Run) -> Any:
    types = run.types
    config = types.GenerateContentConfig(tools=[declared(run)])
    response = run.client.models.generate_content(model=MODEL, contents=ASKED, config=config)
    [call] = response.function_calls
    try:
        result = {"result": tide(**call.args)}
    except TypeError as error:  # The model may know better what to do about it.
        result = {"error": str(error)}
    answer = types.Part.from_function_response(name=call.name, response=result)
    response = run.client.models.generate_content(
        model=MODEL,
        contents=[
            types.Content(role="user", parts=[types.Part.from_text(text=ASKED)]),
            response.candidates[0].content,
            types.Content(role="tool", parts=[answer]),
        ],
        config=config,
    )
    return to_json(call), result, response.text


@group("Function calling mode ANY, automatic calling disabled")
def any_disabled(run: Run) -> Any:
    types = run.types
    config = types.GenerateContentConfig(
        tools=[tide],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        tool_config=types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode="ANY")),
    )
    response = run.client.models.generate_content(model=MODEL, contents=ASKED, config=config)
    return response.text, [call.name for call in response.function_calls]


@group("Function calling mode ANY, limited automatic calls")
def any_limited(run: Run) -> Any:
    types = run.types
    config = types.GenerateContentConfig(
        tools=[tide],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(maximum_remote_calls=2),
        tool_config=types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode="ANY")),
    )
    before = len(run.emulator.calls())
    response = run.client.models.generate_content(model=MODEL, contents=ASKED, config=config)
    return len(run.emulator.calls()) - before, [call.name for call in response.function_calls or ()]


@group("Automatic function calling, streaming")
def streamed(run: Run) -> Any:
    config = run.types.GenerateContentConfig(tools=[tide])
    chunks = list(run.client.models.generate_content_stream(model=MODEL, contents=ASKED, config=config))
    calls = [call.name for chunk in chunks for call in chunk.function_calls or ()]
    texts = [chunk.candidates[0].content.parts[0].text or "" for chunk in chunks]
    return calls, "".join(texts).split(":")[0]
