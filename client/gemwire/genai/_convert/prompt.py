"""Prepared prompts: what many requests begin with, converted and serialised once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from gemwire.genai._convert import function_calls
from gemwire.genai._convert.request_bytes import Draft
from gemwire.genai._convert.requests import head
from gemwire.genai._types.call_configs import GenerateContentConfig
from gemwire.genai._types.config import Config
from gemwire.genai._types.content import to_contents
from gemwire_proto import v1beta
from gemwire_runtime.views import View


@dataclass(frozen=True)
class Prompt:
    """What many requests begin with.

    Attributes:
        model: Name of the model.
        config: How it answers; a copy that nobody else has.
        functions: What the model may call, by name.
        head: The request without its contents, serialised.
        contents: A request with nothing but the contents that come first, serialised.
    """

    model: str
    config: GenerateContentConfig
    functions: function_calls.Functions
    head: bytes
    contents: bytes

    @classmethod
    def of(
        cls, model: str, contents: Any, config: GenerateContentConfig, functions: function_calls.Functions
    ) -> Prompt:
        """Convert everything.

        Args:
            model: Name of the model.
            contents: See `to_contents`; None for none.
            config: How it answers.
            functions: What it may call.

        Raises:
            ValueError: A value is none that can be sent.
            TypeError: A value is of a wrong type.
        """
        first = v1beta.GenerateContentRequest(contents=[] if contents is None else to_contents(contents))
        config = settled(config)
        function_calls.settings(config)
        made = head(model, config)
        return cls(made.model, config, functions, made.SerializeToString(), first.SerializeToString())

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.head) + len(self.contents)

    def draft(self, contents: Any, config: GenerateContentConfig | None = None) -> Draft:
        """A request.

        Args:
            contents: What comes last; None for nothing more.
            config: What `but` gave, instead of the prompt's own.

        Raises:
            ValueError: A value is none that can be sent.
            TypeError: A value is of a wrong type.
        """
        more = [] if contents is None and self.contents else to_contents(contents)
        begin = self.head if config is None else head(self.model, config).SerializeToString()
        return Draft(self.model, (begin, self.contents), v1beta.GenerateContentRequest(contents=more))

    def but(self, config: GenerateContentConfig) -> GenerateContentConfig:
        """The prompt's config, with the fields that are set in another."""
        return self.config.model_copy(update=dict(config.given()))


def settled(value: Any) -> Any:
    """A value that nobody can change from outside: messages and collections are copied, functions kept."""
    if isinstance(value, Config):
        return type(value)(**{name: settled(item) for name, item in value.given()})
    if isinstance(value, View):
        return value.model_copy()
    if isinstance(value, Message):
        copy = type(value)()
        copy.CopyFrom(value)
        return copy
    if type(value) in (list, tuple):
        return type(value)(map(settled, value))
    if isinstance(value, Mapping):
        return {name: settled(item) for name, item in value.items()}
    return value
