"""``client.models``: what models there are, and what they generate."""

from __future__ import annotations

from typing import Any

from gemwire.genai._aio.api import AsyncApi
from gemwire.genai._aio.function_calling import AsyncCalling, generate
from gemwire.genai._aio.media import AsyncMedia
from gemwire.genai._aio.pager import AsyncPager, paged
from gemwire.genai._aio.response_stream import AsyncResponses
from gemwire.genai._convert import function_calls
from gemwire.genai._convert import requests as requests
from gemwire.genai._convert.resource_names import model_name
from gemwire.genai._types.aliases import EmbedContentResponse
from gemwire.genai._types.call_configs import CountTokensConfig, EmbedContentConfig, GenerateContentConfig
from gemwire.genai._types.resource_configs import (
    DeleteModelConfig,
    GetModelConfig,
    ListModelsConfig,
    UpdateModelConfig,
)
from gemwire.genai._types.responses import GenerateContentResponse
from gemwire.genai._types.tuning import TunedModel
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views
from gemwire_runtime.views import view


class AsyncModels(AsyncMedia):
    """Models, and what they generate."""

    def __init__(self, api: AsyncApi) -> None:
        """``api``: what the resources share."""
        self._api = api

    async def generate_content(
        self, *, model: str, contents: Any, config: GenerateContentConfig | Any | None = None
    ) -> GenerateContentResponse:
        """Generate content.

        Args:
            model: Name of the model, with or without ``models/``.
            contents: What to answer: a text, parts, contents, files, pictures or a list of them.
            config: `GenerateContentConfig`, or a dict of its fields.

        Raises:
            ValueError: An argument says nothing that can be sent.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        config = GenerateContentConfig.of(config)
        message = requests.generate_content(model, contents, config)
        functions = function_calls.functions_of(config)
        settings = self._api.settings(config.http_options)
        if functions:

            async def call(request: Any) -> Any:
                return await self._api.generative.generate_content(request, **settings)

            return await generate(call, message, functions, function_calls.settings(config))
        response = await self._api.generative.generate_content(message, **settings)
        return GenerateContentResponse.of(response, config.response_schema)

    async def generate_content_stream(
        self, *, model: str, contents: Any, config: GenerateContentConfig | Any | None = None
    ) -> AsyncResponses:
        """Generate content, piece by piece.

        Args:
            model: Name of the model, with or without ``models/``.
            contents: See `generate_content`.
            config: See `generate_content`.

        Raises:
            ValueError: An argument says nothing that can be sent.
            TypeError: An argument is of a wrong type.
            APIError: The call failed; also while one reads.
        """
        config = GenerateContentConfig.of(config)
        message = requests.generate_content(model, contents, config)
        functions = function_calls.functions_of(config)
        settings = self._api.settings(config.http_options)

        async def call(request: Any) -> Any:
            return await self._api.generative.stream_generate_content(request, **settings)

        if functions:
            return await AsyncCalling.begun(call, message, functions, function_calls.settings(config))
        return AsyncResponses(await call(message), config.response_schema)

    async def count_tokens(
        self, *, model: str, contents: Any, config: CountTokensConfig | Any | None = None
    ) -> views.CountTokensResponse:
        """Count the tokens of contents.

        Args:
            model: Name of the model that would read them.
            contents: See `generate_content`.
            config: `CountTokensConfig`, or a dict of its fields.

        Raises:
            ValueError: An argument says nothing that can be sent.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        config = CountTokensConfig.of(config)
        message = requests.count_tokens(model, contents, config)
        response = await self._api.generative.count_tokens(message, **self._api.settings(config.http_options))
        return views.CountTokensResponse.of(response)

    async def embed_content(
        self, *, model: str, contents: Any, config: EmbedContentConfig | Any | None = None
    ) -> EmbedContentResponse:
        """Vectors of contents.

        Args:
            model: Name of an embedding model.
            contents: What gets a vector, or a list of that; one vector for each item.
            config: `EmbedContentConfig`, or a dict of its fields.

        Raises:
            ValueError: An argument says nothing that can be sent.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        config = EmbedContentConfig.of(config)
        message = requests.embed_content(model, contents, config)
        settings = self._api.settings(config.http_options)
        response = await self._api.generative.batch_embed_contents(message, **settings)
        return EmbedContentResponse.of(response)

    async def get(self, *, model: str, config: GetModelConfig | Any | None = None) -> Any:
        """One model, a `Model` or a `TunedModel`.

        Args:
            model: Its name, with or without ``models/``.
            config: `GetModelConfig`, or a dict of its fields.

        Raises:
            ValueError: It is no name.
            APIError: The call failed.
        """
        name = model_name(model)
        settings = self._api.settings(GetModelConfig.of(config).http_options)
        if name.startswith("tunedModels/"):
            return view(await self._api.models.get_tuned_model(name=name, **settings))
        return view(await self._api.models.get_model(name=name, **settings))

    async def list(self, *, config: ListModelsConfig | Any | None = None) -> AsyncPager[Any]:
        """The models that there are: each a `Model`, or a `TunedModel`.

        Args:
            config: `ListModelsConfig`, or a dict of its fields: base models unless ``query_base`` is False.

        Raises:
            ValueError: The config has an unknown field, or a filter for base models.
            APIError: The call failed.
        """
        config = ListModelsConfig.of(config)
        settings = self._api.settings(config.http_options)
        base = config.query_base is None or config.query_base
        if base and config.filter:
            raise ValueError("config.filter: is for tuned models; set query_base=False")

        def fetch(token: str) -> Any:
            asked = {"page_size": config.page_size or 0, "page_token": token}
            if base:
                return self._api.models.list_models(asked, **settings)
            return self._api.models.list_tuned_models({**asked, "filter": config.filter or ""}, **settings)

        return await paged(fetch, "models" if base else "tuned_models", config)

    async def update(self, *, model: str, config: UpdateModelConfig | Any | None = None) -> TunedModel:
        """Change a tuned model.

        Args:
            model: Its name.
            config: `UpdateModelConfig`, or a dict of its fields: what is changed.

        Raises:
            ValueError: It is no name, or nothing is to be changed.
            APIError: The call failed.
        """
        config = UpdateModelConfig.of(config)
        changes = {name: value for name, value in config.given() if name != "http_options"}
        if not changes:
            raise ValueError("config: says nothing that is to be changed")
        tuned = v1beta.TunedModel(name=model_name(model), **changes)
        response = await self._api.models.update_tuned_model(
            tuned_model=tuned,
            update_mask={"paths": sorted(changes)},
            **self._api.settings(config.http_options),
        )
        return TunedModel.of(response)

    async def delete(self, *, model: str, config: DeleteModelConfig | Any | None = None) -> None:
        """Delete a tuned model.

        Args:
            model: Its name.
            config: `DeleteModelConfig`, or a dict of its fields.

        Raises:
            ValueError: It is no name.
            APIError: The call failed.
        """
        settings = self._api.settings(DeleteModelConfig.of(config).http_options)
        await self._api.models.delete_tuned_model(name=model_name(model), **settings)

    async def compute_tokens(self, **_: Any) -> None:
        """Of Vertex AI; `count_tokens` counts.

        Raises:
            ValueError: Always.
        """
        raise ValueError(
            "compute_tokens is of Vertex AI, which this client does not call; count_tokens counts"
        )
