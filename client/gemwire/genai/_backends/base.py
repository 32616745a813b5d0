"""Interface of a backend, the service that the resources of a client call.

A backend is pure: its methods check and convert arguments and return a `Call`, which the resource makes.
Each resource is one module of the backend, with a class whose methods have the names of the resource's. What
a service does not have is refused there, by a ValueError that says so.
"""

# pyright: reportReturnType=false
# The bodies of protocols' methods are their docstrings.
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
from gemwire_runtime.method import Method, Service

_Request = TypeVar("_Request")
_Response = TypeVar("_Response", bound=Message)
_Result = TypeVar("_Result")

#: A request to generate content: a message, or the bytes of one that is prepared.
GenerateRequest: TypeAlias = v1beta.GenerateContentRequest | RequestDraft
#: The RPC that generates content, and its request.
GenerateCall: TypeAlias = tuple[Method[Any, v1beta.GenerateContentResponse], Any]


class Call(Generic[_Result]):
    """One call of an RPC.

    Attributes:
        method: The RPC.
        request: Its request: a message, or the bytes of one.
        read: Converts the response to the result of the resource's method.
    """

    __slots__ = ("method", "read", "request")

    def __init__(
        self,
        method: Method[Any, _Response],
        request: object,
        read: Callable[[_Response], _Result],
    ) -> None:
        self.method: Method[Any, Any] = method
        self.request: Any = request
        self.read: Callable[[Any], _Result] = read


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
    """Calls of ``client.models``, ``client.chats`` and ``client.prepare``."""

    def to_name(self, model: str) -> str:
        """Return the full name of a model."""

    def to_request(
        self, model: str, contents: ContentListUnion, config: GenerateContentConfig
    ) -> v1beta.GenerateContentRequest:
        """Build a request to generate content."""

    def to_head(self, model: str, config: GenerateContentConfig) -> v1beta.GenerateContentRequest:
        """Build a request without contents."""

    def to_prompt(
        self,
        model: str,
        contents: ContentListUnion | None,
        config: GenerateContentConfig,
        functions: Functions,
    ) -> Prompt:
        """Convert and serialize what requests begin with."""

    def generate_content(self, request: GenerateRequest) -> GenerateCall:
        """Generate content."""

    def generate_content_stream(self, request: GenerateRequest) -> GenerateCall:
        """Generate content as a stream."""

    def count_tokens(
        self, model: str, contents: ContentListUnion, config: CountTokensConfig
    ) -> Call[views.CountTokensResponse]:
        """Count the tokens of contents."""

    def count_prepared(self, request: RequestDraft) -> Call[views.CountTokensResponse]:
        """Count the tokens of a prepared request."""

    def compute_tokens(self, **arguments: object) -> Call[object]:
        """Return the ids of the tokens of contents."""

    def embed_content(
        self, model: str, contents: ContentListUnion, config: EmbedContentConfig
    ) -> Call[EmbedContentResponse]:
        """Compute embeddings."""

    def get(self, model: str) -> Call[Model | TunedModel]:
        """Get a model."""

    def list(self, config: ListModelsConfig, page_token: str) -> Call[Page[Model | TunedModel]]:
        """List a page of models."""

    def update(self, model: str, config: UpdateModelConfig) -> Call[TunedModel]:
        """Update a tuned model."""

    def delete(self, model: str) -> Call[None]:
        """Delete a tuned model."""


class MediaBackend(Protocol):
    """Calls of ``client.models`` that generate images and videos, and of ``client.operations``."""

    def generate_images(
        self, model: str, prompt: str, config: GenerateImagesConfig
    ) -> Call[GenerateImagesResponse]:
        """Generate images."""

    def edit_image(self, **arguments: object) -> Call[object]:
        """Edit an image."""

    def upscale_image(self, **arguments: object) -> Call[object]:
        """Upscale an image."""

    def generate_videos(
        self, model: str, source: GenerateVideosSource, config: GenerateVideosConfig
    ) -> Call[GenerateVideosOperation]:
        """Start to generate videos."""

    def get_operation(self, operation: Operation) -> Call[GenerateVideosOperation]:
        """Get the state of an operation."""


class CachesBackend(Protocol):
    """Calls of ``client.caches``."""

    def create(self, model: str, config: CreateCachedContentConfig) -> Call[views.CachedContent]:
        """Create a cache."""

    def get(self, name: str) -> Call[views.CachedContent]:
        """Get a cache."""

    def list(self, config: ListCachedContentsConfig, page_token: str) -> Call[Page[views.CachedContent]]:
        """List a page of caches."""

    def update(self, name: str, config: UpdateCachedContentConfig) -> Call[views.CachedContent]:
        """Update the expiration of a cache."""

    def delete(self, name: str) -> Call[None]:
        """Delete a cache."""


class FilesBackend(Protocol):
    """Calls of ``client.files``."""

    def to_upload(self, config: UploadFileConfig) -> dict[str, str]:
        """Build the fields of the file to upload."""

    def to_download(self, file: object) -> tuple[str, Video | None]:
        """Return the name of the file to download, and the video that keeps its bytes."""

    def get(self, name: str) -> Call[File]:
        """Get the metadata of a file."""

    def list(self, config: ListFilesConfig, page_token: str) -> Call[Page[File]]:
        """List a page of files."""

    def delete(self, name: str) -> Call[None]:
        """Delete a file."""


class TuningsBackend(Protocol):
    """Calls of ``client.tunings``."""

    def tune(
        self, base_model: str, training_dataset: object, config: CreateTuningJobConfig
    ) -> Flow[TuningJob]:
        """Start a tuning job."""

    def get(self, name: str) -> Flow[TuningJob]:
        """Get a tuning job with its progress."""

    def list(self, config: ListTuningJobsConfig, page_token: str) -> Call[Page[TuningJob]]:
        """List a page of tuning jobs."""


class BatchesBackend(Protocol):
    """Calls of ``client.batches``."""

    def create(self, model: str, src: object, config: CreateBatchJobConfig) -> Call[BatchJob]:
        """Start a batch job."""

    def create_embeddings(
        self, model: str, src: object, config: CreateEmbeddingsBatchJobConfig
    ) -> Call[BatchJob]:
        """Start a batch job of embeddings."""

    def get(self, name: str) -> Call[BatchJob]:
        """Get a batch job."""

    def list(self, config: ListBatchJobsConfig, page_token: str) -> Call[Page[BatchJob]]:
        """List a page of batch jobs."""

    def cancel(self, name: str) -> Call[None]:
        """Cancel a batch job."""

    def delete(self, name: str) -> Call[DeleteResourceJob]:
        """Delete a batch job."""


class LiveBackend(Protocol):
    """The RPC and the messages of ``client.live``."""

    METHOD: Method[v1beta.BidiGenerateContentClientMessage, v1beta.BidiGenerateContentServerMessage]

    def to_setup(self, model: str, config: LiveConnectConfig) -> v1beta.BidiGenerateContentClientMessage:
        """Build the first message of a session."""

    def to_client_content(
        self, turns: ContentListUnion | None, turn_complete: bool
    ) -> v1beta.BidiGenerateContentClientMessage:
        """Build a message of turns."""

    def to_realtime_input(self, arguments: dict[str, object]) -> v1beta.BidiGenerateContentClientMessage:
        """Build a message of streamed input."""

    def to_tool_response(self, function_responses: object) -> v1beta.BidiGenerateContentClientMessage:
        """Build a message of function responses."""


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
