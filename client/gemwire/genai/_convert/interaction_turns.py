"""Interactions that end at the limit of one request, and the turns that several of them make up."""

from __future__ import annotations

from collections.abc import Sequence

from gemwire.errors import DeadlineExceeded, GemwireError, ServerError
from gemwire.genai._types.interactions import Interaction
from gemwire_proto import interactions
from gemwire_proto.interactions import views

_Request = interactions.CreateInteractionRequest
_Event = interactions.InteractionSSEEvent

_REQUIRES = "requires_continuation"
_RESUMABLE = frozenset({"", "in_progress", _REQUIRES})
#: Lists of counts in the usage, and the field by which their items are added up.
_COUNT_LISTS = {
    "cached_tokens_by_modality": ("modality", "tokens"),
    "input_tokens_by_modality": ("modality", "tokens"),
    "output_tokens_by_modality": ("modality", "tokens"),
    "tool_use_tokens_by_modality": ("modality", "tokens"),
    "grounding_tool_count": ("type", "count"),
}
#: Requests in a row without progress after which a stream that breaks is given up.
_MAX_RECONNECTS = 3


def is_continued(request: _Request, automatic: bool | None) -> bool:
    """Return whether interactions of a request are continued here; in the background the service does it.

    Raises:
        ValueError: Automatic continuation is off, and the interaction runs in the background.
    """
    if request.background and automatic is False:
        raise ValueError("automatic_continuation: must not be False with background; the service continues")
    by_service = request.background or request.agent or request.HasField("agent_config")
    return automatic is not False and not by_service


def find_token(interaction: Interaction) -> str:
    """Return the token with which an interaction goes on; empty if it does not."""
    return (interaction.status == _REQUIRES and interaction.continuation_token) or ""


def to_following(request: _Request, token: str, owner: str) -> _Request:
    """Return the request that goes on with an interaction; where it is stored, its input is not sent again.

    Args:
        request: The first request of the turn.
        token: Token of the interaction.
        owner: Id of the interaction that issued the token; empty for a token of the program's.
    """
    following = _Request()
    following.CopyFrom(request)
    following.continuation_token = token
    if owner and (request.store or not request.HasField("store")):
        following.previous_interaction_id = owner
        following.ClearField("input")
    return following


def merge(parts: Sequence[Interaction]) -> Interaction:
    """Return the interactions of one turn as one: the last one, with the steps and the usage of all."""
    first, whole = parts[0], parts[-1].model_copy()
    steps = list(first.steps or ())
    for part in parts[1:]:
        own = list(part.steps or ())
        # The input again would cut the text of the output short.
        while own and own[0].type == "user_input":
            del own[0]
        steps += own
    if len(parts) > 1:
        whole.steps = steps
        whole.previous_interaction_id, whole.created = first.previous_interaction_id, first.created
        whole.input = first.input
        whole.usage = _merge_usage([part.usage for part in parts if part.usage is not None])
    whole.continuation_ids = [part.id for part in parts if part.id]
    return whole


def _merge_usage(usages: Sequence[views.Usage]) -> views.Usage | None:
    if not usages:
        return None
    whole = usages[-1].model_copy()
    for name in views.Usage.model_fields:
        values = [value for usage in usages if (value := getattr(usage, name)) is not None]
        if name in _COUNT_LISTS:
            key, count = _COUNT_LISTS[name]
            totals: dict[object, int] = {}
            for item in (item for items in values for item in items):
                totals[getattr(item, key)] = totals.get(getattr(item, key), 0) + (getattr(item, count) or 0)
            setattr(whole, name, [{key: kind, count: total} for kind, total in totals.items()])
        elif values and all(isinstance(value, int) for value in values):
            setattr(whole, name, sum(values))
    return whole


class StreamedTurn:
    """Where the events of one turn are, which several requests may stream."""

    def __init__(self, request: _Request) -> None:
        """Begin with the first request."""
        self._stored = request.store or not request.HasField("store")
        self._first = self._sent = self._token = request.continuation_token
        self._owner = self._status = self._current = ""
        self._ids: dict[str, None] = {}
        self._has_output = False
        self._reconnects = 0

    def observe(self, event: _Event) -> _Event:
        """Take note of an event, and return it."""
        kind, before = event.event_type, self._token
        if current := event.interaction_id or event.interaction.id:
            self._current = current
            self._ids[current] = None
        if kind == "error":
            self._status, self._token = "error", ""
        else:
            known = event.interaction.continuation_token
            self._token = known if kind == "interaction.completed" else known or self._token
            self._token = event.continuation_token or self._token
            self._status = event.status or event.interaction.status or self._status
        if self._token and self._token != before:
            self._owner = self._current
        if kind == "interaction.completed" or (
            kind == "interaction.status_update" and event.continuation_token
        ):
            self._has_output = False
        elif kind not in {"interaction.created", "interaction.status_update"}:
            self._has_output = True
        return event

    def end(self, failure: GemwireError | None) -> tuple[str, str] | None:
        """Return the token of the next request and the interaction that issued it; None if there is none.

        Args:
            failure: What the stream ended with, if it broke.
        """
        resumable = bool(self._token) and self._status in _RESUMABLE and not self._has_output
        stuck = self._status == _REQUIRES and self._token == self._sent
        progress = self._status == _REQUIRES or self._token != self._sent
        self._reconnects = 0 if progress else self._reconnects + 1
        lost = failure is not None and (
            not isinstance(failure, ServerError) or isinstance(failure, DeadlineExceeded)
        )
        if not resumable or stuck or lost or self._reconnects > _MAX_RECONNECTS:
            return None
        self._sent, self._status, self._current = self._token, "", ""
        return self._token, self._owner

    def find_resumption(self) -> tuple[str, str, list[str]] | None:
        """Return a token to go on with, the stored interaction that issued it, and the ids of all of them."""
        if not self._token or self._token == self._first or self._status not in _RESUMABLE:
            return None
        return self._token, self._owner if self._stored else "", list(self._ids)
