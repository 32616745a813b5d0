# Derived from _async/resources.py by scripts/unasync. DO NOT EDIT.
"""What a client has: models, chats and the like, each under its name."""

from __future__ import annotations

from gemwire._sync.api import Api
from gemwire._sync.batches import Batches
from gemwire._sync.caches import Caches
from gemwire._sync.chats import Chats
from gemwire._sync.files import Files
from gemwire._sync.live import Live
from gemwire._sync.models import Models
from gemwire._sync.operations import Operations
from gemwire._sync.tunings import Tunings


class Resources:
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

    def __init__(self, api: Api) -> None:
        """``api``: what they share."""
        self._api = api
        self.models = Models(api)
        self.chats = Chats(self.models)
        self.files = Files(api)
        self.caches = Caches(api)
        self.tunings = Tunings(api)
        self.batches = Batches(api)
        self.live = Live(api)
        self.operations = Operations(api)

    def close(self) -> None:
        """End all calls and connections."""
        self._api.close()
