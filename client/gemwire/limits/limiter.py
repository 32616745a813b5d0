"""Who may begin when: one queue for all event loops and threads of a process."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from gemwire._transport import fork
from gemwire.limits.bucket import Bucket
from gemwire.limits.permit import Permit, Reservation
from gemwire.limits.token_count import counted_by, estimate

_named: dict[str, Limits] = {}
_named_lock = threading.Lock()


class Limits:
    """How much may be begun in a minute. Whoever came first is served first.

    Tokens flow in evenly, and what nobody takes is kept for `burst` seconds only; so a burst is never
    larger than that, or than one request. With it, no minute sees more than the limit, or than the limit
    and one request where single requests are larger than a burst.

    One object counts for one process: children that it forks count for themselves.

    Attributes:
        requests_per_minute: Requests begun in any minute; None for no limit.
        tokens_per_minute: Tokens of the requests begun in any minute; None for no limit.
        burst: Seconds whose worth may be begun at once.
        price: Tokens of an item, for pipelines.
    """

    def __init__(
        self,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        *,
        price: Callable[[Any], Any] | None = None,
        burst: float = 1.0,
    ) -> None:
        """Nothing was used yet.

        Args:
            requests_per_minute: Requests; None for no limit.
            tokens_per_minute: Input tokens; None for no limit.
            price: From an item of a pipeline to its tokens; may be async. Default: `estimate`.
            burst: Seconds whose worth may be begun at once, up to 60.

        Raises:
            ValueError: A number is out of range, or there is no limit at all.
            TypeError: A limit is no number, or the price cannot be called.
        """
        if requests_per_minute is None and tokens_per_minute is None:
            raise ValueError("requests_per_minute, tokens_per_minute: give at least one of them")
        _check("requests_per_minute", requests_per_minute)
        _check("tokens_per_minute", tokens_per_minute)
        _check("burst", burst)
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
        **options: Any,
    ) -> Limits:
        """The limits of a name, the same object for all who ask for it.

        Args:
            name: Any; for instance the model, or the project and the model.
            requests_per_minute: As for `Limits`; whoever asks first says it.
            tokens_per_minute: The same.
            **options: ``price`` and ``burst``, where they are made.

        Raises:
            ValueError: They exist with other numbers; or they do not exist, and no limit is given.
        """
        with _named_lock:
            found = _named.get(name)
            if found is None:
                found = _named[name] = cls(requests_per_minute, tokens_per_minute, **options)
                return found
        for argument, value in (
            ("requests_per_minute", requests_per_minute),
            ("tokens_per_minute", tokens_per_minute),
            *options.items(),
        ):
            if value is not None and value != getattr(found, argument):
                has = getattr(found, argument)
                raise ValueError(f"{argument}: the limits named {name!r} exist with {has}, not with {value}")
        return found

    @staticmethod
    def counted_by(client: Any, model: str) -> Callable[[Any], Awaitable[int]]:
        """A ``price`` that asks the API; each question is a call of its own, which costs no tokens.

        Args:
            client: A `GenerativeServiceAsyncClient`, a `GenerativeServiceClient`, or a `gemwire.genai.Client`
                or its ``aio``.
            model: The model whose tokens are counted.

        Returns:
            An async function of one item: what the client takes as ``contents``, or a request with contents.
        """
        return counted_by(client, model)

    async def acquire(self, tokens: float = 0) -> Permit:
        """Wait until a request of so many tokens may begin.

        Args:
            tokens: Its input tokens, as far as one knows; `estimate` gives a guess.

        Returns:
            The permit, which can be corrected afterwards.

        Raises:
            ValueError: It is larger than a whole minute's tokens, or negative.
        """
        self._check(tokens)
        with self._locked():
            if not self._first() and not self._delay(tokens):
                return self._granted(tokens)
            loop = asyncio.get_running_loop()
            woken = asyncio.Event()
            waiter = _Waiter(lambda: loop.call_soon_threadsafe(woken.set), lambda: not loop.is_closed())
            self._queue.append(waiter)
        try:
            while True:
                woken.clear()
                delay = self._turn(waiter, tokens)
                if delay == 0:
                    return Permit(self, tokens)
                timer = None if math.isinf(delay) else loop.call_later(delay, woken.set)
                try:
                    await woken.wait()
                finally:
                    if timer is not None:
                        timer.cancel()
        except BaseException:
            self._leave(waiter)
            raise

    def acquire_blocking(self, tokens: float = 0, timeout: float | None = None) -> Permit:
        """The same for threads; see `acquire`.

        Args:
            tokens: Input tokens of the request.
            timeout: Seconds to wait; None for as long as it takes.

        Raises:
            ValueError: As `acquire`.
            TimeoutError: It was not its turn in time. Nothing was taken.
        """
        self._check(tokens)
        end = None if timeout is None else time.monotonic() + timeout
        with self._locked():
            if not self._first() and not self._delay(tokens):
                return self._granted(tokens)
            woken = threading.Event()
            waiter = _Waiter(woken.set, lambda: True)
            self._queue.append(waiter)
        try:
            while True:
                woken.clear()
                delay = self._turn(waiter, tokens)
                if delay == 0:
                    return Permit(self, tokens)
                left = math.inf if end is None else end - time.monotonic()
                if left <= 0:
                    raise TimeoutError(  # noqa: TRY301 - the place in the queue is given up below
                        f"timeout: no permit for {tokens:g} tokens within {timeout} s"
                    )
                wait = min(delay, left)
                woken.wait(None if math.isinf(wait) else wait)
        except BaseException:
            self._leave(waiter)
            raise

    def reserve(self, tokens: float = 0) -> Reservation:
        """The same for ``async with`` and ``with``: the block begins when it may; see `acquire`."""
        self._check(tokens)
        return Reservation(self, tokens)

    def waiting(self) -> int:
        """How many wait for their turn now."""
        return len(self._queue)

    # Under the lock --------------------------------------------------------------------------------

    def _locked(self) -> threading.Lock:
        if self._generation != fork.generation():
            # Locks and those who wait did not survive the fork.
            self._reset()
        return self._lock

    def _check(self, tokens: float) -> None:
        if not tokens >= 0:
            raise ValueError(f"tokens: {tokens} is not a number of tokens")
        if self.tokens_per_minute is not None and tokens > self.tokens_per_minute:
            raise ValueError(
                f"tokens: {tokens:g} are more than tokens_per_minute ({self.tokens_per_minute:g}): "
                "such a request could never begin; make it smaller or raise the limit"
            )

    def _delay(self, tokens: float) -> float:
        """Seconds until a request may begin, if nobody were before it."""
        now = time.monotonic()
        return max(self._requests.delay(1, now), self._tokens.delay(tokens, now))

    def _granted(self, tokens: float) -> Permit:
        self._requests.take(1)
        self._tokens.take(tokens)
        return Permit(self, tokens)

    def _turn(self, waiter: _Waiter, tokens: float) -> float:
        """0 when it is this one's turn, and it is taken; else seconds, infinite for "when woken"."""
        with self._locked():
            if self._first() is not waiter:
                return math.inf
            delay = self._delay(tokens)
            if not delay:
                self._queue.popleft()
                self._granted(tokens)
                self._wake()
            return delay

    def _leave(self, waiter: _Waiter) -> None:
        with self._locked():
            if waiter in self._queue:
                self._queue.remove(waiter)
                self._wake()

    def _first(self) -> _Waiter | None:
        """Whose turn it is. An event loop that was closed before its tasks ended gives up their places."""
        while self._queue and not self._queue[0].alive():
            self._queue.popleft()
        return self._queue[0] if self._queue else None

    def _wake(self) -> None:
        """Have the first in the queue look again."""
        first = self._first()
        if first:
            # Closed this very moment: whoever comes next sees it.
            with contextlib.suppress(RuntimeError):
                first.wake()

    def correct(self, tokens: float) -> None:
        """Take more, or give back what is negative."""
        with self._locked():
            self._tokens.take(tokens)
            self._wake()


class _Waiter:
    """One who waits: what wakes it, from any thread, and whether it can still be woken."""

    __slots__ = ("alive", "wake")

    def __init__(self, wake: Callable[[], Any], alive: Callable[[], bool]) -> None:
        self.wake = wake
        self.alive = alive


def _check(name: str, value: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name}: expected a number, got {value!r}")
    if not 0 < value < math.inf:
        raise ValueError(f"{name}: {value} is not a positive number")
