"""``client.models``: models, and the content that they generate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemwire.genai._aio.function_calling import generate_content, generate_content_stream
from gemwire.genai._aio.function_executor import expand_sessions
from gemwire.genai._aio.media import AsyncMedia
from gemwire.genai._aio.pager import AsyncPager
from gemwire.genai._aio.response_stream import AsyncResponseStream
from gemwire.genai._convert.function_calls import find_functions
from gemwire.genai._types.compute_tokens import ComputeTokensConfig, ComputeTokensResponse
from gemwire.genai._types.content import ContentListUnion
from gemwire.genai._types.embed_content import EmbedContentConfig, EmbedContentResponse
from gemwire.genai._types.generate_content import (
    CountTokensConfig,
    GenerateContentConfig,
    GenerateContentResponse,
)
from gemwire.genai._types.models import (
    DeleteModelConfig,
    DeleteModelResponse,
    GetModelConfig,
    ListModelsConfig,
    Model,
    TunedModel,
    UpdateModelConfig,
)
from gemwire_proto.v1beta import views

if TYPE_CHECKING:
    from gemwire.genai._types.dicts import (
        ComputeTokensConfigOrDict,
        CountTokensConfigOrDict,
        DeleteModelConfigOrDict,
        EmbedContentConfigOrDict,
        GenerateContentConfigOrDict,
        GetModelConfigOrDict,
        ListModelsConfigOrDict,
        UpdateModelConfigOrDict,
    )


class AsyncModels(AsyncMedia):
    """Models, and the content that they generate."""

    async def generate_content(
        self,
        *,
        model: str,
        contents: ContentListUnion,
        config: GenerateContentConfigOrDict | None = None,
    ) -> GenerateContentResponse:
        """Generate content.

        Python functions in ``config.tools`` are called automatically, until the model calls none; so are the
        tools of MCP sessions, which are async.

        Args:
            model: Name of the model, with or without ``models/``.
            contents: The prompt: text, parts, contents, files, images or a list of them.
            config: `GenerateContentConfig`, or a dict of its fields.

        Raises:
            ValueError: An argument is invalid.
            TypeError: An argument is of a wrong type.
            UnsupportedFunctionError: A function is async and the client is not.
            APIError: The call failed.
        """
        config = await expand_sessions(GenerateContentConfig.of(config))
        request = self._api.backend.models.to_request(model, contents, config)
        return await generate_content(self._api, request, config, find_functions(config))

    async def generate_content_stream(
        self,
        *,
        model: str,
        contents: ContentListUnion,
        config: GenerateContentConfigOrDict | None = None,
    ) -> AsyncResponseStream:
        """Generate content as a stream of responses.

        Args:
            model: Name of the model, with or without ``models/``.
            contents: See `generate_content`.
            config: See `generate_content`.

        Raises:
            ValueError: An argument is invalid.
            TypeError: An argument is of a wrong type.
            UnsupportedFunctionError: A function is async and the client is not.
            APIError: The call failed; reading the stream raises it as well.
        """
        config = await expand_sessions(GenerateContentConfig.of(config))
        request = self._api.backend.models.to_request(model, contents, config)
        return await generate_content_stream(self._api, request, config, find_functions(config))

    async def count_tokens(
        self,
        *,
        model: str,
        contents: ContentListUnion,
        config: CountTokensConfigOrDict | None = None,
    ) -> views.CountTokensResponse:
        """Count the tokens of contents.

        Args:
            model: Name of the model, whose tokenizer counts.
            contents: See `generate_content`.
            config: `CountTokensConfig`, or a dict of its fields.

        Raises:
            ValueError: An argument is invalid.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        config = CountTokensConfig.of(config)
        call = self._api.backend.models.count_tokens(model, contents, config)
        return await self._api.call(call, config.http_options)

    async def compute_tokens(
        self,
        *,
        model: str,
        contents: ContentListUnion,
        config: ComputeTokensConfigOrDict | None = None,
    ) -> ComputeTokensResponse:
        """Return the ids of the tokens of contents. Vertex AI only; `count_tokens` counts them.

        Args:
            model: Name of the model, whose tokenizer is used.
            contents: See `generate_content`.
            config: `ComputeTokensConfig`, or a dict of its fields.

        Raises:
            ValueError: The client calls the Gemini API, or an argument is invalid.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        call = self._api.backend.models.compute_tokens(model, contents)
        return await self._api.call(call, ComputeTokensConfig.of(config).http_options)

    async def embed_content(
        self,
        *,
        model: str,
        contents: ContentListUnion,
        config: EmbedContentConfigOrDict | None = None,
    ) -> EmbedContentResponse:
        """Compute embeddings of contents.

        Args:
            model: Name of an embedding model, such as ``gemini-embedding-001``.
            contents: The contents to embed; a list gets one embedding for each of its items.
            config: `EmbedContentConfig`, or a dict of its fields.

        Raises:
            ValueError: An argument is invalid.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        config = EmbedContentConfig.of(config)
        flow = self._api.backend.models.embed_content(model, contents, config)
        return await self._api.run(flow, config.http_options)

    async def get(self, *, model: str, config: GetModelConfigOrDict | None = None) -> Model | TunedModel:
        """Get a model.

        Args:
            model: Name of the model, with or without ``models/``; ``tunedModels/…`` for a tuned one.
            config: `GetModelConfig`, or a dict of its fields.

        Returns:
            A `Model` or, for a name that begins with ``tunedModels/``, a `TunedModel`.

        Raises:
            ValueError: The name is invalid.
            APIError: The call failed.
        """
        call = self._api.backend.models.get(model)
        return await self._api.call(call, GetModelConfig.of(config).http_options)

    async def list(self, *, config: ListModelsConfigOrDict | None = None) -> AsyncPager[Model | TunedModel]:
        """List base models or, with ``query_base=False``, tuned models.

        Args:
            config: `ListModelsConfig`, or a dict of its fields.

        Raises:
            ValueError: The config has an unknown field, or a filter for base models.
            APIError: The call failed.
        """
        return await AsyncPager.start(self._api, self._api.backend.models.list, ListModelsConfig.of(config))

    async def update(
        self, *, model: str, config: UpdateModelConfigOrDict | None = None
    ) -> Model | TunedModel:
        """Update a tuned model.

        Args:
            model: Name of the tuned model.
            config: `UpdateModelConfig`, or a dict of its fields; fields that are set are updated.

        Raises:
            ValueError: The name is invalid, or no field is set.
            APIError: The call failed.
        """
        config = UpdateModelConfig.of(config)
        return await self._api.call(self._api.backend.models.update(model, config), config.http_options)

    async def delete(
        self, *, model: str, config: DeleteModelConfigOrDict | None = None
    ) -> DeleteModelResponse:
        """Delete a tuned model.

        Args:
            model: Name of the tuned model.
            config: `DeleteModelConfig`, or a dict of its fields.

        Raises:
            ValueError: The name is invalid.
            APIError: The call failed.
        """
        call = self._api.backend.models.delete(model)
        return await self._api.call(call, DeleteModelConfig.of(config).http_options)
