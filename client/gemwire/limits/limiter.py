"""The rate limiter: one first-come, first-served queue for all event loops and threads of a process."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType

from gemwire._arguments import check_number
from gemwire._transport import fork
from gemwire.limits.bucket import Bucket
from gemwire.limits.permit import Permit
from gemwire.limits.token_count import counted_by, estimate

_named: dict[str, Limits] = {}
_named_lock = threading.Lock()


class Limits:
    """Requests and tokens that may start per minute. Requests are admitted in the order in which they come.

    Tokens refill evenly; unused ones are kept for `burst` seconds, so a burst is never larger than that or
    than one request. Including bursts, no minute exceeds the limit, except by one request where single
    requests are larger than a burst.

    One object counts for one process: a forked child counts for itself.

    Attributes:
        requests_per_minute: Requests that start in any minute; None for no limit.
        tokens_per_minute: Tokens of the requests that start in any minute; None for no limit.
        burst: Seconds' worth of the limit that may start at once.
        price: Function from an item of a pipeline to its tokens.
    """

    def __init__(
        self,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        *,
        price: Callable[..., float | Awaitable[float]] | None = None,
        burst: float = 1.0,
    ) -> None:
        """Create limits with a full burst available.

        Args:
            requests_per_minute: Requests; None for no limit.
            tokens_per_minute: Input tokens; None for no limit.
            price: Function from an item of a pipeline to its tokens; may be async. Default: `estimate`.
            burst: Seconds' worth of the limit that may start at once, up to 60.

        Raises:
            ValueError: A number is out of range, or no limit is given.
            TypeError: A limit is not a number, or the price is not callable.
        """
        if requests_per_minute is None and tokens_per_minute is None:
            raise ValueError("requests_per_minute, tokens_per_minute: give at least one of them")
        for name, value in (
            ("requests_per_minute", requests_per_minute),
            ("tokens_per_minute", tokens_per_minute),
            ("burst", burst),
        ):
            if value is not None:
                check_number(name, value)
        if burst > 60:
            raise ValueError(f"burst: {burst} is more than the 60 seconds of a minute")
        if price is not None and not callable(price):
            raise TypeError(f"price: expected a function from an item to its tokens, got {price!r}")
        self.requests_per_minute = requests_per_minute
        self.tokens_per_minute = tokens_per_minute
        self.burst = burst
        self.price = price or estimate
        self._reset()

    def _reset(self) -> None:
        self._generation = fork.generation()
        self._lock = threading.Lock()
        self._queue: deque[_Waiter] = deque()
        now = time.monotonic()
        self._requests = Bucket(self.requests_per_minute, self.burst, 1, now)
        self._tokens = Bucket(self.tokens_per_minute, self.burst, 0, now)

    def __repr__(self) -> str:
        return (
            f"Limits(requests_per_minute={self.requests_per_minute}, "
            f"tokens_per_minute={self.tokens_per_minute}, burst={self.burst})"
        )

    @classmethod
    def shared(
        cls,
        name: str,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        *,
        price: Callable[..., float | Awaitable[float]] | None = None,
        burst: float | None = None,
    ) -> Limits:
        """Return the limits of a name: the same object for every caller in this process.

        Args:
            name: Any name, such as the model, or the project and the model.
            requests_per_minute: As for `Limits`; needed only by the first caller.
            tokens_per_minute: As for `Limits`; needed only by the first caller.
            price: As for `Limits`.
            burst: As for `Limits`.

        Raises:
            ValueError: They exist with other values; or they do not exist and no limit is given.
        """
        with _named_lock:
            existing = _named.get(name)
            if existing is None:
                created = cls(
                    requests_per_minute, tokens_per_minute, price=price, burst=1.0 if burst is None else burst
                )
                return _named.setdefault(name, created)
        given = {
            "requests_per_minute": requests_per_minute,
            "tokens_per_minute": tokens_per_minute,
            "price": price,
            "burst": burst,
        }
        for argument, value in given.items():
            if value is not None and value != (current := getattr(existing, argument)):
                raise ValueError(
                    f"{argument}: limits named {name!r} already exist with {current}, not with {value}"
                )
        return existing

    @staticmethod
    def counted_by(client: object, model: str) -> Callable[[object], Awaitable[int]]:
        """Return a ``price`` that calls CountTokens once per item; that call costs no tokens.

        Args:
            client: A `GenerativeServiceAsyncClient`, a `GenerativeServiceClient`, or a `gemwire.genai.Client`
                or its ``aio``.
            model: Model whose tokens are counted.

        Returns:
            An async function of an item: what the client takes as ``contents``, or a request with contents.
        """
        return counted_by(client, model)

    async def acquire(self, tokens: float = 0) -> Permit:
        """Wait until a request may start.

        Args:
            tokens: Its input tokens, as far as known; see `estimate`.

        Returns:
            The permit, by which the tokens can be corrected afterwards.

        Raises:
            ValueError: The tokens are negative, or more than ``tokens_per_minute``.
        """
        self._check(tokens)
        with self._locked():
            if not self._head() and not self._delay(tokens):
                return self._grant(tokens)
            loop = asyncio.get_running_loop()
            woken = asyncio.Event()
            waiter = _Waiter(lambda: loop.call_soon_threadsafe(woken.set), lambda: not loop.is_closed())
            self._queue.append(waiter)
        try:
            while True:
                woken.clear()
                permit, delay = self._try_acquire(waiter, tokens)
                if permit is not None:
                    return permit
                timer = None if math.isinf(delay) else loop.call_later(delay, woken.set)
                try:
                    await woken.wait()
                finally:
                    if timer is not None:
                        timer.cancel()
        except BaseException:
            self._remove(waiter)
            raise

    def acquire_blocking(self, tokens: float = 0, timeout: float | None = None) -> Permit:
        """Block this thread until a request may start; see `acquire`.

        Args:
            tokens: Its input tokens, as far as known.
            timeout: Seconds to wait; None to wait indefinitely.

        Raises:
            ValueError: As for `acquire`.
            TimeoutError: No permit was available in time. Nothing is charged.
        """
        self._check(tokens)
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        with self._locked():
            if not self._head() and not self._delay(tokens):
                return self._grant(tokens)
            woken = threading.Event()
            waiter = _Waiter(woken.set, lambda: True)
            self._queue.append(waiter)
        try:
            while True:
                woken.clear()
                permit, delay = self._try_acquire(waiter, tokens)
                if permit is not None:
                    return permit
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise TimeoutError(  # noqa: TRY301 - the place in the queue is given up below
                        f"timeout: no permit for {tokens:g} tokens within {timeout} s"
                    )
                wait = min(delay, remaining)
                woken.wait(None if math.isinf(wait) else wait)
        except BaseException:
            self._remove(waiter)
            raise

    def reserve(self, tokens: float = 0) -> Reservation:
        """Return a context manager, async and sync, that acquires a permit on entry; see `acquire`."""
        self._check(tokens)
        return Reservation(self, tokens)

    def waiting(self) -> int:
        """Return how many requests wait for a permit."""
        return len(self._queue)

    def _check(self, tokens: float) -> None:
        if not tokens >= 0:
            raise ValueError(f"tokens: {tokens} is not a number of tokens")
        if self.tokens_per_minute is not None and tokens > self.tokens_per_minute:
            raise ValueError(
                f"tokens: {tokens:g} exceeds tokens_per_minute ({self.tokens_per_minute:g}), so the request "
                "could never start; make it smaller or raise the limit"
            )

    def _locked(self) -> threading.Lock:
        if self._generation != fork.generation():
            # Neither the lock nor the waiters survive a fork.
            self._reset()
        return self._lock

    def _charge(self, tokens: float) -> None:
        """Charge more tokens, or give back a negative number."""
        with self._locked():
            self._tokens.take(tokens)
            self._wake_head()

    def _try_acquire(self, waiter: _Waiter, tokens: float) -> tuple[Permit | None, float]:
        """Return a permit if it is the waiter's turn; else None and the seconds, inf for "when woken"."""
        with self._locked():
            if self._head() is not waiter:
                return None, math.inf
            delay = self._delay(tokens)
            if delay:
                return None, delay
            self._queue.popleft()
            permit = self._grant(tokens)
            self._wake_head()
            return permit, 0.0

    def _remove(self, waiter: _Waiter) -> None:
        with self._locked():
            if waiter in self._queue:
                self._queue.remove(waiter)
                self._wake_head()

    # The following run under the lock.

    def _delay(self, tokens: float) -> float:
        """Return the seconds until a request may start, if it is the next one."""
        now = time.monotonic()
        return max(self._requests.delay(1, now), self._tokens.delay(tokens, now))

    def _grant(self, tokens: float) -> Permit:
        self._requests.take(1)
        self._tokens.take(tokens)
        return Permit(tokens, self._charge)

    def _head(self) -> _Waiter | None:
        """Return the first waiter. Waiters of an event loop that was closed are dropped."""
        while self._queue and not self._queue[0].alive():
            self._queue.popleft()
        return self._queue[0] if self._queue else None

    def _wake_head(self) -> None:
        head = self._head()
        if head:
            # The loop may be closed at this very moment; the next call drops the waiter then.
            with contextlib.suppress(RuntimeError):
                head.wake()


class _Waiter:
    """A queued request: ``wake`` may be called from any thread, ``alive`` says whether that has an effect."""

    __slots__ = ("alive", "wake")

    def __init__(self, wake: Callable[[], object], alive: Callable[[], bool]) -> None:
        self.wake = wake
        self.alive = alive


class Reservation:
    """Context manager, async and sync, whose body starts once it has a permit; see `Limits.reserve`."""

    def __init__(self, limits: Limits, tokens: float) -> None:
        self._limits = limits
        self._tokens = tokens

    async def __aenter__(self) -> Permit:
        return await self._limits.acquire(self._tokens)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def __enter__(self) -> Permit:
        return self._limits.acquire_blocking(self._tokens)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return
