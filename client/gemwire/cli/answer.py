"""An answer as it comes: printed for people, gathered for what is to be done with it."""

from __future__ import annotations

import json
from typing import Any

from gemwire import v1beta
from gemwire.cli import output

#: Ends of an answer that are nothing to speak of.
_GOOD = ("FINISH_REASON_UNSPECIFIED", "STOP")


class Answer:
    """The answer that the chunks of a stream make.

    Attributes:
        content: What the model said, texts put together.
        blocked: Why the prompt was refused; empty if it was not.
        finish: Why the answer ended, such as STOP; empty if nobody said.
        usage: The latest counts of tokens.
        model_version: Which model answered.
    """

    def __init__(self, *, shown: bool) -> None:
        """Nothing has come yet.

        Args:
            shown: Whether to print it.
        """
        self.content = v1beta.Content(role="model")
        self.blocked = ""
        self.finish = ""
        self.usage = v1beta.GenerateContentResponse.UsageMetadata()
        self.model_version = ""
        self._shown = shown
        self._open_line = False

    def add(self, chunk: Any) -> None:
        """Take a chunk, and print what it adds."""
        self.model_version = chunk.model_version or self.model_version
        if chunk.HasField("usage_metadata"):
            self.usage = chunk.usage_metadata
        if chunk.prompt_feedback.block_reason:
            self.blocked = type(chunk.prompt_feedback).BlockReason.Name(chunk.prompt_feedback.block_reason)
        for candidate in chunk.candidates[:1]:
            if candidate.finish_reason:
                self.finish = type(candidate).FinishReason.Name(candidate.finish_reason)
            for part in candidate.content.parts:
                if self._shown:
                    self._show(part)
                self._gather(part)

    def end(self) -> None:
        """End the line that is being printed, if there is one."""
        if self._open_line:
            self._write("\n")

    @property
    def complaint(self) -> str:
        """What is wrong with it, as a sentence; empty if all is well."""
        if self.blocked:
            return f"the prompt was blocked ({self.blocked}) and there is no answer; say it in other words"
        if not self.content.parts:
            return f"there is no answer: {self.finish or 'nothing came'}"
        return ""

    @property
    def remark(self) -> str:
        """What one should know of it, as a sentence; empty if there is nothing."""
        if self.complaint or self.finish in ("", *_GOOD):
            return ""
        more = "; --max-tokens allows for more" if self.finish == "MAX_TOKENS" else ""
        return f"the answer ended early: {self.finish}{more}"

    def _gather(self, part: Any) -> None:
        last = self.content.parts[-1] if self.content.parts else None
        if last is not None and _is_text(last) and _is_text(part):
            last.text += part.text
        else:
            self.content.parts.append(part)

    def _show(self, part: Any) -> None:
        if part.thought:
            return
        if part.text:
            self._write(part.text)
            return
        kind = part.WhichOneof("data")
        if kind == "function_call":
            self._line(call_text(part.function_call))
        elif kind == "executable_code":
            self._line(part.executable_code.code)
        elif kind == "code_execution_result":
            self._line(part.code_execution_result.output)
        elif kind == "inline_data":
            data = part.inline_data
            self.end()
            output.note(f"({data.mime_type}, {len(data.data):,} bytes; --json prints them)")

    def _line(self, text: str) -> None:
        self.end()
        self._write(text if text.endswith("\n") else f"{text}\n")

    def _write(self, text: str) -> None:
        self._open_line = not text.endswith("\n")
        output.write(text)


def _is_text(part: Any) -> bool:
    return [field.name for field, _ in part.ListFields()] == ["text"]


def call_text(call: Any) -> str:
    """A function call as one would write it: ``get_weather(city="Paris", days=3)``."""
    arguments = output.as_dict(call.args) if call.HasField("args") else {}
    return f"{call.name}({', '.join(f'{name}={_literal(v)}' for name, v in arguments.items())})"


def _literal(value: Any) -> str:
    # Numbers of a Struct are floating-point, whole ones included.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, ensure_ascii=False)
