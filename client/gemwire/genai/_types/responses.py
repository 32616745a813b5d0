"""Responses: views of the messages that came, with what programs want of them first."""

from __future__ import annotations

import logging
from typing import Any

from gemwire.genai._convert.response_parsing import parsed
from gemwire.genai._types.content import Content
from gemwire_proto.v1beta import views
from gemwire_runtime.views import Items


class GenerateContentResponse(views.GenerateContentResponse):
    """An answer, or a piece of one.

    Attributes:
        automatic_function_calling_history: Contents of the calls that led to it, the input's first; empty
            where no function was called.
    """

    __slots__ = ("_parsed", "_schema", "automatic_function_calling_history")

    _schema: Any
    automatic_function_calling_history: list[Content]

    @classmethod
    def of(cls, message: Any, schema: Any = None) -> GenerateContentResponse:
        """The view of a message.

        Args:
            message: It; not copied.
            schema: What `parsed` makes of the text.
        """
        made = object.__new__(cls)
        made._pb = message
        made._schema = schema
        made.automatic_function_calling_history = []
        return made

    def __init__(self, **fields: Any) -> None:
        """Make one, for tests and the like."""
        super().__init__(**fields)
        self._schema = None
        self.automatic_function_calling_history = []

    @property
    def parts(self) -> Items[Any] | None:
        """The parts of the first candidate."""
        content = self._content()
        if content is None or not content.parts:
            return None
        return views.Content.of(content).parts

    @property
    def text(self) -> str | None:
        """The text of the first candidate, without thoughts; None where there is none."""
        content = self._content()
        if content is None:
            return None
        parts = content.parts
        if len(parts) == 1:
            part = parts[0]
            if part.WhichOneof("data") == "text" and not part.thought:
                return str(part.text)
        texts, others = [], set()
        for part in parts:
            kind = part.WhichOneof("data")
            if kind == "text":
                if not part.thought:
                    texts.append(part.text)
            elif kind is not None:
                others.add(kind)
        if others:
            _warn_once(
                f"the response has other parts than text, which .text leaves out: {', '.join(sorted(others))}"
            )
        return "".join(texts) if texts else None

    @property
    def function_calls(self) -> list[views.FunctionCall] | None:
        """The functions that the first candidate calls."""
        content = self._content()
        calls = [p.function_call for p in content.parts if p.HasField("function_call")] if content else []
        return [views.FunctionCall.of(call) for call in calls] or None

    @property
    def executable_code(self) -> str | None:
        """The first code that the model wrote."""
        return self._first("executable_code", "code")

    @property
    def code_execution_result(self) -> str | None:
        """What the first code that was run gave."""
        return self._first("code_execution_result", "output")

    @property
    def parsed(self) -> Any:
        """The text as what `response_schema` asked for; None where it is not of that form.

        A pydantic model, an enum's member, or what JSON holds.
        """
        text = self.text
        if self._schema is None or text is None:
            return None
        try:
            return parsed(text, self._schema)
        except ValueError:
            return None

    def _content(self) -> Any:
        candidates = self._pb.candidates
        if not candidates:
            return None
        if len(candidates) > 1:
            _warn_once("the response has several candidates; .text and the like look at the first")
        return candidates[0].content

    def _first(self, field: str, inner: str) -> str | None:
        content = self._content()
        for part in content.parts if content else ():
            if part.HasField(field):
                return getattr(getattr(part, field), inner) or None
        return None


_logger = logging.getLogger("gemwire")
_warned: set[str] = set()


def _warn_once(text: str) -> None:
    if text not in _warned:
        _warned.add(text)
        _logger.warning(text)
