"""The filter of ListTunedModels: words to look for, and whom a model must be shared with."""

from __future__ import annotations

import re
from typing import Any

from gemwire_emulator.errors import invalid_argument, quote
from gemwire_emulator.services.permissions import OWNER, READER, WRITER, role_of
from gemwire_emulator.state import State

_TERM = re.compile(r'\s*(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+))(?=\s|\Z)')
_ROLES = {"owner": OWNER, "writers": WRITER, "readers": READER}
_ME = "me"
_EVERYONE = "everyone"


class TunedModelFilter:
    """A parsed filter. All of its terms must hold."""

    def __init__(self, text: str, me: str) -> None:
        """Parse it.

        Args:
            text: Such as ``translator owner:me`` or ``"two words" readers:everyone``.
            me: E-mail address of the caller.

        Raises:
            StatusError: INVALID_ARGUMENT for a quote without its partner, or an operator that there is not.
        """
        self._me = me
        self._words: list[str] = []
        self._grants: list[tuple[int, str]] = []
        self._public = False
        text, at = text.rstrip(), 0
        while at < len(text):
            term = _TERM.match(text, at)
            if term is None:
                raise invalid_argument(
                    "filter", f"{quote(text[at:].strip())} has a quotation mark without its partner"
                )
            at = term.end()
            if term["phrase"] is not None:
                self._words.append(term["phrase"].casefold())
            else:
                self._add(term["word"])

    def _add(self, word: str) -> None:
        operator, colon, who = word.partition(":")
        if not colon:
            self._words.append(word.casefold())
        elif operator == "readers" and who == _EVERYONE:
            self._public = True
        elif operator in _ROLES and who == _ME:
            self._grants.append((_ROLES[operator], self._me))
        elif operator in _ROLES and "@" in who:
            self._grants.append((_ROLES[operator], who))
        else:
            raise invalid_argument(
                "filter",
                f"{quote(word)} is none of owner:me, writers:me, readers:me and readers:everyone "
                "(or an e-mail address in the place of me); put text with a colon in quotation marks",
            )

    def accepts(self, state: State, tenant: str, model: Any) -> bool:
        """Whether a tuned model belongs in the list.

        What is only shared with everyone does not, unless the filter asks for it.
        """
        if not role_of(state, tenant, model.name, self._me, public=self._public):
            return False
        if self._public and not role_of(state, tenant, model.name, ""):
            return False
        for role, who in self._grants:
            # A role includes those below it, and the numbers fall with power.
            has = role_of(state, tenant, model.name, who, public=False)
            if not has or has > role:
                return False
        said = f"{model.display_name}\n{model.description}".casefold()
        return all(word in said for word in self._words)
