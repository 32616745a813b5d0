"""One connection for threads: a socket and the protocol core."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Callable

from gemwire._transport.h2.connection import Connection
from gemwire._transport.h2.keepalive import INTERVAL, SILENT, Action, Keepalive
from gemwire._transport.sync.h2.socket_poll import create_poll
from gemwire._transport.sync.h2.tls import TlsSession

#: Bytes to read at a time.
_READ_SIZE = 64 << 10


class H2Connection:
    """Moves bytes between a socket and the protocol core, in the threads that wait for them.

    The socket never blocks: threads wait for it without the lock, one of them for incoming bytes and the
    others for that one. So reading, writing and cancelling do not hold each other up.

    Attributes:
        core: The protocol core; used under the lock.
        used_at: When a call last ended (``time.monotonic()``).
    """

    __slots__ = (
        "_broken",
        "_changed",
        "_deferred",
        "_keepalive",
        "_lock",
        "_looked_at",
        "_pending",
        "_poll",
        "_raw",
        "_reading",
        "_tls",
        "_unsent",
        "_waiting",
        "core",
        "used_at",
    )

    def __init__(self, raw: socket.socket, tls: TlsSession | None) -> None:
        """Take over a connected socket; the preface is sent with the first call, or by `wait`."""
        raw.setblocking(False)
        self._raw = raw
        self._tls = tls
        self._poll = create_poll(raw)
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._waiting = 0
        self._reading = False
        self._deferred: deque[Callable[[], object]] = deque()
        self._unsent: bytes | memoryview = b""
        self._pending = False
        self._broken = "the connection was closed by the server"
        self.core = Connection(self._note_pending)
        self._looked_at = self.used_at = time.monotonic()
        self._keepalive = Keepalive(self.used_at)
        if tls:
            # What came with the last bytes of the handshake.
            self.core.receive(tls.decrypt(b""))

    # The lock.

    def enter(self) -> None:
        """Take the lock."""
        self._lock.acquire()

    def leave(self) -> None:
        """Write what can be written, and release the lock."""
        try:
            if self._pending or self._unsent:
                self.flush()
        finally:
            self._lock.release()
        if self._deferred:
            self._run_deferred()

    def run_soon(self, action: Callable[[], object]) -> None:
        """Run an action under the lock: now, or when the thread that has the lock leaves.

        Finalizers run in any thread at any moment, also in the one that has the lock.
        """
        self._deferred.append(action)
        self._run_deferred()

    def _run_deferred(self) -> None:
        while self._deferred and self._lock.acquire(blocking=False):
            try:
                while self._deferred:
                    self._deferred.popleft()()
                self.flush()
            finally:
                self._lock.release()

    # Under the lock.

    def wait(self, is_over: Callable[[], bool], expiry: float | None) -> bool:
        """Wait until a condition holds; returns whether it does, False if the time is over.

        Args:
            is_over: Returns whether the condition holds.
            expiry: When to give up (``time.monotonic()``); None for never.
        """
        if self._pending or self._unsent:
            self.flush()
        while not is_over():
            now = time.monotonic()
            left = INTERVAL if expiry is None else min(expiry - now, INTERVAL)
            if left <= 0:
                return False
            if self._reading:
                self._wait_for_others(left)
            else:
                self._receive(left)
        return True

    def _receive(self, seconds: float) -> None:
        """Wait for bytes and handle them, for all threads that wait."""
        self._reading = True
        writable = bool(self._unsent)
        self._lock.release()
        data: bytes | None = None
        try:
            if self._poll.wait(seconds, writable=writable):
                data = self._read()
        finally:
            self._lock.acquire()
            self._reading = False
            if self._waiting:
                self._changed.notify_all()
        self._take(data)

    def _wait_for_others(self, seconds: float) -> None:
        """Wait for the thread that reads. If bytes are to be written that it does not know of, write them."""
        if self._unsent:
            self._lock.release()
            try:
                create_poll(self._raw).wait(seconds, writable=True)
            finally:
                self._lock.acquire()
            self.flush()
            return
        self._waiting += 1
        try:
            self._changed.wait(seconds)
        finally:
            self._waiting -= 1

    def _read(self) -> bytes | None:
        """Return what has arrived; None for nothing, no bytes for the end."""
        try:
            return self._raw.recv(_READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError as error:
            self._broken = f"the connection broke: {error.strerror or error}"
            return b""

    def _take(self, data: bytes | None) -> None:
        if data:
            self._keepalive.heard = True
            if self._tls:
                try:
                    data = self._tls.decrypt(data)
                except OSError as error:
                    self._lose(f"the connection broke: {error.strerror or error}")
                    return
            self.core.receive(data)
        elif data is not None:
            self._lose(self._broken)
        while self._deferred:
            self._deferred.popleft()()
        now = time.monotonic()
        if now - self._looked_at >= INTERVAL:
            self._look(now)
        if self._pending or self._unsent or self._tls:
            self.flush()
        if self.core.failure is not None:
            self._end()

    def _look(self, now: float) -> None:
        """Ping a silent server, or give it up."""
        self._looked_at = now
        action = self._keepalive.look(now, bool(self.core.streams), self.core.pings_unanswered)
        if action is Action.PING:
            self.core.ping()
        elif action is Action.ABORT:
            self._lose(SILENT)

    def _note_pending(self) -> None:
        self._pending = True

    def flush(self) -> None:
        """Write what can be written now."""
        while True:
            if not self._unsent:
                self._pending = False
                data = self.core.data_to_send()
                self._unsent = self._tls.encrypt(data) if self._tls else data
                if not self._unsent:
                    return
            try:
                sent = self._raw.send(self._unsent)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self._lose(f"the connection broke: {error.strerror or error}")
                return
            self._unsent = memoryview(self._unsent)[sent:] if sent < len(self._unsent) else b""

    def _lose(self, reason: str) -> None:
        self.core.lose(reason)
        self._unsent = b""
        self._end()

    def _end(self) -> None:
        """Close the socket; a thread that reads is woken first, and closes it."""
        if self._reading:
            self.interrupt()
        else:
            self._raw.close()

    def interrupt(self) -> bool:
        """Wake the thread that reads, if one does, and return that. The connection ends with it."""
        if self._reading:
            with contextlib.suppress(OSError):
                self._raw.shutdown(socket.SHUT_RD)
        return self._reading

    def take_arrived(self) -> None:
        """Take what has arrived, unless a thread reads."""
        while not self._reading and self.core.failure is None and (data := self._read()) is not None:
            self._take(data)

    # Without the lock.

    def can_start_call(self) -> bool:
        """Take what arrived while no call used the connection; returns whether another one can."""
        self.enter()
        try:
            self.take_arrived()
            return self.core.has_room
        finally:
            self.leave()

    def wait_until_ready(self, expiry: float) -> bool:
        """Wait for the server's settings; returns whether they arrived in time."""
        self.enter()
        try:
            return self.wait(lambda: self.core.is_ready or self.core.failure is not None, expiry)
        finally:
            self.leave()

    def close(self) -> None:
        """End all calls and the connection, from any thread."""
        self.run_soon(self._close)

    def _close(self) -> None:
        self.core.close()
        self.flush()
        self._end()

    def abandon(self) -> None:
        """Close the socket, of which nothing may be sent: it is that of the parent process."""
        self._raw.close()
