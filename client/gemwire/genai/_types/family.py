"""The messages that the requests and responses of one API consist of.

The Gemini API and Vertex AI have the same messages with other numbers. What programs build without knowing
the service are messages of the Gemini API; they are translated where a request of Vertex AI holds them, and
everything else is written into the messages of the service at once.
"""

from __future__ import annotations

import functools
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import Message

from gemwire_proto import v1beta
from gemwire_proto.v1beta import views
from gemwire_runtime.counterparts import find_counterpart
from gemwire_runtime.message_init import message_class
from gemwire_runtime.translation import get_counterpart, translate
from gemwire_runtime.upb import descriptor_of
from gemwire_runtime.view_fields import Field
from gemwire_runtime.views import View, fields_of

_V = TypeVar("_V", bound=View)


@dataclass(frozen=True)
class Family:
    """The messages of one API.

    They are typed as those of the Gemini API, whose names of fields are all that is used of them.

    Attributes:
        home: Module and name of this object.
        package: Name of the package of the messages.
        content: Class of contents.
        part: Class of parts.
        request: Class of requests to generate content.
        response: Class of their responses.
        cached_content: Class of cached contents.
        kinds: Message classes by those of their counterparts in the Gemini API.
    """

    home: str
    package: str
    content: type[v1beta.Content]
    part: type[v1beta.Part]
    request: type[v1beta.GenerateContentRequest]
    response: type[v1beta.GenerateContentResponse]
    cached_content: type[v1beta.CachedContent]
    kinds: Mapping[type[Message], type[Message]]

    def __reduce__(self) -> tuple[object, ...]:
        return pkgutil.resolve_name, (self.home,)

    @functools.cached_property
    def request_fields(self) -> Mapping[str, Field]:
        """The fields of requests to generate content."""
        return self.fields(views.GenerateContentRequest)

    @functools.cached_property
    def generation_fields(self) -> Mapping[str, Field]:
        """The fields of ``generation_config`` of these."""
        return self.fields(views.GenerationConfig)

    def view(self, base: type[_V]) -> type[_V]:
        """Return the view of messages of this family."""
        kind = self.kinds.get(base.message_class())
        return base if kind is None else find_counterpart(base, descriptor_of(kind))

    def fields(self, base: type[View]) -> Mapping[str, Field]:
        """Return the fields of the view of messages of this family."""
        return fields_of(self.view(base))

    def own(self, message: object) -> object:
        """Return the message of this family for its counterpart; return any other value as it is."""
        if isinstance(message, Message) and message.DESCRIPTOR.file.package != self.package:
            twin = get_counterpart(descriptor_of(message))
            if twin is not None:
                return translate(message, message_class(twin))
        return message


GEMINI = Family(
    "gemwire.genai._types.family:GEMINI",
    "google.ai.generativelanguage.v1beta",
    v1beta.Content,
    v1beta.Part,
    v1beta.GenerateContentRequest,
    v1beta.GenerateContentResponse,
    v1beta.CachedContent,
    {},
)
