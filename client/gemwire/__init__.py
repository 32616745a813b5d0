"""gemwire: a gRPC-first client for the Gemini API.

    from gemwire import v1beta          # service clients and messages, with the interface of Google's
    from gemwire import errors          # their exceptions
    from gemwire import ClientOptions, Retry

Modules are loaded on first use, so that ``import gemwire`` itself is cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gemwire import aiplatform_v1 as aiplatform_v1
    from gemwire import bulk as bulk
    from gemwire import embeddings as embeddings
    from gemwire import errors as errors
    from gemwire import limits as limits
    from gemwire import pipeline as pipeline
    from gemwire import v1 as v1
    from gemwire import v1beta as v1beta
    from gemwire._transport.aio.grpc_transport import GrpcAsyncIOTransport as GrpcAsyncIOTransport
    from gemwire._transport.aio.h2_transport import H2AsyncIOTransport as H2AsyncIOTransport
    from gemwire._transport.aio.rest_transport import RestAsyncIOTransport as RestAsyncIOTransport
    from gemwire._transport.sync.grpc_transport import GrpcTransport as GrpcTransport
    from gemwire._transport.sync.h2_transport import H2Transport as H2Transport
    from gemwire._transport.sync.rest_transport import RestTransport as RestTransport
    from gemwire.diagnosis import Diagnosis as Diagnosis
    from gemwire.diagnosis import diagnose as diagnose
    from gemwire.embeddings import Embedder as Embedder
    from gemwire.options import ClientInfo as ClientInfo
    from gemwire.options import ClientOptions as ClientOptions
    from gemwire.options import Hedge as Hedge
    from gemwire.options import Retry as Retry
    from gemwire_runtime.method import DEFAULT as DEFAULT

__version__ = "0.1.0"

_MODULES = ("aiplatform_v1", "bulk", "embeddings", "errors", "limits", "pipeline", "v1", "v1beta")
_NAMES = {
    "ClientInfo": "gemwire.options",
    "ClientOptions": "gemwire.options",
    "DEFAULT": "gemwire_runtime.method",
    "Diagnosis": "gemwire.diagnosis",
    "Embedder": "gemwire.embeddings",
    "GrpcAsyncIOTransport": "gemwire._transport.aio.grpc_transport",
    "GrpcTransport": "gemwire._transport.sync.grpc_transport",
    "H2AsyncIOTransport": "gemwire._transport.aio.h2_transport",
    "H2Transport": "gemwire._transport.sync.h2_transport",
    "Hedge": "gemwire.options",
    "RestAsyncIOTransport": "gemwire._transport.aio.rest_transport",
    "RestTransport": "gemwire._transport.sync.rest_transport",
    "Retry": "gemwire.options",
    "diagnose": "gemwire.diagnosis",
}
__all__ = [  # noqa: PLE0604 - all are strings
    *_MODULES,  # pyright: ignore[reportUnsupportedDunderAll]
    *_NAMES,
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"gemwire.{name}")
    if name in _NAMES:
        value = globals()[name] = getattr(importlib.import_module(_NAMES[name]), name)
        return value
    raise AttributeError(f"module 'gemwire' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
