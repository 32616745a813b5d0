"""The configs of calls that deal with resources: models, caches, tunings, files, batches, operations."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from gemwire.genai._types.call_configs import CallConfig, ContentListUnion, ContentUnion
from gemwire_proto.v1beta import views


class ListModelsConfig(CallConfig):
    """Which models are listed.

    Attributes:
        http_options: For this call alone.
        page_size: Of a page.
        page_token: Where to begin.
        filter: Of tuned models: ``owner:me`` and the like.
        query_base: Whether base models are listed (the default), or tuned ones.
    """

    page_size: int | None = None
    page_token: str | None = None
    filter: str | None = None
    query_base: bool | None = None


class UpdateModelConfig(CallConfig):
    """What is changed of a tuned model.

    Attributes:
        http_options: For this call alone.
        display_name: What people call it.
        description: What it is.
        default_checkpoint_id: Of Vertex AI.
    """

    display_name: str | None = None
    description: str | None = None
    default_checkpoint_id: str | None = None


class ListConfig(CallConfig):
    """Which page of a list.

    Attributes:
        http_options: For this call alone.
        page_size: Of a page.
        page_token: Where to begin.
        filter: Of tunings and batches.
    """

    page_size: int | None = None
    page_token: str | None = None
    filter: str | None = None


class CreateCachedContentConfig(CallConfig):
    """What is cached.

    Attributes:
        http_options: For this call alone.
        ttl: How long: ``"3600s"``.
        expire_time: Until when; instead of ``ttl``.
        display_name: What people call it.
        contents: What is cached.
        system_instruction: What the model is told beside the contents.
        tools: Tools that the model may use.
        tool_config: How it may use them.
        kms_key_name: Of Vertex AI.
    """

    ttl: str | None = None
    expire_time: datetime.datetime | None = None
    display_name: str | None = None
    contents: ContentListUnion | None = None
    system_instruction: ContentUnion | None = None
    tools: Sequence[views.Tool | Callable[..., Any] | Mapping[str, Any]] | None = None
    tool_config: views.ToolConfig | Mapping[str, Any] | None = None
    kms_key_name: str | None = None


class UpdateCachedContentConfig(CallConfig):
    """What is changed of a cache.

    Attributes:
        http_options: For this call alone.
        ttl: How long from now: ``"3600s"``.
        expire_time: Until when; instead of ``ttl``.
    """

    ttl: str | None = None
    expire_time: datetime.datetime | None = None


class UploadFileConfig(CallConfig):
    """What is said of a file that is uploaded.

    Attributes:
        http_options: For this call alone.
        name: Its name, ``files/…``; the service makes one otherwise.
        mime_type: What it is. Default: what its path says.
        display_name: What people call it.
    """

    name: str | None = None
    mime_type: str | None = None
    display_name: str | None = None


class CreateTuningJobConfig(CallConfig):
    """How a model is tuned.

    Attributes:
        http_options: For this call alone.
        tuned_model_display_name: What people call it.
        description: What it is.
        epoch_count: How often the examples are gone through.
        learning_rate: How fast.
        learning_rate_multiplier: Against what the service would choose.
        batch_size: Examples at a time.
        validation_dataset: Of Vertex AI.
        adapter_size: Of Vertex AI.
    """

    tuned_model_display_name: str | None = None
    description: str | None = None
    epoch_count: int | None = None
    learning_rate: float | None = None
    learning_rate_multiplier: float | None = None
    batch_size: int | None = None
    validation_dataset: Any | None = None
    adapter_size: Any | None = None


class CreateBatchJobConfig(CallConfig):
    """How a batch is run.

    Attributes:
        http_options: For this call alone.
        display_name: What people call it.
        dest: Of Vertex AI.
    """

    display_name: str | None = None
    dest: Any | None = None


class CreateEmbeddingsBatchJobConfig(CallConfig):
    """How a batch of embeddings is run.

    Attributes:
        http_options: For this call alone.
        display_name: What people call it.
    """

    display_name: str | None = None


# google-genai has a class for each call; these are all the same.
GetModelConfig: TypeAlias = CallConfig
DeleteModelConfig: TypeAlias = CallConfig
GetCachedContentConfig: TypeAlias = CallConfig
DeleteCachedContentConfig: TypeAlias = CallConfig
GetFileConfig: TypeAlias = CallConfig
DeleteFileConfig: TypeAlias = CallConfig
DownloadFileConfig: TypeAlias = CallConfig
GetTuningJobConfig: TypeAlias = CallConfig
GetBatchJobConfig: TypeAlias = CallConfig
CancelBatchJobConfig: TypeAlias = CallConfig
DeleteBatchJobConfig: TypeAlias = CallConfig
GetOperationConfig: TypeAlias = CallConfig
ListCachedContentsConfig: TypeAlias = ListConfig
ListFilesConfig: TypeAlias = ListConfig
ListTuningJobsConfig: TypeAlias = ListConfig
ListBatchJobsConfig: TypeAlias = ListConfig
