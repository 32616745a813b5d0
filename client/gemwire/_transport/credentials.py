"""API keys and OAuth tokens: how credentials are found and kept fresh.

No gRPC auth plugin is used: it costs a thread and 60 to 85 µs a call
(benchmarks/overhead.py). Instead the metadata pairs of the current token are
cached, and a background thread refreshes the token before it expires.
"""

from __future__ import annotations

import datetime
import inspect
import logging
import os
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import google.auth
import google.auth.api_key
import google.auth.credentials
from google.auth.exceptions import GoogleAuthError

from gemwire._log import log
from gemwire._transport import fork, metadata
from gemwire.errors import Unauthenticated
from gemwire.options import ClientOptions

Pairs = tuple[tuple[str, str], ...]

#: Seconds before a token expires at which its refresh starts; half of its lifetime if that is less.
_REFRESH_MARGIN = 300.0
#: Seconds between attempts to refresh a token that is still valid.
_RETRY_PAUSE = 10.0


class ApiKey:
    """An API key, or no credentials: metadata that never changes."""

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs

    def __repr__(self) -> str:
        return "<ApiKey>" if self._pairs else "<no credentials>"

    @property
    def is_secret(self) -> bool:
        """Whether its metadata is secret."""
        return bool(self._pairs)

    def pairs(self, now: float) -> Pairs:
        """Return the metadata to send."""
        return self._pairs

    def invalidate(self, pairs: Pairs) -> bool:
        """Return False: an API key that the service rejects cannot be refreshed."""
        return False


@dataclass(frozen=True)
class _CachedToken:
    """The metadata of a token, and when to refresh it (``time.monotonic`` seconds)."""

    pairs: Pairs
    refresh_at: float
    expires_at: float


_NOT_FETCHED = _CachedToken((), 0.0, 0.0)
_INVALIDATED = _CachedToken((), 0.0, 0.0)


class Token:
    """A token of google-auth credentials, refreshed in the background, one refresh at a time.

    While the token is valid, a failed refresh fails no call: it is logged and retried.
    """

    def __init__(
        self,
        credentials: google.auth.credentials.Credentials,
        audience: str,
        quota_project_id: str | None,
    ) -> None:
        """Initialize a token. Nothing is fetched before the first call.

        Args:
            credentials: google-auth credentials.
            audience: Host that self-signed tokens of a service account are for.
            quota_project_id: Project to send as ``x-goog-user-project``.
        """
        self.credentials = credentials
        self._audience = audience
        self._quota_project_id = quota_project_id
        self._cached = _NOT_FETCHED
        self._generation = fork.generation()
        self._lock = threading.Lock()
        self._pending: Future[Pairs] | None = None

    def __repr__(self) -> str:
        return f"<Token of {type(self.credentials).__module__}.{type(self.credentials).__name__}>"

    @property
    def is_secret(self) -> bool:
        """Whether its metadata is secret."""
        return True

    def pairs(self, now: float) -> Pairs | Future[Pairs]:
        """Return the metadata to send; without a valid token, a future of it."""
        cached = self._cached
        if now < cached.refresh_at:
            return cached.pairs
        refresh = self._refresh()
        return cached.pairs if now < cached.expires_at else refresh

    def invalidate(self, pairs: Pairs) -> bool:
        """Refresh the token before the next call, if its metadata is still ``pairs``.

        Returns:
            Whether another attempt can succeed: the token is refreshed for it, or was since.
        """
        if self._cached.pairs is pairs:
            self._cached = _INVALIDATED
        return True

    def _refresh(self) -> Future[Pairs]:
        if self._generation != fork.generation():
            # A fork may have copied a lock that is held, and copies no threads.
            self._lock, self._pending, self._generation = threading.Lock(), None, fork.generation()
        with self._lock:
            if self._pending is None:
                self._pending = Future()
                # Marked as running, so that a caller that is cancelled does not cancel it for all.
                self._pending.set_running_or_notify_cancel()
                thread = threading.Thread(
                    target=self._run, args=(self._pending,), name="gemwire-credentials", daemon=True
                )
                thread.start()
            return self._pending

    def _run(self, refresh: Future[Pairs]) -> None:
        try:
            fetched = self._fetch()
        except Exception as error:
            now = time.monotonic()
            cached = self._cached
            if now < cached.expires_at:
                wait = min(_RETRY_PAUSE, (cached.expires_at - now) / 2)
                self._cached = _CachedToken(cached.pairs, now + wait, cached.expires_at)
                log(
                    logging.WARNING,
                    "the token could not be refreshed (%s); the current one is still valid",
                    type(error).__name__,
                )
            with self._lock:
                self._pending = None
            refresh.set_exception(
                Unauthenticated(
                    f"the credentials gave no token: {error}",
                    hint="Check the credentials and the connection to their token endpoint.",
                )
            )
            return
        self._cached = fetched
        with self._lock:
            self._pending = None
        refresh.set_result(fetched.pairs)

    def _fetch(self) -> _CachedToken:
        # Imported late: it imports requests, which API keys do not need.
        from google.auth.transport.requests import Request

        request = Request()
        # AIP-4111: a service account signs its own token for the service. google-auth offers no public way.
        if sign := getattr(self.credentials, "_create_self_signed_jwt", None):
            sign(f"https://{self._audience}/")
        headers: dict[str, str] = {}
        if self._cached is not _NOT_FETCHED and self.credentials.valid:
            # google-auth would keep the token that is to be replaced.
            self.credentials.refresh(request)
            self.credentials.apply(headers)
        else:
            # Fetches a token if there is none, and uses a valid one, such as a plain access token.
            self.credentials.before_request(request, "POST", f"https://{self._audience}/", headers)
        headers.pop("x-goog-api-client", None)
        if self._quota_project_id:
            headers["x-goog-user-project"] = self._quota_project_id
        metadata.validate(tuple(headers.items()), "credentials")
        now = time.monotonic()
        expiry = getattr(self.credentials, "expiry", None)
        if expiry is None:
            return _CachedToken(tuple(headers.items()), float("inf"), float("inf"))
        # The expiry of google-auth is naive, in UTC.
        left = (
            expiry.replace(tzinfo=datetime.timezone.utc) - datetime.datetime.now(datetime.timezone.utc)
        ).total_seconds()
        return _CachedToken(tuple(headers.items()), now + max(left - _REFRESH_MARGIN, left / 2), now + left)


Authorization = ApiKey | Token


def check_api_key(key: object, argument: str) -> str:
    """Return an API key if it is valid. Errors do not show it.

    Raises:
        TypeError: It is not a string.
        ValueError: It is empty, or has a character that headers cannot carry.
    """
    if not isinstance(key, str):
        raise TypeError(f"{argument}: expected a string, got {type(key).__name__}")
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
    return ApiKey((("x-goog-api-key", key), *quota))


def is_key_given(credentials: google.auth.credentials.Credentials | None, options: ClientOptions) -> bool:
    """Return whether an API key was given in code, not by the environment."""
    return bool(options.api_key) or isinstance(credentials, google.auth.api_key.Credentials)


def find_environment_key() -> tuple[str, str] | None:
    """Return the variable that holds an API key, and the key: GOOGLE_API_KEY, else GEMINI_API_KEY."""
    for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY"):
        key = os.environ.get(name)
        if key:
            return name, check_api_key(key, f"environment variable {name}")
    return None


def resolve(
    credentials: google.auth.credentials.Credentials | None,
    options: ClientOptions,
    audience: str,
    host: str,
    *,
    default_scopes: Sequence[str] = (),
    always_use_jwt_access: bool = True,
) -> Authorization:
    """Find the credentials of a client.

    In this order: ``credentials``, ``options.api_key``, ``options.credentials_file``,
    GOOGLE_API_KEY, GEMINI_API_KEY, application default credentials. The first three exclude
    each other.

    Args:
        credentials: google-auth credentials, or None.
        options: The client's options.
        audience: Host for self-signed tokens: that of the service, whatever host is called.
        host: The host that is called.
        default_scopes: OAuth scopes of the service.
        always_use_jwt_access: Whether service accounts sign their own tokens.

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
        credentials = _load_file(options, default_scopes)
    if credentials is None and (found := find_environment_key()):
        return _from_key(found[1], options)
    if credentials is None:
        credentials = _load_default(options, default_scopes, options.api_audience or host)
    return _from_google(credentials, options, audience, default_scopes, always_use_jwt_access)


def _from_google(
    credentials: google.auth.credentials.Credentials,
    options: ClientOptions,
    audience: str,
    default_scopes: Sequence[str],
    always_use_jwt_access: bool,
) -> Authorization:
    """Prepare google-auth credentials as Google's clients do: scopes, self-signed tokens."""
    if not isinstance(credentials, google.auth.credentials.Credentials):
        hint = "; give a key as client_options={'api_key': …}" if isinstance(credentials, str) else ""
        raise TypeError(
            f"credentials: expected google.auth credentials, got {type(credentials).__name__}{hint}"
        )
    if isinstance(credentials, google.auth.credentials.AnonymousCredentials):
        return ApiKey(())
    if isinstance(credentials, google.auth.api_key.Credentials):
        return _from_key(check_api_key(credentials.token, "credentials"), options)
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
    with warnings.catch_warnings():
        # google-auth warns too, of our line instead of the user's.
        warnings.simplefilter("ignore", DeprecationWarning)
        credentials: google.auth.credentials.Credentials = google.auth.load_credentials_from_file(
            options.credentials_file, scopes=options.scopes, default_scopes=default_scopes
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
    try:
        credentials: google.auth.credentials.Credentials = google.auth.default(
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
