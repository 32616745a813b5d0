"""Permits: admissions of single requests, which can be corrected by the tokens that were really used."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Number

from gemwire._arguments import check_number
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

        Raises:
            TypeError: It is neither a number nor a response.
            ValueError: It is negative or not finite.
        """
        if isinstance(used, (Number, str, bytes)) or used is None:
            tokens: float | None = check_number(
                "used", used, zero=True, expected="a number of tokens or a response"
            )
        else:
            tokens = prompt_tokens(used)
        if tokens is None or tokens == self.tokens:
            return
        difference, self.tokens = tokens - self.tokens, tokens
        self._charge(difference)
