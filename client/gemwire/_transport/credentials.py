"""API keys and OAuth tokens: how the credentials of a client are found."""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gemwire._secret import Secret, hide_key, type_name, without_frames
from gemwire._transport import metadata
from gemwire._transport.token import Pairs, Token
from gemwire.options import ClientOptions
from gemwire_runtime.method import Service

# google-auth is imported where credentials are used: it is slow to import, and API keys do without it.
if TYPE_CHECKING:
    import google.auth.credentials


@dataclass(frozen=True, repr=False)
class ApiKey:
    """An API key, or no credentials: metadata that never changes."""

    _pairs: Pairs

    def __repr__(self) -> str:
        return "<ApiKey>" if self._pairs else "<no credentials>"

    @property
    def is_secret(self) -> bool:
        """Whether its metadata is secret."""
        return bool(self._pairs)

    def pairs(self, now: float) -> Pairs:
        """Return the metadata to send."""
        return self._pairs

    def session_pairs(self, now: float) -> Pairs:
        """Return the metadata to open a live session with."""
        return self._pairs

    def invalidate(self, pairs: Pairs) -> bool:
        """Return False: an API key that the service rejects cannot be refreshed."""
        return False


class LiveToken(ApiKey):
    """A token of ``auth_tokens.create``: it opens live sessions, and makes no other calls."""

    def pairs(self, now: float) -> Pairs:
        """Refuse the call.

        Raises:
            ValueError: Always.
        """
        raise ValueError("api_key: is a token of live sessions, which makes no other calls; use an API key")


Authorization = ApiKey | Token


def check_api_key(key: str, argument: str) -> str:
    """Return an API key, which `hide_key` has hidden, if it is a string that headers can carry."""
    if type_name(key) != "str":
        raise TypeError(f"{argument}: expected a string, got {type_name(key)}")
    if not key:
        raise ValueError(f"{argument}: the API key is empty; leave it out to use the environment")
    if any(not 33 <= ord(c) <= 126 for c in key):
        raise ValueError(
            f"{argument}: the API key holds a space, a line break or a character outside ASCII; "
            "was it read from a file with its line end?"
        )
    return key


def _from_key(key: str, options: ClientOptions) -> ApiKey:
    project = options.quota_project_id
    quota: Pairs = (("x-goog-user-project", project),) if project else ()
    if key.startswith("auth_tokens/"):
        return LiveToken((("authorization", Secret(f"Token {key}")), *quota))
    return ApiKey((("x-goog-api-key", key), *quota))


def is_key_given(credentials: google.auth.credentials.Credentials | None, options: ClientOptions) -> bool:
    """Return whether an API key was given in code, not by the environment."""
    if credentials is None or options.api_key:
        return bool(options.api_key)
    import google.auth.api_key

    return isinstance(credentials, google.auth.api_key.Credentials)


def find_environment_key() -> tuple[str, str] | None:
    """Return the variable that holds an API key, and the key: GOOGLE_API_KEY, else GEMINI_API_KEY."""
    for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY"):
        # A key that was read from a file often has its line end, which google-genai leaves out as well.
        if key := hide_key(os.environ.get(name, "").rstrip("\r\n")):
            return name, check_api_key(key, f"environment variable {name}")
    return None


def resolve(
    credentials: google.auth.credentials.Credentials | None,
    options: ClientOptions,
    service: Service,
    host: str,
    *,
    always_use_jwt_access: bool = True,
) -> Authorization:
    """Find the credentials of a client.

    In this order: ``credentials``, ``options.api_key``, ``options.credentials_file``,
    GOOGLE_API_KEY, GEMINI_API_KEY (which are keys of the Gemini API alone), application default
    credentials. The first three exclude each other.

    Raises:
        ValueError: Two that exclude each other were given, or the API key is invalid.
        TypeError: ``credentials`` are not google-auth's.
        google.auth.exceptions.DefaultCredentialsError: No credentials were found.
    """
    if options.api_key is not None:
        check_api_key(options.api_key, "client_options.api_key")
    if options.quota_project_id:
        metadata.validate(
            (("x-goog-user-project", options.quota_project_id),), "client_options.quota_project_id"
        )
    if options.api_key and credentials:
        raise ValueError("client_options.api_key and credentials are mutually exclusive")
    if credentials and options.credentials_file:
        raise _duplicate()
    if options.api_key:
        return _from_key(options.api_key, options)
    if credentials is None and options.credentials_file:
        credentials = _load_file(options, service.scopes)
    if credentials is None and service.environment_key and (found := find_environment_key()):
        return _from_key(found[1], options)
    if credentials is None:
        credentials = _load_default(options, service.scopes, options.api_audience or host)
    return _from_google(credentials, options, service.host, service.scopes, always_use_jwt_access)


def _from_google(
    credentials: google.auth.credentials.Credentials,
    options: ClientOptions,
    audience: str,
    default_scopes: Sequence[str],
    always_use_jwt_access: bool,
) -> Authorization:
    """Prepare google-auth credentials as Google's clients do: scopes, self-signed tokens."""
    import google.auth.api_key
    import google.auth.credentials

    if not isinstance(credentials, google.auth.credentials.Credentials):
        hint = "; give a key as client_options={'api_key': …}" if isinstance(credentials, str) else ""
        raise TypeError(f"credentials: expected google.auth credentials, got {type_name(credentials)}{hint}")
    if isinstance(credentials, google.auth.credentials.AnonymousCredentials):
        return ApiKey(())
    if isinstance(credentials, google.auth.api_key.Credentials):
        return _from_key(check_api_key(hide_key(credentials.token) or "", "credentials"), options)
    scoped: Any = google.auth.credentials.with_scopes_if_required(
        credentials, scopes=options.scopes, default_scopes=default_scopes
    )
    if hasattr(scoped, "with_always_use_jwt_access"):
        scoped = scoped.with_always_use_jwt_access(always_use_jwt_access)
    return Token(scoped, audience, options.quota_project_id)


def _duplicate() -> Exception:
    text = "'credentials_file' and 'credentials' are mutually exclusive"
    try:
        from google.api_core.exceptions import DuplicateCredentialArgs
    except ImportError:
        return ValueError(text)

    # Google's own class if it is installed, so that code that catches it keeps working.
    kind: Callable[[str], Exception] = type(
        "DuplicateCredentialArgs", (DuplicateCredentialArgs, ValueError), {}
    )
    return kind(text)


def _load_file(options: ClientOptions, default_scopes: Sequence[str]) -> google.auth.credentials.Credentials:
    warnings.warn(
        "client_options.credentials_file is deprecated by google-auth for files from external sources; load "
        "and validate them yourself and pass `credentials`",
        DeprecationWarning,
        stacklevel=_depth_of_user(),
    )
    import google.auth

    with warnings.catch_warnings():
        # google-auth warns too, of our line instead of the user's.
        warnings.simplefilter("ignore", DeprecationWarning)
        credentials: google.auth.credentials.Credentials = without_frames(
            google.auth.load_credentials_from_file,
            options.credentials_file,
            scopes=options.scopes,
            default_scopes=default_scopes,
        )[0]
    return credentials


def _depth_of_user() -> int:
    """Return the `stacklevel` for the caller of this function at which a warning names the user's line."""
    frame, depth = inspect.currentframe(), 0
    while frame and frame.f_back and frame.f_globals.get("__name__", "").startswith("gemwire."):
        frame, depth = frame.f_back, depth + 1
    return depth


def _load_default(
    options: ClientOptions, default_scopes: Sequence[str], gdch_audience: str
) -> google.auth.credentials.Credentials:
    import google.auth
    from google.auth.exceptions import GoogleAuthError

    try:
        credentials: google.auth.credentials.Credentials = without_frames(
            google.auth.default,
            scopes=options.scopes,
            quota_project_id=options.quota_project_id,
            default_scopes=default_scopes,
        )[0]
    except GoogleAuthError as error:
        raise type(error)(
            f"{error} Three ways to make calls: set GEMINI_API_KEY, or pass client_options={{'api_key': …}}; "
            "set up application default credentials; or set GEMINI_EMULATOR_HOST to use an emulator."
        ) from None
    if with_audience := getattr(credentials, "with_gdch_audience", None):
        credentials = with_audience(gdch_audience)
    return credentials
