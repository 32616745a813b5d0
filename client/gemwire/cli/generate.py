"""``generate``."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from gemwire.cli import output, protojson, service, tools
from gemwire.cli.answer_printer import AnswerPrinter
from gemwire.cli.local_model import Local, use_local_model
from gemwire.cli.options import AsJson, File, Model, Prompt, System, Timeout, Transport, TransportName
from gemwire.cli.prompt_input import user_content
from gemwire_proto.google.protobuf import struct_pb2

_TEMPERATURE = "Sampling temperature, 0 to 2; 0 is the most deterministic."
_TOOLS = "JSON file with functions that the model may call: function declarations, or tools."
_ALLOWED = "Function that the model may call. Repeatable. Implies --tool-mode any."
_USAGE = "Print token counts and timing to stderr, even if it is not a terminal."


def generate(
    prompt: Prompt = None,
    model: Model = "gemini-2.5-flash",
    file: File = None,
    system: System = None,
    temperature: Annotated[
        float | None,
        typer.Option(help=_TEMPERATURE, metavar="NUMBER"),
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(help="Maximum number of output tokens.", metavar="N")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Makes answers repeatable for identical requests.", metavar="N")
    ] = None,
    stop: Annotated[list[str] | None, typer.Option(help="Stop sequence. Repeatable.", metavar="TEXT")] = None,
    schema: Annotated[
        Path | None, typer.Option(help="File with a JSON Schema for the answer.", metavar="FILE")
    ] = None,
    tool_file: Annotated[Path | None, typer.Option("--tools", help=_TOOLS, metavar="FILE")] = None,
    tool_mode: Annotated[
        tools.ToolMode | None, typer.Option(help="Whether the model may, must or must not call functions.")
    ] = None,
    allowed_function: Annotated[list[str] | None, typer.Option(help=_ALLOWED, metavar="NAME")] = None,
    timeout: Timeout = 600,
    usage: Annotated[bool, typer.Option("--usage", help=_USAGE)] = False,
    local: Local = False,
    transport: Transport = TransportName.GRPC,
    as_json: AsJson = False,
) -> None:
    """Generate an answer to a prompt, and print it as it arrives.

    Only the answer is written to stdout. With --json, prints the chunks of the stream, one per line.
    """
    options = {
        "temperature": temperature,
        "max_output_tokens": max_tokens,
        "seed": seed,
        "stop_sequences": stop,
    }
    settings: dict[str, object] = {name: value for name, value in options.items() if value is not None}
    if schema:
        settings["response_json_schema"] = _read_schema(schema)
        settings["response_mime_type"] = "application/json"
    callable_tools = tools.read_tools(tool_file) if tool_file else []
    request: dict[str, object] = {
        "model": service.name_model(model),
        "tools": [
            protojson.parse_message(output.to_dict(tool), service.messages().Tool, "--tools")
            for tool in callable_tools
        ],
        "generation_config": settings,
    }
    if config := tools.tool_config(callable_tools, tool_mode, allowed_function or []):
        request["tool_config"] = config
    if system:
        request["system_instruction"] = {"parts": [{"text": system}]}
    request["contents"] = [user_content(prompt, file)]
    answer = AnswerPrinter(enabled=not as_json)
    with use_local_model(local), service.create_generative_client(transport.value) as client:
        started, first = time.monotonic(), None
        try:
            with client.stream_generate_content(request, timeout=timeout) as stream:
                for chunk in stream:
                    first = first or time.monotonic() - started
                    if as_json:
                        output.print_json(chunk, indent=None)
                    answer.add(chunk)
        finally:
            answer.end()
        elapsed = time.monotonic() - started
    if answer.error:
        output.print_error(answer.error)
        raise SystemExit(1)
    if answer.warning:
        output.print_error(answer.warning)
    if usage or (sys.stderr.isatty() and not as_json):
        output.note(
            f"{answer.usage.prompt_token_count} input tokens, {answer.usage.candidates_token_count} output "
            f"tokens, first chunk after {first or 0:.2f} s, total {elapsed:.2f} s, {answer.model_version}"
        )


def _read_schema(path: Path) -> struct_pb2.Value:
    schema = protojson.read_object(path, "--schema")
    struct = protojson.parse_message({"schema": schema}, struct_pb2.Struct, f"--schema {path}")
    return struct.fields["schema"]
