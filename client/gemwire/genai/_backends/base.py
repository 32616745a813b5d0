"""Interface of a backend, the service that the resources of a client call.

A backend is pure: its methods check and convert arguments and return a `Call`, which the resource makes.
Each resource is one module of the backend, with a class whose methods have the names of the resource's. What
a service does not have is refused there, by a ValueError that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from google.protobuf.message import Message

from gemwire.genai._convert.function_calls import Functions
from gemwire.genai._convert.prompt import Prompt
from gemwire.genai._convert.request_bytes import RequestDraft
from gemwire.genai._types.batches import (
    BatchJob,
    CreateBatchJobConfig,
    CreateEmbeddingsBatchJobConfig,
    DeleteResourceJob,
    ListBatchJobsConfig,
)
from gemwire.genai._types.caches import (
    CreateCachedContentConfig,
    ListCachedContentsConfig,
    UpdateCachedContentConfig,
)
from gemwire.genai._types.content import ContentListUnion
from gemwire.genai._types.embed_content import EmbedContentConfig, EmbedContentResponse
from gemwire.genai._types.files import File, ListFilesConfig, UploadFileConfig
from gemwire.genai._types.generate_content import CountTokensConfig, GenerateContentConfig
from gemwire.genai._types.images import GenerateImagesConfig, GenerateImagesResponse
from gemwire.genai._types.live import LiveConnectConfig
from gemwire.genai._types.models import ListModelsConfig, Model, TunedModel, UpdateModelConfig
from gemwire.genai._types.tunings import CreateTuningJobConfig, ListTuningJobsConfig, TuningJob
from gemwire.genai._types.videos import (
    GenerateVideosConfig,
    GenerateVideosOperation,
    GenerateVideosSource,
    Operation,
    Video,
)
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views
from gemwire_runtime.method import AnyMethod, Method, Service

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
#: result, or has its error raised inside, and returns the result of all.
Flow: TypeAlias = Generator[Call[Any], Any, _Result]


@dataclass(frozen=True)
class Page(Generic[_Result]):
    """One page of a list.

    Attributes:
        name: What is listed, such as ``models``.
        items: Its items.
        next_page_token: Token of the next page; empty at the end.
    """

    name: str
    items: list[_Result]
    next_page_token: str


class ModelsBackend(Protocol):
    """Calls of ``client.models``, ``client.chats`` and ``client.prepare``.

    `to_head` builds a request without contents, `to_prompt` what prepared requests begin with.
    """

    def to_name(self, model: str) -> str: ...
    def to_request(
        self, model: str, contents: ContentListUnion, config: GenerateContentConfig
    ) -> v1beta.GenerateContentRequest: ...
    def to_head(self, model: str, config: GenerateContentConfig) -> v1beta.GenerateContentRequest: ...
    def to_prompt(
        self,
        model: str,
        contents: ContentListUnion | None,
        config: GenerateContentConfig,
        functions: Functions,
    ) -> Prompt: ...
    def generate_content(self, request: GenerateRequest) -> GenerateCall: ...
    def generate_content_stream(self, request: GenerateRequest) -> GenerateCall: ...
    def count_tokens(
        self, model: str, contents: ContentListUnion, config: CountTokensConfig
    ) -> Call[views.CountTokensResponse]: ...
    def count_prepared(self, request: RequestDraft) -> Call[views.CountTokensResponse]: ...
    def compute_tokens(self, **arguments: object) -> Call[object]: ...
    def embed_content(
        self, model: str, contents: ContentListUnion, config: EmbedContentConfig
    ) -> Call[EmbedContentResponse]: ...
    def get(self, model: str) -> Call[Model | TunedModel]: ...
    def list(self, config: ListModelsConfig, page_token: str) -> Call[Page[Model | TunedModel]]: ...
    def update(self, model: str, config: UpdateModelConfig) -> Call[TunedModel]: ...
    def delete(self, model: str) -> Call[None]: ...


class MediaBackend(Protocol):
    """Calls of ``client.models`` that generate images and videos, and of ``client.operations``."""

    def generate_images(
        self, model: str, prompt: str, config: GenerateImagesConfig
    ) -> Call[GenerateImagesResponse]: ...
    def edit_image(self, **arguments: object) -> Call[object]: ...
    def upscale_image(self, **arguments: object) -> Call[object]: ...
    def generate_videos(
        self, model: str, source: GenerateVideosSource, config: GenerateVideosConfig
    ) -> Call[GenerateVideosOperation]: ...
    def get_operation(self, operation: Operation) -> Call[GenerateVideosOperation]: ...


class CachesBackend(Protocol):
    """Calls of ``client.caches``."""

    def create(self, model: str, config: CreateCachedContentConfig) -> Call[views.CachedContent]: ...
    def get(self, name: str) -> Call[views.CachedContent]: ...
    def list(self, config: ListCachedContentsConfig, page_token: str) -> Call[Page[views.CachedContent]]: ...
    def update(self, name: str, config: UpdateCachedContentConfig) -> Call[views.CachedContent]: ...
    def delete(self, name: str) -> Call[None]: ...


class FilesBackend(Protocol):
    """Calls of ``client.files``.

    `to_upload` returns the fields of the file; `to_download` its name, and the video that keeps its bytes.
    """

    def to_upload(self, config: UploadFileConfig) -> dict[str, str]: ...
    def to_download(self, file: object) -> tuple[str, Video | None]: ...
    def get(self, name: str) -> Call[File]: ...
    def list(self, config: ListFilesConfig, page_token: str) -> Call[Page[File]]: ...
    def delete(self, name: str) -> Call[None]: ...


class TuningsBackend(Protocol):
    """Calls of ``client.tunings``."""

    def tune(
        self, base_model: str, training_dataset: object, config: CreateTuningJobConfig
    ) -> Flow[TuningJob]: ...
    def get(self, name: str) -> Flow[TuningJob]: ...
    def list(self, config: ListTuningJobsConfig, page_token: str) -> Call[Page[TuningJob]]: ...


class BatchesBackend(Protocol):
    """Calls of ``client.batches``."""

    def create(self, model: str, src: object, config: CreateBatchJobConfig) -> Call[BatchJob]: ...
    def create_embeddings(
        self, model: str, src: object, config: CreateEmbeddingsBatchJobConfig
    ) -> Call[BatchJob]: ...
    def get(self, name: str) -> Call[BatchJob]: ...
    def list(self, config: ListBatchJobsConfig, page_token: str) -> Call[Page[BatchJob]]: ...
    def cancel(self, name: str) -> Call[None]: ...
    def delete(self, name: str) -> Call[DeleteResourceJob]: ...


class LiveBackend(Protocol):
    """The RPC and the messages of ``client.live``."""

    METHOD: Method[v1beta.BidiGenerateContentClientMessage, v1beta.BidiGenerateContentServerMessage]

    def to_setup(self, model: str, config: LiveConnectConfig) -> v1beta.BidiGenerateContentClientMessage: ...
    def to_client_content(
        self, turns: ContentListUnion | None, turn_complete: bool
    ) -> v1beta.BidiGenerateContentClientMessage: ...
    def to_realtime_input(self, arguments: dict[str, object]) -> v1beta.BidiGenerateContentClientMessage: ...
    def to_tool_response(self, function_responses: object) -> v1beta.BidiGenerateContentClientMessage: ...


@dataclass(frozen=True)
class Backend:
    """A service, and for each resource its calls.

    Attributes:
        vertexai: Whether the service is Vertex AI.
        service: The service whose host and scopes a client uses unless it is given others.
        base_url_variable: Environment variable of the address.
        models: Calls of ``client.models``, ``client.chats`` and ``client.prepare``.
        media: Calls of ``client.models`` for images and videos, and of ``client.operations``.
        caches: Calls of ``client.caches``.
        files: Calls of ``client.files``.
        tunings: Calls of ``client.tunings``.
        batches: Calls of ``client.batches``.
        live: The RPC and the messages of ``client.live``.
    """

    vertexai: bool
    service: Service
    base_url_variable: str
    models: ModelsBackend
    media: MediaBackend
    caches: CachesBackend
    files: FilesBackend
    tunings: TuningsBackend
    batches: BatchesBackend
    live: LiveBackend
