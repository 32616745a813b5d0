"""What an embedder is given: checked before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gemwire._clients.aio.service_client import AsyncServiceClient
from gemwire.genai._convert.embedding_vectors import FORMS
from gemwire_proto.v1beta.generative_service import AsyncGenerativeService


def service_client(client: Any) -> tuple[bool, Any, dict[str, Any]]:
    """Whether the client is the embedder's own, the client, and the settings of its calls.

    Raises:
        TypeError: It is none that can be used.
        google.auth.exceptions.DefaultCredentialsError: None is given, and there are no credentials.
    """
    if client is None:
        from gemwire.v1beta import GenerativeServiceAsyncClient

        return True, GenerativeServiceAsyncClient(), {}
    if isinstance(client, AsyncGenerativeService) and isinstance(client, AsyncServiceClient):
        return False, client, {}
    from gemwire.genai.client import AsyncClient, Client

    if isinstance(client, Client):
        client = client.aio
    if isinstance(client, AsyncClient):
        return False, client._api.generative, client._api.settings(None)
    raise TypeError(
        "client: expected a v1beta.GenerativeServiceAsyncClient, a genai.Client or None, "
        f"got {type(client).__name__}"
    )


def check_many(contents: Any, on_error: Any) -> None:
    """Refuse what are not many texts, and a way with errors that there is not.

    Raises:
        TypeError: It is no iterable, or a single text.
        ValueError: ``on_error`` is neither ``"raise"`` nor ``"return"``.
    """
    if isinstance(contents, (str, bytes, bytearray, dict)) or not (
        hasattr(contents, "__iter__") or hasattr(contents, "__aiter__")
    ):
        name = type(contents).__name__
        raise TypeError(f"contents: expected an iterable of texts, got {name}; embed() takes one")
    if on_error not in ("raise", "return"):
        raise ValueError(f"on_error: {on_error!r} is neither 'raise' nor 'return'")


def whole(name: str, value: Any, most: int | None = None) -> int:
    """A number from 1 to ``most``.

    Raises:
        TypeError: It is no whole number.
        ValueError: It is out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}: expected a whole number, got {type(value).__name__}")
    if value < 1:
        raise ValueError(f"{name}: {value} is less than 1")
    if most is not None and value > most:
        raise ValueError(f"{name}: {value} is more than {most}, which is what the service takes in a call")
    return value


def seconds(name: str, value: Any) -> float:
    """A number of seconds, 0 too.

    Raises:
        TypeError: It is no number.
        ValueError: It is negative or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name}: expected seconds, got {type(value).__name__}")
    if not 0 <= value < float("inf"):
        raise ValueError(f"{name}: {value} is no number of seconds")
    return value


def form_of(vectors: Any) -> Callable[[Any], list[Any]]:
    """What makes vectors of a response.

    Raises:
        ValueError: There is no such kind of vector.
        ImportError: numpy is asked for and not installed.
    """
    if not isinstance(vectors, str) or vectors not in FORMS:
        raise ValueError(f"vectors: {vectors!r} is none of {', '.join(map(repr, FORMS))}")
    if vectors == "numpy":
        _require_numpy()
    return FORMS[vectors]


def _require_numpy() -> None:
    try:
        import numpy  # noqa: F401
    except ImportError as error:
        raise ImportError(f"vectors: 'numpy' needs: pip install numpy ({error})") from None
