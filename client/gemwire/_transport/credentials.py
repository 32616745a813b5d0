"""API keys and OAuth tokens: how credentials are found and kept fresh.

No gRPC auth plugin is used: it costs a thread and 60 to 85 µs a call
(benchmarks/overhead.py). Instead the metadata pairs of the current token are
cached, and a background thread refreshes the token before it expires.
"""

from __future__ import annotations

import datetime
import logging
import os
import sys
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

from gemwire._transport import fork, metadata
from gemwire.errors import Unauthenticated
from gemwire.options import ClientOptions

_logger = logging.getLogger("gemwire")

Pairs = tuple[tuple[str, str], ...]

#: Seconds before a token's expiry at which its renewal starts; half its life if that is less.
_MARGIN = 300.0
#: Seconds between two tries to renew a token that still lives.
_RETRY_PAUSE = 10.0


class ApiKey:
    """An API key, or no credentials at all: pairs that never change."""

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs

    def __repr__(self) -> str:
        return "<ApiKey>" if self._pairs else "<no credentials>"

    @property
    def secret(self) -> bool:
        """Whether there is something to keep secret."""
        return bool(self._pairs)

    def pairs(self, now: float) -> Pairs:
        """The pairs to send."""
        return self._pairs

    def refused(self, pairs: Pairs) -> bool:
        """A key that the service refuses cannot be renewed."""
        return False


@dataclass(frozen=True)
class _Fresh:
    """Pairs, and until when they serve (``time.monotonic`` seconds)."""

    pairs: Pairs
    renew_at: float
    expires_at: float


_NOTHING = _Fresh((), 0.0, 0.0)
_REFUSED = _Fresh((), 0.0, 0.0)


class Token:
    """google-auth credentials, renewed in the background, one renewal at a time.

    While the token lives, a failing renewal fails no call: it is logged and tried again.
    """

    def __init__(self, credentials: Any, audience: str, quota_project_id: str | None) -> None:
        """Nothing is fetched before the first call.

        Args:
            credentials: google-auth credentials.
            audience: Host that self-signed tokens of a service account are made for.
            quota_project_id: Project to send as ``x-goog-user-project``.
        """
        self.credentials = credentials
        self._audience = audience
        self._quota_project_id = quota_project_id
        self._fresh = _NOTHING
        self._generation = fork.generation()
        self._lock = threading.Lock()
        self._renewal: Future[Pairs] | None = None

    def __repr__(self) -> str:
        return f"<Token of {type(self.credentials).__module__}.{type(self.credentials).__name__}>"

    @property
    def secret(self) -> bool:
        """Whether there is something to keep secret."""
        return True

    def pairs(self, now: float) -> Pairs | Future[Pairs]:
        """The pairs to send, or, without a living token, a future that gives them."""
        fresh = self._fresh
        if now < fresh.renew_at:
            return fresh.pairs
        renewal = self._renew()
        return fresh.pairs if now < fresh.expires_at else renewal

    def refused(self, pairs: Pairs) -> bool:
        """Note that the service refused ``pairs``.

        Returns:
            Whether another call is worth a try: they are renewed now, or were meanwhile.
        """
        if self._fresh.pairs is pairs:
            self._fresh = _REFUSED
        return True

    def _renew(self) -> Future[Pairs]:
        if self._generation != fork.generation():
            # A fork may have copied a lock that is held and a thread that is not there.
            self._lock, self._renewal, self._generation = threading.Lock(), None, fork.generation()
        with self._lock:
            if self._renewal is None:
                self._renewal = Future()
                # Marked as running, so that one caller that is cancelled does not cancel it for all.
                self._renewal.set_running_or_notify_cancel()
                thread = threading.Thread(
                    target=self._run, args=(self._renewal,), name="gemwire-credentials", daemon=True
                )
                thread.start()
            return self._renewal

    def _run(self, renewal: Future[Pairs]) -> None:
        try:
            fresh = self._fetch()
        except Exception as error:
            now = time.monotonic()
            alive = self._fresh
            if now < alive.expires_at:
                wait = min(_RETRY_PAUSE, (alive.expires_at - now) / 2)
                self._fresh = _Fresh(alive.pairs, now + wait, alive.expires_at)
                _logger.warning(
                    "credentials could not be renewed, the token lives on: %s", type(error).__name__
                )
            with self._lock:
                self._renewal = None
            renewal.set_exception(
                Unauthenticated(
                    f"the credentials gave no token: {error}",
                    hint="Check the credentials and the way to their token endpoint.",
                )
            )
            return
        self._fresh = fresh
        with self._lock:
            self._renewal = None
        renewal.set_result(fresh.pairs)

    def _fetch(self) -> _Fresh:
        # Imported here: it brings requests, which a caller with an API key never needs.
        from google.auth.transport.requests import Request

        request = Request()
        if hasattr(self.credentials, "_create_self_signed_jwt"):
            # AIP-4111: a service account signs its own token for the service.
            self.credentials._create_self_signed_jwt(f"https://{self._audience}/")
        headers: dict[str, str] = {}
        if self._fresh is not _NOTHING and self.credentials.valid:
            # google-auth would go on with the token that is to be replaced.
            self.credentials.refresh(request)
            self.credentials.apply(headers)
        else:
            # Gets a token where there is none, and takes one that serves, such as a plain access token.
            self.credentials.before_request(request, "POST", f"https://{self._audience}/", headers)
        headers.pop("x-goog-api-client", None)
        if self._quota_project_id:
            headers["x-goog-user-project"] = self._quota_project_id
        metadata.validate(tuple(headers.items()), "credentials")
        now = time.monotonic()
        expiry = getattr(self.credentials, "expiry", None)
        if expiry is None:
            return _Fresh(tuple(headers.items()), float("inf"), float("inf"))
        # google-auth's expiry is UTC without saying so.
        left = (
            expiry.replace(tzinfo=datetime.timezone.utc) - datetime.datetime.now(datetime.timezone.utc)
        ).total_seconds()
        return _Fresh(tuple(headers.items()), now + max(left - _MARGIN, left / 2), now + left)


Authorization = ApiKey | Token


def check_api_key(key: object, argument: str) -> str:
    """Refuse what cannot be a key, without showing it.

    Raises:
        TypeError: It is not a string.
        ValueError: It is empty, or holds a character that no header can.
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


def environment_key() -> tuple[str, str] | None:
    """The variable that holds an API key, and the key: GOOGLE_API_KEY, then GEMINI_API_KEY."""
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
    if credentials is None and (found := environment_key()):
        return _from_key(found[1], options)
    if credentials is None:
        credentials = _load_default(options, default_scopes)
        if hasattr(credentials, "with_gdch_audience"):
            credentials = credentials.with_gdch_audience(options.api_audience or host)
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
    credentials = google.auth.credentials.with_scopes_if_required(
        credentials, scopes=options.scopes, default_scopes=default_scopes
    )
    if hasattr(credentials, "with_always_use_jwt_access"):
        credentials = credentials.with_always_use_jwt_access(always_use_jwt_access)
    return Token(credentials, audience, options.quota_project_id)


def _duplicate() -> Exception:
    text = "'credentials_file' and 'credentials' are mutually exclusive"
    try:
        from google.api_core.exceptions import DuplicateCredentialArgs
    except ImportError:
        return ValueError(text)

    # Google's own class where it can be had, so that code that catches it goes on working.
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
    frame, depth = sys._getframe(1), 1
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("gemwire."):
        frame, depth = frame.f_back, depth + 1
    return depth


def _load_default(
    options: ClientOptions, default_scopes: Sequence[str]
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
    return credentials
