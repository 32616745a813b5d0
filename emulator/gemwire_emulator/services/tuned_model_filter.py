"""The filter of ListTunedModels: words to search for, and the access that a model must grant."""

from __future__ import annotations

import re

from gemwire_emulator.errors import invalid_argument, quote
from gemwire_emulator.services.permissions import OWNER, READER, WRITER, get_role
from gemwire_emulator.state import State
from gemwire_proto import v1beta

_TERM = re.compile(
    r'\s*(?:(?:display_?name\s*=\s*"(?P<title>[^"]*)")|"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+))(?=\s|\Z)',
    re.IGNORECASE,
)
_ROLES = {"owner": OWNER, "writers": WRITER, "readers": READER}
_ME = "me"
_EVERYONE = "everyone"


class TunedModelFilter:
    """A parsed filter, all of whose terms must match."""

    def __init__(self, text: str, me: tuple[str, ...]) -> None:
        """Parse a filter.

        Args:
            text: The filter, such as ``translator owner:me``, ``"two words" readers:everyone`` or
                ``displayName="Mine"``.
            me: E-mail addresses of the caller and of the caller's groups.

        Raises:
            StatusError: INVALID_ARGUMENT; a quotation mark is not closed, or an operator does not exist.
        """
        self._me = me
        self._words: list[str] = []
        self._titles: list[str] = []
        self._grants: list[tuple[int, tuple[str, ...]]] = []
        self._public = False
        text, at = text.rstrip(), 0
        while at < len(text):
            term = _TERM.match(text, at)
            if term is None:
                raise invalid_argument("filter", f"{quote(text[at:].strip())} has an unclosed quotation mark")
            at = term.end()
            if term["title"] is not None:
                self._titles.append(term["title"])
            elif term["phrase"] is not None:
                self._words.append(term["phrase"].casefold())
            else:
                self._add(term["word"])

    def _add(self, word: str) -> None:
        operator, colon, email = word.partition(":")
        if not colon:
            self._words.append(word.casefold())
        elif operator == "readers" and email == _EVERYONE:
            self._public = True
        elif operator in _ROLES and email == _ME:
            self._grants.append((_ROLES[operator], self._me))
        elif operator in _ROLES and "@" in email:
            self._grants.append((_ROLES[operator], (email.lower(),)))
        else:
            raise invalid_argument(
                "filter",
                f"{quote(word)} is not one of owner:me, writers:me, readers:me and readers:everyone "
                "(or an e-mail address instead of me); put text with a colon in quotation marks",
            )

    def accepts(self, state: State, tenant: str, model: v1beta.TunedModel) -> bool:
        """Return whether a tuned model matches.

        A model that is only shared with everyone does not, unless the filter asks for it.
        """
        if not get_role(state, tenant, model.name, self._me, public=self._public):
            return False
        if self._public and not get_role(state, tenant, model.name, ()):
            return False
        for role, addresses in self._grants:
            # A role includes the less powerful ones, which have larger numbers.
            has = get_role(state, tenant, model.name, addresses, public=False)
            if not has or has > role:
                return False
        if any(title != model.display_name for title in self._titles):
            return False
        text = f"{model.display_name}\n{model.description}".casefold()
        return all(word in text for word in self._words)
