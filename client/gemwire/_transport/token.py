"""OAuth tokens, kept fresh by a background thread.

No gRPC auth plugin is used: it costs a thread and 60 to 85 µs a call (benchmarks/overhead.py). Instead the
metadata pairs of the current token are cached, and refreshed before the token expires.
"""

from __future__ import annotations

import datetime
import logging
import math
import random
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gemwire._log import log
from gemwire._secret import Secret, drop_frames, iterate_chain
from gemwire._transport import fork, metadata
from gemwire.errors import APIError, Unauthenticated, Unavailable

# google-auth is imported late: see `gemwire._transport.credentials`.
if TYPE_CHECKING:
    import google.auth.credentials

Pairs = tuple[tuple[str, str], ...]

#: Seconds before a token expires at which its refresh starts; half of its lifetime if that is less.
_REFRESH_MARGIN = 300.0
#: Seconds between attempts to refresh a token that is still valid.
_RETRY_PAUSE = 10.0
#: Seconds: bounds of the first and of any pause before an unreachable token endpoint is tried again.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
#: Seconds after which a refresh counts as stuck, and another one starts beside it.
STUCK_AFTER = 60.0


@dataclass(frozen=True)
class RefreshFailed:
    """A refresh that failed.

    Attributes:
        cause: What the credentials raised.
        retry_at: When another refresh may succeed (``time.monotonic``); None if none will.
    """

    cause: BaseException
    retry_at: float | None

    def to_error(self, method: str) -> APIError:
        """Build the error of a call that needs the token."""
        if self.retry_at is None:
            error: APIError = Unauthenticated(
                f"the credentials gave no token: {_describe(self.cause)}",
                method=method,
                hint="Check the credentials and the connection to their token endpoint.",
            )
        else:
            error = Unavailable(
                f"the credentials gave no token yet: {_describe(self.cause)}",
                method=method,
                hint="Check the connection to their token endpoint, or raise the timeout of the call.",
            )
        error.__cause__ = self.cause
        return error


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

    While the token is valid, a failed refresh fails no call: it is logged and retried. A refresh that hangs
    holds up the calls that wait for it no longer than `STUCK_AFTER`.
    """

    def __init__(
        self,
        credentials: google.auth.credentials.Credentials,
        audience: str,
        quota_project_id: str | None,
    ) -> None:
        """Initialize a token. Nothing is fetched before the first call."""
        self.credentials = credentials
        self._audience = audience
        self._quota_project_id = quota_project_id
        self._cached = _NOT_FETCHED
        self._reset()

    def _reset(self) -> None:
        self._generation = fork.generation()
        self._lock = threading.Lock()
        self._pending: Future[Pairs | RefreshFailed] | None = None
        # The latest failure since the latest success, while no token is valid.
        self._failed: RefreshFailed | None = None
        self._failures = 0
        # Threads that refresh: more than one if the first are stuck.
        self._running = 0
        self._stuck_at = 0.0

    def __repr__(self) -> str:
        return f"<Token of {type(self.credentials).__module__}.{type(self.credentials).__name__}>"

    @property
    def is_secret(self) -> bool:
        """Whether its metadata is secret."""
        return True

    def pairs(self, now: float) -> Pairs | Future[Pairs | RefreshFailed]:
        """Return the metadata to send; without a valid token, a future of it."""
        cached = self._cached
        if now < cached.refresh_at:
            return cached.pairs
        refresh = self._refresh(now)
        return cached.pairs if now < cached.expires_at else refresh

    def session_pairs(self, now: float) -> Pairs | Future[Pairs | RefreshFailed]:
        """Return the metadata to open a live session with; see `pairs`."""
        return self.pairs(now)

    def invalidate(self, pairs: Pairs) -> bool:
        """Refresh the token before the next call, if its metadata is still ``pairs``.

        Returns:
            Whether another attempt can succeed: the token is refreshed for it, or was since.
        """
        if self._cached.pairs is pairs:
            self._cached = _INVALIDATED
        return True

    def _refresh(self, now: float) -> Future[Pairs | RefreshFailed]:
        """Return the refresh that runs or, if it is due, a new one."""
        if self._generation != fork.generation():
            # A fork may have copied a lock that is held, and copies no threads.
            self._reset()
        with self._lock:
            failed, refresh = self._failed, self._pending
            if refresh is None:
                refresh = Future()
                # Marked as running, so that a caller that is cancelled does not cancel it for all.
                refresh.set_running_or_notify_cancel()
                if failed and failed.retry_at is not None and now < failed.retry_at:
                    refresh.set_result(failed)
                    return refresh
                self._pending = refresh
            elif now < self._stuck_at:
                return refresh
            # Longer with each that is stuck, so that few threads are ever left behind.
            self._stuck_at = now + STUCK_AFTER * 2**self._running
            self._running += 1
        thread = threading.Thread(target=self._run, args=(refresh,), name="gemwire-credentials", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            # There are too many threads, or the interpreter shuts down.
            self._fail(refresh, error, is_temporary=True)
        return refresh

    def _run(self, refresh: Future[Pairs | RefreshFailed]) -> None:
        try:
            fetched = self._fetch()
        except BaseException as error:
            from google.auth.exceptions import GoogleAuthError

            drop_frames(error)
            if isinstance(error, GoogleAuthError):
                error.args = tuple(map(_without_tokens, error.args))
            self._fail(refresh, error, _is_temporary(error))
            return
        with self._lock:
            self._running -= 1
            self._failed, self._failures = None, 0
            if self._pending is refresh:
                self._pending, self._cached = None, fetched
                refresh.set_result(fetched.pairs)
            elif fetched.expires_at > self._cached.expires_at:
                # It was stuck, and the token of the one beside it is older.
                self._cached = fetched

    def _fail(self, refresh: Future[Pairs | RefreshFailed], error: BaseException, is_temporary: bool) -> None:
        now = time.monotonic()
        with self._lock:
            self._running -= 1
            if self._pending is not refresh:
                return
            self._pending = None
            cached, wait = self._cached, self._next_pause() if is_temporary else 0.0
            failed = RefreshFailed(error, now + wait if is_temporary else None)
            if is_valid := now < cached.expires_at:
                wait = min(_RETRY_PAUSE, (cached.expires_at - now) / 2)
                self._cached = replace(cached, refresh_at=now + wait)
            self._failed = None if is_valid else failed
            refresh.set_result(failed)
        if is_valid or is_temporary:
            state = "the current one is still valid" if is_valid else "there is none"
            text = "the token could not be refreshed (%s), and %s; trying again in %.1f s"
            log(logging.WARNING, text, type(error).__name__, state, wait)

    def _next_pause(self) -> float:
        bound = min(_FIRST_PAUSE * 2.0**self._failures, _LONGEST_PAUSE)
        self._failures = min(self._failures + 1, 16)
        return random.uniform(bound / 2, bound)  # noqa: S311 - not a secret

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
        pairs = tuple((name, Secret(value)) for name, value in headers.items())
        metadata.validate(pairs, "credentials")
        now = time.monotonic()
        expiry = getattr(self.credentials, "expiry", None)
        if expiry is None:
            return _CachedToken(pairs, math.inf, math.inf)
        # The expiry of google-auth is naive, in UTC.
        left = (
            expiry.replace(tzinfo=datetime.timezone.utc) - datetime.datetime.now(datetime.timezone.utc)
        ).total_seconds()
        return _CachedToken(pairs, now + max(left - _REFRESH_MARGIN, left / 2), now + left)


def _is_temporary(error: BaseException) -> bool:
    """Return whether another refresh may succeed: the token endpoint was not reached, or says so."""
    import ssl

    from google.auth.exceptions import GoogleAuthError, TransportError

    chain = list(iterate_chain(error))
    if any(isinstance(one, ssl.SSLCertVerificationError) for one in chain):
        return False
    return any(
        isinstance(one, (TransportError, ConnectionError, TimeoutError))
        or (isinstance(one, GoogleAuthError) and one.retryable)
        for one in chain
    )


def _without_tokens(argument: object) -> object:
    """Return an argument of google-auth's errors; of a token endpoint's response, only what says why."""
    if isinstance(argument, dict):
        return {name: value for name, value in argument.items() if name.startswith("error")}
    return argument


def _describe(error: BaseException) -> str:
    """Return the text of an error; that of google-auth's without the data that follows it."""
    from google.auth.exceptions import GoogleAuthError

    text = str(error.args[0] if isinstance(error, GoogleAuthError) and error.args else error)
    return text if text and isinstance(error, Exception) else f"{type(error).__name__} {text}".strip()
