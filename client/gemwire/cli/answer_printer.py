"""The answer of a stream: printed as it arrives, and merged into one content."""

from __future__ import annotations

import json

from google.protobuf.message import Message

from gemwire import v1beta
from gemwire.cli import output, service

#: Finish reasons that need no comment.
_NORMAL = ("FINISH_REASON_UNSPECIFIED", "STOP")


class AnswerPrinter:
    """Answer that the chunks of a stream make up.

    Attributes:
        content: Content of the model, with consecutive texts joined.
        block_reason: Why the prompt was blocked; empty if it was not.
        finish_reason: Why the answer ended, such as STOP; empty if unknown.
        usage: Latest token counts.
        model_version: Model that answered.
    """

    def __init__(self, *, enabled: bool) -> None:
        """Create an empty answer, which is printed if ``enabled``."""
        self.content: v1beta.Content = service.messages().Content(role="model")
        self.block_reason = ""
        self.finish_reason = ""
        self.usage: v1beta.GenerateContentResponse.UsageMetadata = (
            service.messages().GenerateContentResponse.UsageMetadata()
        )
        self.model_version = ""
        self._enabled = enabled
        self._open_line = False

    def add(self, chunk: v1beta.GenerateContentResponse) -> None:
        """Add a chunk and print its content."""
        self.model_version = chunk.model_version or self.model_version
        if chunk.HasField("usage_metadata"):
            self.usage = chunk.usage_metadata
        if chunk.prompt_feedback.block_reason:
            self.block_reason = _name_enum(chunk.prompt_feedback, "block_reason")
        for candidate in chunk.candidates[:1]:
            if candidate.finish_reason:
                self.finish_reason = _name_enum(candidate, "finish_reason")
            for part in candidate.content.parts:
                if self._enabled:
                    self._print(part)
                self._append(part)

    def end(self) -> None:
        """End the current line, if any."""
        if self._open_line:
            self._write("\n")

    @property
    def error(self) -> str:
        """Error message if there is no answer; empty otherwise."""
        if self.block_reason:
            return f"the prompt was blocked ({self.block_reason}); rephrase it"
        if not self.content.parts:
            return f"the answer is empty: {self.finish_reason or 'no content received'}"
        return ""

    @property
    def warning(self) -> str:
        """Warning message if the answer is incomplete; empty otherwise."""
        if self.error or self.finish_reason in ("", *_NORMAL):
            return ""
        remedy = "; raise --max-tokens" if self.finish_reason == "MAX_TOKENS" else ""
        return f"the answer is incomplete: {self.finish_reason}{remedy}"

    def _append(self, part: v1beta.Part) -> None:
        last = self.content.parts[-1] if self.content.parts else None
        if last is not None and _is_text(last) and _is_text(part):
            last.text += part.text
        else:
            self.content.parts.append(part)

    def _print(self, part: v1beta.Part) -> None:
        if part.thought:
            return
        if part.text:
            self._write(part.text)
            return
        kind = part.WhichOneof("data")
        if kind == "function_call":
            self._write_line(format_call(part.function_call))
        elif kind == "executable_code":
            self._write_line(part.executable_code.code)
        elif kind == "code_execution_result":
            self._write_line(part.code_execution_result.output)
        elif kind == "inline_data":
            data = part.inline_data
            self.end()
            output.note(f"({data.mime_type}, {len(data.data):,} bytes; use --json to print them)")

    def _write_line(self, text: str) -> None:
        self.end()
        self._write(text if text.endswith("\n") else f"{text}\n")

    def _write(self, text: str) -> None:
        self._open_line = not text.endswith("\n")
        output.write(text)


def _name_enum(message: Message, field: str) -> str:
    """Return the name of a field's value, by the message's own enum: services number them differently."""
    enum, number = message.DESCRIPTOR.fields_by_name[field].enum_type, getattr(message, field)
    known = enum.values_by_number.get(number) if enum else None
    return known.name if known else str(number)


def _is_text(part: v1beta.Part) -> bool:
    return [field.name for field, _ in part.ListFields()] == ["text"]


def format_call(call: v1beta.FunctionCall) -> str:
    """Format a function call: ``get_weather(city="Paris", days=3)``."""
    arguments = output.to_dict(call.args) if call.HasField("args") else {}
    return f"{call.name}({', '.join(f'{name}={_format_value(v)}' for name, v in arguments.items())})"


def _format_value(value: object) -> str:
    # All numbers of a Struct are floating-point.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, ensure_ascii=False)
