"""Tools as messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gemwire.genai._json.functions import describe_mcp_tool, is_function
from gemwire.genai._json.mcp_tools import McpFunction as McpFunction
from gemwire.genai._json.mcp_tools import McpSession, is_mcp_tool
from gemwire.genai._json.mcp_tools import is_mcp_session as is_mcp_session
from gemwire.genai._types.generate_content import ToolUnion
from gemwire.genai._types.tools import FunctionDeclaration
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views
from gemwire_runtime.field_errors import locate
from gemwire_runtime.pydantic_models import unwrap
from gemwire_runtime.view_fields import message_of


def to_tools(value: object) -> list[v1beta.Tool]:
    """Convert the tools of a request to messages; all functions are in one, which is the last.

    Args:
        value: A list of tools, dicts of their fields and Python functions.
    """
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Sequence):
        raise TypeError(f"config.tools: expected a list of tools, got {type(value).__name__}")
    tools = []
    functions = v1beta.Tool()
    for index, item in enumerate(value):
        tool = _to_tool(item, f"config.tools[{index}]")
        functions.function_declarations.extend(tool.function_declarations)
        tool.ClearField("function_declarations")
        # The API accepts functions from one tool only; one that is empty now is left out.
        if tool.ByteSize():
            tools.append(tool)
    names = [declaration.name for declaration in functions.function_declarations]
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        raise ValueError(
            f"config.tools: several functions are named {', '.join(map(repr, duplicates))}; rename one"
        )
    return [*tools, functions] if names else tools


def find_sessions(tools: Sequence[object] | None) -> list[McpSession]:
    """Return the MCP sessions among tools."""
    return [tool for tool in tools or () if is_mcp_session(tool)]


def without_sessions(tools: Sequence[ToolUnion] | None) -> Sequence[ToolUnion] | None:
    """Return tools without the MCP sessions among them, whose own tools are not known yet."""
    return [tool for tool in tools if not is_mcp_session(tool)] if find_sessions(tools) and tools else tools


def declares_functions(tool: object) -> bool:
    """Return whether a tool is a `Tool`, or a dict of one, with function declarations."""
    if is_mcp_tool(tool):
        return True
    tool = unwrap(tool)
    if isinstance(tool, Mapping):
        return bool(tool.get("function_declarations") or tool.get("functionDeclarations"))
    message = message_of(tool)
    return isinstance(message, v1beta.Tool) and bool(message.function_declarations)


def _to_tool(item: object, place: str) -> v1beta.Tool:
    """Convert a tool to a message of its own."""
    tool = v1beta.Tool()
    if is_mcp_session(item):
        raise TypeError(f"{place}: list the tools of an MCP session first: await session.list_tools()")
    if is_mcp_tool(item):
        schema = describe_mcp_tool(item)
        declaration = views.FunctionDeclaration(
            name=schema.name, description=schema.description, parameters_json_schema=schema.parameters
        )
        tool.function_declarations.append(message_of(declaration))
        return tool
    item = unwrap(item)
    if is_function(item):
        tool.function_declarations.append(message_of(FunctionDeclaration.from_function(item)))
    elif isinstance(item, Mapping):
        try:
            tool = message_of(views.Tool(**item))
        except (TypeError, ValueError) as error:
            raise locate(place, error) from None
    elif isinstance(message := message_of(item), v1beta.Tool):
        tool.CopyFrom(message)
    else:
        raise TypeError(
            f"{place}: expected a Tool, a dict of its fields or a function, got {type(item).__name__}"
        )
    return tool
