"""Permits: admissions of single requests, which can be corrected by the tokens that were really used."""

from __future__ import annotations

from collections.abc import Callable

from gemwire.limits.token_count import prompt_tokens


class Permit:
    """Permission to send one request.

    Attributes:
        tokens: Tokens that are charged for it so far.
    """

    def __init__(self, tokens: float, charge: Callable[[float], object]) -> None:
        self.tokens = tokens
        self._charge = charge

    def settle(self, used: object) -> None:
        """Replace the estimated tokens by the ones used; later requests wait longer or shorter accordingly.

        Args:
            used: Number of tokens; or a response, whose ``usage_metadata.prompt_token_count`` is used. A
                response without it changes nothing.
        """
        tokens = used if isinstance(used, (int, float)) else prompt_tokens(used)
        if tokens is None or tokens == self.tokens:
            return
        difference, self.tokens = tokens - self.tokens, tokens
        self._charge(difference)
