"""``generate``, ``count-tokens`` and ``embed``."""

from __future__ import annotations

import json
import mimetypes
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from gemwire import v1beta
from gemwire.cli import output
from gemwire.cli.local import Local, answering

Model = Annotated[str, typer.Option("--model", "-m", help="Model name, with or without models/.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Prompt = Annotated[str | None, typer.Argument(help="The prompt; - or nothing reads standard input.")]


def full_name(model: str) -> str:
    """``gemini-2.5-flash`` → ``models/gemini-2.5-flash``."""
    return model if "/" in model else f"models/{model}"


def prompt_text(prompt: str | None) -> str:
    """The prompt, or standard input.

    Raises:
        ValueError: There is neither.
    """
    if prompt is not None and prompt != "-":
        return prompt
    if prompt is None and sys.stdin.isatty():
        raise ValueError("prompt: give one, or write it to standard input")
    return sys.stdin.read()


def file_part(path: Path) -> dict[str, Any]:
    """A file as a part: text files as text, others as bytes of their type.

    Raises:
        ValueError: It cannot be read, or its type is not known.
    """
    kind = mimetypes.guess_type(path.name)[0]
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"--file {path}: {error.strerror}") from None
    if kind is None or kind.startswith("text/"):
        try:
            return {"text": data.decode()}
        except UnicodeDecodeError:
            raise ValueError(f"--file {path}: neither text nor of a known type") from None
    return {"inline_data": {"mime_type": kind, "data": data}}


def generate(
    prompt: Prompt = None,
    model: Model = "gemini-2.5-flash",
    file: Annotated[
        list[Path] | None, typer.Option("--file", "-f", help="A file to send; repeatable.")
    ] = None,
    system: Annotated[str | None, typer.Option(help="System instruction.")] = None,
    temperature: Annotated[float | None, typer.Option(help="0 to 2.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Most tokens to answer.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the sampling.")] = None,
    stop: Annotated[list[str] | None, typer.Option(help="Text to stop at; repeatable.")] = None,
    schema: Annotated[Path | None, typer.Option(help="JSON Schema file that the answer must fit.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds for everything.")] = 600,
    local: Local = False,
    as_json: AsJson = False,
) -> None:
    """Answer a prompt, as it is written."""
    request: dict[str, Any] = {
        "model": full_name(model),
        "contents": [
            {"role": "user", "parts": [*(file_part(f) for f in file or ()), {"text": prompt_text(prompt)}]}
        ],
        "generation_config": {
            name: value
            for name, value in {
                "temperature": temperature,
                "max_output_tokens": max_tokens,
                "seed": seed,
                "stop_sequences": stop,
            }.items()
            if value is not None
        },
    }
    if system:
        request["system_instruction"] = {"parts": [{"text": system}]}
    if schema:
        try:
            request["generation_config"]["response_json_schema"] = _value(json.loads(schema.read_text()))
        except (OSError, json.JSONDecodeError) as error:
            raise ValueError(f"--schema {schema}: {error}") from None
        request["generation_config"]["response_mime_type"] = "application/json"
    latest: Any = None
    with answering(local), v1beta.GenerativeServiceClient() as client:
        began, first = time.monotonic(), None
        for chunk in client.stream_generate_content(request, timeout=timeout):
            first = first or time.monotonic() - began
            latest = chunk
            if as_json:
                output.print_json(chunk, indent=None)
                continue
            for part in (p for c in chunk.candidates[:1] for p in c.content.parts):
                _show(part)
    if as_json or latest is None:
        return
    output.write("\n")
    usage = latest.usage_metadata
    if latest.prompt_feedback.block_reason:
        output.note("the prompt was blocked; --json shows why")
        raise SystemExit(1)
    if sys.stderr.isatty():
        elapsed = time.monotonic() - began
        output.note(
            f"{usage.prompt_token_count} tokens in, {usage.candidates_token_count} out, first after "
            f"{first or 0:.2f} s, {elapsed:.2f} s in all, {latest.model_version}"
        )


def _value(data: Any) -> Any:
    from google.protobuf import json_format

    from gemwire_proto.google.protobuf import struct_pb2

    return json_format.ParseDict(data, struct_pb2.Value())


def _show(part: Any) -> None:
    if part.text:
        output.write(part.text)
    elif part.HasField("function_call"):
        output.print_json({"function_call": output.as_dict(part.function_call)})


def count_tokens(prompt: Prompt = None, model: Model = "gemini-2.5-flash", as_json: AsJson = False) -> None:
    """Count the tokens of a prompt."""
    with v1beta.GenerativeServiceClient() as client:
        counted = client.count_tokens(
            model=full_name(model), contents=[{"role": "user", "parts": [{"text": prompt_text(prompt)}]}]
        )
    if as_json:
        output.print_json(counted)
    else:
        output.write(f"{counted.total_tokens}\n")


def embed(
    text: Prompt = None,
    model: Model = "gemini-embedding-001",
    dimensions: Annotated[int | None, typer.Option(help="Dimensions of the vector.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the embedding of a text: a number a line, or a JSON array."""
    request: dict[str, Any] = {"model": full_name(model), "content": {"parts": [{"text": prompt_text(text)}]}}
    if dimensions is not None:
        request["output_dimensionality"] = dimensions
    with v1beta.GenerativeServiceClient() as client:
        values = list(client.embed_content(request).embedding.values)
    if as_json:
        output.print_json(values, indent=None)
    else:
        output.write("".join(f"{value}\n" for value in values))
