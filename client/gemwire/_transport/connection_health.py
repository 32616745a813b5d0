"""Detection of connections that went silent without being closed."""

from __future__ import annotations

import time

from gemwire._transport.call_error import RpcError, has_code
from gemwire._transport.connection_probe import ConnectionProbe
from gemwire_runtime.status_code import StatusCode

#: Seconds without a response after which a channel is replaced; doubled where that did not help.
_PATIENCE, _MAX_PATIENCE = 3.0, 60.0


class ConnectionHealth:
    """Health of one channel, as seen from the outcomes of its calls.

    A connection can go silent without being closed: a dead link, a middlebox that dropped its state.
    Keepalive notices, but no sooner than the service tolerates pings. Calls with deadlines notice earlier:
    when a call times out without any response, and calls started after that keep timing out for some
    seconds, the channel is to be replaced. A server that is merely slow costs one reconnect.

    Attributes:
        patience: Seconds of silence after which the channel is replaced.
        silent_since: When the silence was first noticed; None while all is well, which is all that a
            successful call looks at.
        probe: Finds out why connections fail; None if the target is not known.
    """

    __slots__ = ("patience", "probe", "silent_since")

    def __init__(
        self,
        probe: ConnectionProbe | None = None,
        patience: float = _PATIENCE,
        silent_since: float | None = None,
    ) -> None:
        self.probe = probe
        self.patience = patience
        self.silent_since = silent_since

    def mark_alive(self) -> None:
        """Note that the server responded."""
        self.patience, self.silent_since = _PATIENCE, None

    def mark_unanswered(self, rpc_error: RpcError | None, began: float) -> bool:
        """Note a failed attempt and return whether the channel is to be replaced.

        An error that came from the server counts as a sign of life.

        Args:
            rpc_error: The error that gRPC raised; None for a stream that hit its idle timeout.
            began: When the attempt began.
        """
        if rpc_error is not None and (
            not has_code(rpc_error, StatusCode.DEADLINE_EXCEEDED) or rpc_error.trailing_metadata()
        ):
            self.mark_alive()
            return False
        now = time.monotonic()
        if self.silent_since is None:
            self.silent_since = now
        return began >= self.silent_since and now - self.silent_since >= self.patience

    def successor(self) -> ConnectionHealth:
        """Return the health of the replacement channel, which is more patient until a server responds."""
        return ConnectionHealth(self.probe, min(self.patience * 2, _MAX_PATIENCE), time.monotonic())
