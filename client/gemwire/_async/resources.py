"""What a client has: models, chats and the like, each under its name."""

from __future__ import annotations

from gemwire._async.api import AsyncApi
from gemwire._async.batches import AsyncBatches
from gemwire._async.caches import AsyncCaches
from gemwire._async.chats import AsyncChats
from gemwire._async.files import AsyncFiles
from gemwire._async.live import AsyncLive
from gemwire._async.models import AsyncModels
from gemwire._async.operations import AsyncOperations
from gemwire._async.tunings import AsyncTunings


class AsyncResources:
    """The resources of one client.

    Attributes:
        models: Models, and what they generate.
        chats: Conversations that remember what was said.
        files: Files for requests, and files that models made.
        caches: Content that many requests share.
        tunings: Models trained on examples.
        batches: Many requests, answered in the background.
        live: Conversations in both directions at once.
        operations: Work that goes on at the server.
    """

    def __init__(self, api: AsyncApi) -> None:
        """``api``: what they share."""
        self._api = api
        self.models = AsyncModels(api)
        self.chats = AsyncChats(self.models)
        self.files = AsyncFiles(api)
        self.caches = AsyncCaches(api)
        self.tunings = AsyncTunings(api)
        self.batches = AsyncBatches(api)
        self.live = AsyncLive(api)
        self.operations = AsyncOperations(api)

    async def close(self) -> None:
        """End all calls and connections."""
        await self._api.close()
