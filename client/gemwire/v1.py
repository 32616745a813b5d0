"""Version v1 of the API: its service clients, and every message and enum by its plain name.

    from gemwire import v1

    client = v1.GenerativeServiceAsyncClient()
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

from gemwire_proto import v1 as _messages

if TYPE_CHECKING:
    from gemwire._clients.aio.v1 import GenerativeServiceAsyncClient as GenerativeServiceAsyncClient
    from gemwire._clients.aio.v1 import ModelServiceAsyncClient as ModelServiceAsyncClient
    from gemwire._clients.sync.v1 import GenerativeServiceClient as GenerativeServiceClient
    from gemwire._clients.sync.v1 import ModelServiceClient as ModelServiceClient
    from gemwire_proto.v1 import *  # noqa: F403

_CLIENTS = {
    "GenerativeServiceAsyncClient": "gemwire._clients.aio.v1",
    "ModelServiceAsyncClient": "gemwire._clients.aio.v1",
    "GenerativeServiceClient": "gemwire._clients.sync.v1",
    "ModelServiceClient": "gemwire._clients.sync.v1",
}
__all__ = [*_CLIENTS, *_messages.__all__]  # noqa: PLE0604 - all are strings


def __getattr__(name: str) -> Any:
    home = importlib.import_module(_CLIENTS[name]) if name in _CLIENTS else _messages
    value = globals()[name] = getattr(home, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
