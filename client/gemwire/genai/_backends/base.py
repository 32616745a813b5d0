"""Backends: the service that the resources of a client call.

A backend is pure: its methods check and convert arguments and return a `Call`, which the resource makes.
Each resource is one module of the backend, with a class whose methods have the names of the resource's. What
a service does not have is refused there, by a ValueError that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeAlias, TypeVar

from google.protobuf.message import Message

from gemwire.genai._convert.request_bytes import RequestDraft
from gemwire.genai._types.family import Family
from gemwire.genai._types.generate_content import GenerateContentResponse
from gemwire.genai._types.http_options import HttpResponse
from gemwire_proto import v1beta
from gemwire_runtime.method import AnyMethod, Method, Service

if TYPE_CHECKING:
    from gemwire.genai._backends.gemini.batches import GeminiBatches
    from gemwire.genai._backends.gemini.caches import GeminiCaches
    from gemwire.genai._backends.gemini.documents import GeminiDocuments
    from gemwire.genai._backends.gemini.file_search_stores import GeminiFileSearchStores
    from gemwire.genai._backends.gemini.files import GeminiFiles
    from gemwire.genai._backends.gemini.live import GeminiLive
    from gemwire.genai._backends.gemini.media import GeminiMedia
    from gemwire.genai._backends.gemini.models import GeminiModels
    from gemwire.genai._backends.gemini.tokens import GeminiTokens
    from gemwire.genai._backends.gemini.tunings import GeminiTunings
    from gemwire.genai._backends.vertex.batches import VertexBatches
    from gemwire.genai._backends.vertex.caches import VertexCaches
    from gemwire.genai._backends.vertex.live import VertexLive
    from gemwire.genai._backends.vertex.media import VertexMedia
    from gemwire.genai._backends.vertex.models import VertexModels
    from gemwire.genai._backends.vertex.refusals import Refused
    from gemwire.genai._backends.vertex.tunings import VertexTunings

_Request = TypeVar("_Request")
_Response = TypeVar("_Response", bound=Message)
_Result = TypeVar("_Result")

#: A request to generate content: a message, or the bytes of one that is prepared.
GenerateRequest: TypeAlias = v1beta.GenerateContentRequest | RequestDraft
#: The RPC that generates content, and its request.
GenerateCall: TypeAlias = tuple[Method[Any, v1beta.GenerateContentResponse], Any]


@dataclass(slots=True)
class Call(Generic[_Result]):
    """One call of an RPC.

    Attributes:
        method: The RPC.
        request: Its request: a message, or the bytes of one.
        read: Converts the response to the result of the resource's method.
    """

    method: AnyMethod
    request: Message
    read: Callable[[Any], _Result]


def as_message(response: _Response) -> _Response:
    """Return the response, for calls whose result is the message itself."""
    return response


#: Several calls, each made from the results of those before: a generator that yields a `Call`, is sent its
#: result, or has its error raised inside, and returns the result of all. It may yield a list of calls, which
#: are made side by side, and is sent a list of their results.
AnyCall: TypeAlias = Call[Any]
Flow: TypeAlias = Generator[AnyCall | list[AnyCall], Any, _Result]


@dataclass
class Page(Generic[_Result]):
    """One page of a list.

    Attributes:
        name: What is listed, such as ``models``.
        items: Its items.
        next_page_token: Token of the next page; empty at the end.
        sdk_http_response: Headers of the response that it came in.
    """

    name: str
    items: list[_Result]
    next_page_token: str
    sdk_http_response: HttpResponse | None = None


class VertexTarget(NamedTuple):
    """Where Vertex AI is called.

    Attributes:
        project: Id or number of the project; empty in express mode, where the API key tells it.
        location: Region such as ``us-central1``, ``us``, ``eu`` or ``global``; empty in express mode.
    """

    project: str
    location: str

    @property
    def is_express(self) -> bool:
        """Whether an API key stands for the project."""
        return not self.project


@dataclass(frozen=True)
class Backend:
    """A service, and for each resource its calls.

    Attributes:
        vertexai: Whether the service is Vertex AI.
        family: Its messages.
        response: The view of responses.
        service: The service whose host and scopes a client uses unless it is given others.
        base_url_variable: Environment variable of the address.
        versions: Versions of the API that ``http_options.api_version`` may name.
        models: Calls of ``client.models``, ``client.chats`` and ``client.prepare``.
        media: Calls of ``client.models`` for images and videos, and of ``client.operations``.
        caches: Calls of ``client.caches``.
        files: Calls of ``client.files``.
        file_search_stores: Calls of ``client.file_search_stores``.
        tokens: Calls of ``client.auth_tokens``.
        documents: Calls of ``client.file_search_stores.documents``.
        tunings: Calls of ``client.tunings``.
        batches: Calls of ``client.batches``.
        live: The RPC and the messages of ``client.live``.
    """

    vertexai: bool
    family: Family
    response: type[GenerateContentResponse]
    service: Service
    base_url_variable: str
    versions: tuple[str, ...]
    models: GeminiModels | VertexModels
    media: GeminiMedia | VertexMedia
    caches: GeminiCaches | VertexCaches
    files: GeminiFiles | Refused
    file_search_stores: GeminiFileSearchStores | Refused
    documents: GeminiDocuments | Refused
    tokens: GeminiTokens | Refused
    tunings: GeminiTunings | VertexTunings
    batches: GeminiBatches | VertexBatches
    live: GeminiLive | VertexLive
