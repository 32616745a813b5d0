"""The pure part of making a call: the request, the metadata, the next step after a failure."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from gemwire._transport import metadata as md
from gemwire._transport import overload
from gemwire._transport.credentials import Authorization, Pairs
from gemwire._transport.observe import Watch, logger
from gemwire._transport.retry import Budget, Policy
from gemwire._transport.serialized_message import Wire
from gemwire._transport.status import from_rpc
from gemwire.errors import APIError, Cancelled
from gemwire_runtime.method import Method

_Request = TypeVar("_Request", bound=Message)

#: Routing values that are remembered with their metadata; a back end uses a handful of models.
_REMEMBERED = 256


def request_of(method: Method[_Request, Any], request: Any, flattened: tuple[Any, ...]) -> _Request:
    """The request message of a call.

    Args:
        method: The RPC.
        request: A message, a dict of its fields, or None.
        flattened: Values of ``method.flattened``; None where not given.

    Raises:
        ValueError: Both were given, or a field does not exist or takes no such value.
        TypeError: The request is of another type, or a field takes no such type.
    """
    kind = method.request
    if type(request) is kind and flattened.count(None) == len(flattened):
        return request
    given = {
        name: value for name, value in zip(method.flattened, flattened, strict=False) if value is not None
    }
    if request is None:
        return kind(**given)
    if given:
        raise ValueError(
            "If the `request` argument is set, then none of the individual field arguments should be set. "
            f"(got request and {', '.join(given)})"
        )
    return message_of(kind, request, "request")


def message_of(kind: type[_Request], value: Any, argument: str) -> _Request:
    """A message of ``kind`` from a message, a dict, or a message of the same name of another pool."""
    if type(value) is kind:
        return value
    if issubclass(kind, Wire):
        return kind.of(value)
    if isinstance(value, Mapping):
        return kind(**value)
    # proto-plus wrappers of Google's packages carry the message inside.
    inner = getattr(value, "_pb", value)
    if isinstance(inner, Message) and inner.DESCRIPTOR.full_name == kind.DESCRIPTOR.full_name:
        return kind.FromString(inner.SerializeToString())
    raise TypeError(
        f"{argument}: expected {kind.__name__} or a dict of its fields, got {type(value).__name__}"
    )


class MetadataBook:
    """Metadata of calls, built once for each method and routing value while the credentials stay the same."""

    def __init__(self, api_client: str | None, build: Any) -> None:
        """``build`` makes of pairs what the grpc flavour takes."""
        self._api_client = api_client
        self._build = build
        self._credentials: Pairs | None = None
        self._pages: dict[Any, Any] = {}

    def page(self, method: Method[Any, Any], request: Message | None, caller: Any, credentials: Pairs) -> Any:
        """All metadata of one call."""
        fields = method.routing
        if not fields or request is None:
            values: tuple[str, ...] = ()
        elif len(fields) == 1 and "." not in fields[0]:
            values = (getattr(request, fields[0]),)
        else:
            values = md.routing_values(request, fields)
        if caller:
            routing = md.routing_header(fields, values) if values else None
            return self._build(md.assemble(self._api_client, md.check(caller), routing, credentials))
        if credentials is not self._credentials:
            self._pages, self._credentials = {}, credentials
        key = (fields, values)
        page = self._pages.get(key)
        if page is None:
            routing = md.routing_header(fields, values) if values else None
            page = self._build(md.assemble(self._api_client, (), routing, credentials))
            if len(self._pages) >= _REMEMBERED:
                self._pages.clear()
            self._pages[key] = page
        return page


class Attempts:
    """The tries of one call: made when the first fails, asked after each failure."""

    def __init__(
        self,
        method: Method[Any, Any],
        policy: Policy | None,
        budget: Budget,
        authorization: Authorization,
        began: float,
        deadline: float | None,
        watch: Watch | None,
        pool: Any,
        binding: Any,
    ) -> None:
        self.count = 1
        self.watch = watch
        # What the call goes over; held as long as a stream is, so that its channel stays open.
        self._binding = binding
        self._tried = began
        self._method = method
        self._policy = policy
        self._budget = budget
        self._authorization = authorization
        self._began = began
        self._deadline = deadline
        self._renewed = False
        self._pool = pool

    @property
    def closed(self) -> bool:
        """Whether the client was closed meanwhile."""
        return bool(self._pool.closed)

    def closing(self) -> APIError:
        """The error of a call that the closing of its client ended."""
        method = f"{self._method.service}/{self._method.name}"
        return Cancelled("the client was closed during the call", method=method, attempts=self.count)

    def after(self, rpc_error: Any, pairs: Pairs) -> float:
        """Seconds to wait before the next attempt.

        Args:
            rpc_error: What grpc raised.
            pairs: The credentials that the attempt was made with.

        Raises:
            APIError: There is no next attempt.
        """
        now = time.monotonic()
        error = self.error(rpc_error, now)
        self._unanswered(rpc_error, self._tried)
        remaining = None if self._deadline is None else self._deadline - now
        if (
            error.grpc_code is grpc.StatusCode.UNAUTHENTICATED
            and not self._renewed
            and self._authorization.refused(pairs)
        ):
            # Once: a token may have been revoked before its time.
            self._renewed = True
            self.count += 1
            return 0.0
        wait = self._policy.pause(error, self.count, now - self._began, remaining) if self._policy else None
        overloaded = is_overload(error)
        if overloaded:
            overload.refused(error, self._tried)
        allowed = self._budget.failed() if overloaded else True
        if wait is None or not allowed:
            if wait is not None:
                error.hint = "Not repeated: too many calls failed of late (retry budget)."
            raise error from None
        if self._policy and self._policy.on_error:
            self._policy.on_error(error)
        logger.info(
            "%s failed with %s (%s), attempt %d; again in %.1f s",
            *(self._method.path[1:], error.status, error.message, self.count, wait),
        )
        self.count += 1
        return wait

    def again(self) -> tuple[Any, float]:
        """What the next attempt goes over, and when it begins.

        Raises:
            Cancelled: The client was closed meanwhile.
        """
        if self.closed:
            raise self.closing() from None
        self._binding, self._tried = self._pool.current(), time.monotonic()
        return self._binding, self._tried

    def beside(self) -> tuple[Any, float]:
        """What another attempt beside those under way goes over, and when it begins. Raises as `again`."""
        self.count += 1
        if self.watch:
            self.watch.hedges += 1
        return self.again()

    def outlived(self, error: APIError) -> None:
        """Count the error of an attempt beside which others go on; the last one is counted by `after`."""
        if is_overload(error):
            overload.refused(error, self._tried)
            self._budget.failed()

    def idle(self, seconds: float) -> None:
        """Note that nothing came for so long that the stream was ended."""
        self._unanswered(None, time.monotonic() - seconds)

    def _unanswered(self, rpc_error: Any, began: float) -> None:
        """Replace a channel that has gone silent; see `ConnectionHealth.mark_unanswered`."""
        if self._binding.health.mark_unanswered(rpc_error, began):
            self._pool.replace(self._binding)

    def error(self, rpc_error: Any, now: float | None = None) -> APIError:
        """The error of an attempt after which there is none."""
        elapsed = (now or time.monotonic()) - self._began
        return from_rpc(rpc_error, f"{self._method.service}/{self._method.name}", self.count, elapsed)


#: How the core words what happened to a connection, refused streams included, and `http.failure` the same.
_CONNECTION = ("failed to connect to all addresses", "Stream removed (", "the connection broke: ")


def is_overload(error: APIError) -> bool:
    """Whether a failure is a server's answer that speaks of its state rather than of the request.

    A connection that broke or was not to be had is none: no server works more for another try,
    and a restart would use up the budget with the calls that were under way.
    """
    overload = error.grpc_code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
    return overload and not error.message.startswith(_CONNECTION)
