"""What one gets of limits."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

from gemwire.limits.token_count import used_tokens

if TYPE_CHECKING:
    from gemwire.limits.limiter import Limits


class Permit:
    """A request that may begin.

    Attributes:
        tokens: What was taken for it so far.
    """

    def __init__(self, limits: Limits, tokens: float) -> None:
        self.tokens = tokens
        self._limits = limits

    def settle(self, used: Any) -> None:
        """Correct what was taken by what was used; those who come next wait longer, or less long.

        Args:
            used: Tokens; or a response, whose ``usage_metadata.prompt_token_count`` is taken. A response
                without it changes nothing.
        """
        tokens = used if isinstance(used, (int, float)) else used_tokens(used)
        if tokens is None or tokens == self.tokens:
            return
        more, self.tokens = tokens - self.tokens, tokens
        self._limits.correct(more)


class Reservation:
    """What `Limits.reserve` gives."""

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
