"""Prepared prompts: the beginning of many requests, converted and serialised once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar, cast

from google.protobuf.message import Message

from gemwire.genai._convert import function_calls
from gemwire.genai._convert.contents import to_contents
from gemwire.genai._convert.request_bytes import RequestDraft
from gemwire.genai._convert.requests import to_request_head
from gemwire.genai._types.config import Config
from gemwire.genai._types.content import ContentListUnion
from gemwire.genai._types.family import Family
from gemwire.genai._types.generate_content import GenerateContentConfig
from gemwire_runtime import json_only
from gemwire_runtime.views import View

_T = TypeVar("_T")


@dataclass(frozen=True)
class Prompt:
    """The beginning of many requests.

    Attributes:
        model: Full name of the model.
        family: The family of the messages.
        config: Config of the requests; a deep copy.
        functions: Functions for automatic calls, by name.
        head: Request without contents, serialised.
        contents: Request with only the contents that come first, serialised.
        suspect: Whether these may hold JSON-only fields; see `json_only.suspect`.
    """

    model: str
    family: Family
    config: GenerateContentConfig
    functions: function_calls.Functions
    head: bytes
    contents: bytes
    suspect: bool

    @classmethod
    def build(
        cls,
        model: str,
        contents: ContentListUnion | None,
        config: GenerateContentConfig,
        functions: function_calls.Functions,
        family: Family,
    ) -> Prompt:
        """Convert and serialise the beginning of requests.

        Args:
            model: Full name of the model.
            contents: Contents that come first, see `to_contents`; None for none.
            config: Config of the requests.
            functions: Functions for automatic calls, by name.
            family: The family of the messages.
        """
        first = family.request(contents=[] if contents is None else to_contents(contents, "contents", family))
        config = _copy(config)
        function_calls.to_settings(config)
        head = to_request_head(model, config, family)
        pieces = head.SerializeToString(), first.SerializeToString()
        return cls(model, family, config, functions, *pieces, any(map(json_only.suspect, pieces)))

    def with_config(self, config: GenerateContentConfig, functions: function_calls.Functions) -> Prompt:
        """Return the same prompt with another config."""
        head = to_request_head(self.model, config).SerializeToString()
        suspect = self.suspect or json_only.suspect(head)
        return replace(self, config=config, functions=functions, head=head, suspect=suspect)

    @property
    def size(self) -> int:
        """The size in bytes."""
        return len(self.head) + len(self.contents)

    def draft(
        self, contents: ContentListUnion | None, config: GenerateContentConfig | None = None
    ) -> RequestDraft:
        """Build a request that begins with the prompt.

        Args:
            contents: Contents that come last; None for none.
            config: Config of this request, from `merge_config`. Default: that of the prompt.
        """
        family = self.family
        last = [] if contents is None and self.contents else to_contents(contents, "contents", family)
        head, suspect = self.head, self.suspect
        if config is not None:
            head = to_request_head(self.model, config, family).SerializeToString()
            suspect = suspect or json_only.suspect(head)
        last_contents = family.request(contents=last)
        return RequestDraft(self.model, (head, self.contents), last_contents, suspect)

    def merge_config(self, config: GenerateContentConfig) -> GenerateContentConfig:
        """Return the prompt's config, overridden by the fields that are set in another."""
        return self.config.model_copy(update=dict(config.given()))


def _copy(value: _T) -> _T:
    """Copy configs, messages and collections, at every depth; functions and types are kept."""
    if isinstance(value, Config):
        return value.model_copy(update={name: _copy(item) for name, item in value.given()})
    if isinstance(value, View):
        return value.model_copy()
    if isinstance(value, Message):
        message = type(value)()
        message.CopyFrom(value)
        return message
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return cast("_T", type(value)(map(_copy, value)))
    if isinstance(value, Mapping):
        return cast("_T", {name: _copy(item) for name, item in value.items()})
    return value
