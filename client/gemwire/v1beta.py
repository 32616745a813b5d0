"""Version v1beta of the API: its service clients, and every message and enum by its plain name.

    from gemwire import v1beta

    client = v1beta.GenerativeServiceAsyncClient()
    response = await client.generate_content(
        model="models/gemini-2.5-flash",
        contents=[{"role": "user", "parts": [{"text": "Why is the sky blue?"}]}],
    )

Each is loaded on first use.
"""

# pyright: reportUnsupportedDunderAll=false

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from gemwire_proto import v1beta as _messages

if TYPE_CHECKING:
    from gemwire._clients.aio.v1beta import CacheServiceAsyncClient as CacheServiceAsyncClient
    from gemwire._clients.aio.v1beta import DiscussServiceAsyncClient as DiscussServiceAsyncClient
    from gemwire._clients.aio.v1beta import FileServiceAsyncClient as FileServiceAsyncClient
    from gemwire._clients.aio.v1beta import GenerativeServiceAsyncClient as GenerativeServiceAsyncClient
    from gemwire._clients.aio.v1beta import ModelServiceAsyncClient as ModelServiceAsyncClient
    from gemwire._clients.aio.v1beta import PermissionServiceAsyncClient as PermissionServiceAsyncClient
    from gemwire._clients.aio.v1beta import PredictionServiceAsyncClient as PredictionServiceAsyncClient
    from gemwire._clients.aio.v1beta import RetrieverServiceAsyncClient as RetrieverServiceAsyncClient
    from gemwire._clients.aio.v1beta import TextServiceAsyncClient as TextServiceAsyncClient
    from gemwire._clients.sync.v1beta import CacheServiceClient as CacheServiceClient
    from gemwire._clients.sync.v1beta import DiscussServiceClient as DiscussServiceClient
    from gemwire._clients.sync.v1beta import FileServiceClient as FileServiceClient
    from gemwire._clients.sync.v1beta import GenerativeServiceClient as GenerativeServiceClient
    from gemwire._clients.sync.v1beta import ModelServiceClient as ModelServiceClient
    from gemwire._clients.sync.v1beta import PermissionServiceClient as PermissionServiceClient
    from gemwire._clients.sync.v1beta import PredictionServiceClient as PredictionServiceClient
    from gemwire._clients.sync.v1beta import RetrieverServiceClient as RetrieverServiceClient
    from gemwire._clients.sync.v1beta import TextServiceClient as TextServiceClient
    from gemwire_proto.v1beta import *  # noqa: F403

_CLIENTS = {
    "GenerativeServiceAsyncClient": "gemwire._clients.aio.v1beta",
    "ModelServiceAsyncClient": "gemwire._clients.aio.v1beta",
    "CacheServiceAsyncClient": "gemwire._clients.aio.v1beta",
    "FileServiceAsyncClient": "gemwire._clients.aio.v1beta",
    "PermissionServiceAsyncClient": "gemwire._clients.aio.v1beta",
    "PredictionServiceAsyncClient": "gemwire._clients.aio.v1beta",
    "RetrieverServiceAsyncClient": "gemwire._clients.aio.v1beta",
    "TextServiceAsyncClient": "gemwire._clients.aio.v1beta",
    "DiscussServiceAsyncClient": "gemwire._clients.aio.v1beta",
    "GenerativeServiceClient": "gemwire._clients.sync.v1beta",
    "ModelServiceClient": "gemwire._clients.sync.v1beta",
    "CacheServiceClient": "gemwire._clients.sync.v1beta",
    "FileServiceClient": "gemwire._clients.sync.v1beta",
    "PermissionServiceClient": "gemwire._clients.sync.v1beta",
    "PredictionServiceClient": "gemwire._clients.sync.v1beta",
    "RetrieverServiceClient": "gemwire._clients.sync.v1beta",
    "TextServiceClient": "gemwire._clients.sync.v1beta",
    "DiscussServiceClient": "gemwire._clients.sync.v1beta",
}
__all__ = [*_CLIENTS, *_messages.__all__]  # noqa: PLE0604 - all are strings


def __getattr__(name: str) -> Any:
    home = importlib.import_module(_CLIENTS[name]) if name in _CLIENTS else _messages
    value = globals()[name] = getattr(home, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
