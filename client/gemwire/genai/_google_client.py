"""google-genai's own client over gemwire, for frameworks that insist on its class."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gemwire._transport.rest.tls_and_proxy import HttpTarget
from gemwire.genai._aio.api import AsyncApi
from gemwire.genai._sync.api import Api
from gemwire.genai._types.http_options import HttpOptions, HttpRetryOptions
from gemwire.genai.client_arguments import ClientArguments
from gemwire_runtime.pydantic_models import unwrap

if TYPE_CHECKING:
    import google.auth.credentials
    import google.genai

    from gemwire.genai._types.dicts import HttpOptionsOrDict

#: Options of google-genai that would take the place of gemwire.
_OTHER_CLIENTS = ("httpx_client", "httpx_async_client", "aiohttp_client")


def google_client(
    *,
    api_key: str | None = None,
    credentials: google.auth.credentials.Credentials | None = None,
    http_options: HttpOptionsOrDict | object | None = None,
    transport: str | None = None,
) -> google.genai.Client:
    """Build a ``google.genai.Client`` whose calls go through gemwire.

    It is google-genai's own class with its own types, errors and behaviour; of gemwire it has the transport:
    gRPC, deadlines, retries and one connection for all calls. Requests that no RPC carries (contents of
    files, what is new in the API) go over HTTP as google-genai sends them. Live sessions are google-genai's.
    Requires google-genai. Closing it closes the connections.

    Args:
        api_key: API key. Default: GOOGLE_API_KEY, then GEMINI_API_KEY.
        credentials: google-auth credentials, instead of an API key.
        http_options: google-genai's ``HttpOptions``, ours, or a dict: address, headers and timeout of calls.
            With ``retry_options``, google-genai retries; otherwise gemwire does.
        transport: See `Client`; with ``"grpc"``, what no RPC carries is refused.

    Raises:
        ImportError: google-genai is not installed.
        ValueError: Options exclude each other, or one cannot be honoured.
        TypeError: An argument is of a wrong type.
        google.auth.exceptions.DefaultCredentialsError: No API key and no credentials were found.
    """
    try:
        from google.genai import Client, types
    except ImportError as error:
        raise ImportError(f"google_client needs google-genai: pip install google-genai ({error})") from None
    from gemwire.genai._httpx_transports import AsyncTransport, Transport

    options = _to_fields(http_options)
    for name in _OTHER_CLIENTS:
        if options.get(name) is not None:
            raise ValueError(f"http_options.{name}: gemwire makes the calls; leave it out")
    own = HttpOptions.of({name: options.get(name) for name in ("base_url", "api_version")})
    if options.get("retry_options") is not None:
        own.retry_options = HttpRetryOptions(attempts=1)
    arguments = ClientArguments(own, api_key, credentials, transport)
    api = Api(arguments)
    settings = api.resolved[1]
    target = None if transport == "grpc" or settings.http_host is None else HttpTarget.of(settings)
    sync, aio = Transport(api, target), AsyncTransport(AsyncApi(arguments, api.resolved), target)
    if target is not None:
        options["base_url"] = target.base
    for name, made in (("client_args", sync), ("async_client_args", aio)):
        given = options.get(name)
        options[name] = {**(given if isinstance(given, Mapping) else {}), "transport": made}
    # google-genai insists on a key; the calls have their own credentials.
    key = api_key or os.environ.get("GOOGLE_API_KEY") or os.environ.get("GEMINI_API_KEY") or "unused"
    return Client(vertexai=False, api_key=key, http_options=types.HttpOptions.model_validate(options))


def _to_fields(http_options: object) -> dict[str, object]:
    """Return the fields that are set; those of google-genai that we lack as well."""
    if isinstance(http_options, HttpOptions):
        return http_options.to_dict()
    fields = unwrap({} if http_options is None else http_options)
    if not isinstance(fields, Mapping):
        raise TypeError(f"http_options: expected HttpOptions or a dict, got {type(http_options).__name__}")
    return dict(fields)
