"""``generate``: one answer, as it is written."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from gemwire import v1beta
from gemwire.cli import output, protojson, tools
from gemwire.cli.answer import Answer
from gemwire.cli.content import AsJson, File, Model, Prompt, System, Timeout, full_name, user_content
from gemwire.cli.local import Local, answering
from gemwire_proto.google.protobuf import struct_pb2

_TOOLS = "JSON file of functions that the model may call: function declarations, or tools."
_ALLOWED = "Function that may be called; repeatable. Implies --tool-mode any."
_USAGE = "Tokens and times on stderr, also if that is no terminal."


def generate(
    prompt: Prompt = None,
    model: Model = "gemini-2.5-flash",
    file: File = None,
    system: System = None,
    temperature: Annotated[
        float | None, typer.Option(help="How freely to choose words: 0 to 2.", metavar="NUMBER")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(help="Most tokens that the answer may have.", metavar="N")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="The same seed, the same answer, if all else is.", metavar="N")
    ] = None,
    stop: Annotated[
        list[str] | None, typer.Option(help="Text to end the answer at; repeatable.", metavar="TEXT")
    ] = None,
    schema: Annotated[
        Path | None, typer.Option(help="JSON Schema that the answer must fit.", metavar="FILE")
    ] = None,
    tool_file: Annotated[Path | None, typer.Option("--tools", help=_TOOLS, metavar="FILE")] = None,
    tool_mode: Annotated[
        tools.ToolMode | None, typer.Option(help="Whether it may, must or must not call them.")
    ] = None,
    allowed_function: Annotated[list[str] | None, typer.Option(help=_ALLOWED, metavar="NAME")] = None,
    timeout: Timeout = 600,
    usage: Annotated[bool, typer.Option("--usage", help=_USAGE)] = False,
    local: Local = False,
    as_json: AsJson = False,
) -> None:
    """Answer a prompt, printing the answer as it is written.

    The answer is all that comes on stdout. With --json, that is the chunks of the stream, one a line.
    """
    given = {
        "temperature": temperature,
        "max_output_tokens": max_tokens,
        "seed": seed,
        "stop_sequences": stop,
    }
    settings: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if schema:
        settings["response_json_schema"] = _schema(schema)
        settings["response_mime_type"] = "application/json"
    callable_tools = tools.read(tool_file) if tool_file else []
    request: dict[str, Any] = {
        "model": full_name(model),
        "tools": callable_tools,
        "generation_config": settings,
    }
    if config := tools.config(callable_tools, tool_mode, allowed_function or []):
        request["tool_config"] = config
    if system:
        request["system_instruction"] = {"parts": [{"text": system}]}
    request["contents"] = [user_content(prompt, file)]
    answer = Answer(shown=not as_json)
    with answering(local), v1beta.GenerativeServiceClient() as client:
        began, first = time.monotonic(), None
        try:
            with client.stream_generate_content(request, timeout=timeout) as stream:
                for chunk in stream:
                    first = first or time.monotonic() - began
                    if as_json:
                        output.print_json(chunk, indent=None)
                    answer.add(chunk)
        finally:
            answer.end()
        elapsed = time.monotonic() - began
    if answer.complaint:
        output.complain(answer.complaint)
        raise SystemExit(1)
    if answer.remark:
        output.complain(answer.remark)
    if usage or (sys.stderr.isatty() and not as_json):
        output.note(
            f"{answer.usage.prompt_token_count} tokens in, {answer.usage.candidates_token_count} out, "
            f"first after {first or 0:.2f} s, {elapsed:.2f} s in all, {answer.model_version}"
        )


def _schema(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"--schema {path}: {getattr(error, 'strerror', None) or error}") from None
    value = protojson.loads(text, f"--schema {path}")
    if not isinstance(value, dict):
        raise ValueError(f"--schema {path}: a JSON Schema is a JSON object")  # noqa: TRY004
    return protojson.message({"schema": value}, struct_pb2.Struct, f"--schema {path}").fields["schema"]
