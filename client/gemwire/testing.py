"""An emulator for tests: real gRPC on loopback, without an API key or a network.

    from gemwire.testing import emulator

    with emulator() as gemini:
        client = v1beta.GenerativeServiceClient()   # goes to the emulator
        client.generate_content(model="models/gemini-2.5-flash", contents=[…])
        assert gemini.calls("GenerateContent")

With pytest, use the fixture ``gemini_emulator``: one server per session, which is reset before each test.
Requires ``gemwire[emulator]``.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from gemwire_emulator.journal_entry import JournalEntry
    from gemwire_emulator.server import Emulator
    from gemwire_emulator.settings import Settings

_T = TypeVar("_T")


class RunningEmulator:
    """An emulator in a thread of its own.

    Attributes:
        address: host:port of the gRPC server, for GEMINI_EMULATOR_HOST.
        http: ``http://host:port`` of the HTTP server, for GEMINI_EMULATOR_HTTP_HOST; empty without
            ``http_port`` in the settings.
        https: ``https://host:port`` of the HTTPS server; empty without ``https_port``.
        tls: host:port of the gRPC server over TLS; empty without ``tls_port``.
        ca_file: Certificate authority that clients over TLS must trust; empty without ``https_port`` and
            ``tls_port``.
    """

    def __init__(self, settings: Settings | None = None, **options: Any) -> None:
        """Start an emulator.

        Args:
            settings: The settings, or
            **options: single settings by name; see `gemwire_emulator.settings.Settings`.

        Raises:
            RuntimeError: The address is in use.
            sqlite3.DatabaseError: The state file is not one.
            TypeError: A setting does not exist.
        """
        from gemwire_emulator.server import Emulator
        from gemwire_emulator.settings import Settings as EmulatorSettings

        self._emulator: Emulator = Emulator(settings or EmulatorSettings(**options))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gemwire-emulator", daemon=True)
        self._thread.start()
        try:
            self.address: str = self._run(self._emulator.start())
            self.http: str = self._emulator.http
            self.https: str = self._emulator.https
            self.tls: str = self._emulator.tls
            self.ca_file: str = self._emulator.ca_file
        except BaseException:
            self._stop_thread()
            raise

    def __repr__(self) -> str:
        return f"<RunningEmulator {getattr(self, 'address', 'not started')}>"

    def _run(self, work: Coroutine[object, object, _T]) -> _T:
        """Run a coroutine in the emulator's event loop."""
        if self._loop.is_closed():
            work.close()
            raise RuntimeError("the emulator has been stopped")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def _run_sync(self, work: Callable[[], _T]) -> _T:
        """Run a function in the emulator's event loop."""

        async def run() -> _T:
            return work()

        return self._run(run())

    def _stop_thread(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    def calls(self, method: str = "") -> list[JournalEntry]:
        """Return the calls of an RPC, by the end of its name; all calls without one.

        Also available after the emulator has stopped.
        """
        if self._loop.is_closed():
            return self._emulator.journal.calls(method)
        return self._run_sync(lambda: self._emulator.journal.calls(method))

    def fail(self, status: str = "", **fault: Any) -> None:
        """Inject a fault into subsequent calls.

        Args:
            status: Name of the status, such as ``"UNAVAILABLE"``.
            **fault: Further fields of the fault: ``method``, ``model``, ``front``, ``nth``, ``times``,
                ``message``, ``retry_delay``, ``delay``, ``after_messages``, ``disconnect``, ``goaway``; see
                `gemwire_emulator.fault_rules.FaultRule`.

        Raises:
            ValueError: A field does not exist, or its value is invalid.
        """
        from gemwire_emulator.fault_rules import FaultRule

        rule = FaultRule.from_json({"status": status, **fault})
        self._run_sync(lambda: self._emulator.admission.rules.append(rule))

    def goaway(self) -> None:
        """Send GOAWAY on every gRPC connection: running calls finish, the next ones use new connections."""
        self._run(self._emulator.go_away())

    def quota(self, requests_per_minute: int = 0, tokens_per_minute: int = 0) -> None:
        """Limit the use of each API key per minute; 0 for no limit. Earlier use counts."""
        from gemwire_emulator.admission import Quota

        quota = Quota(requests_per_minute, tokens_per_minute)
        self._run_sync(lambda: setattr(self._emulator.admission, "quota", quota))

    def pace(self, profile: str = "", **parts: float) -> None:
        """Change the latency of responses.

        Args:
            profile: ``"fast"``, ``"typical"``, ``"slow"``, or ``"instant"`` (the default) for no latency.
            **parts: Values that override the profile: ``latency``, ``first``, ``between``,
                ``tokens_per_second``.

        Raises:
            ValueError: The profile or a value does not exist or is invalid.
        """
        from gemwire_emulator.latency import LatencyProfile

        pace = LatencyProfile().override(profile or {}).override(parts)
        self._run_sync(lambda: setattr(self._emulator.admission, "pace", pace))

    def seed(self, seed: int) -> None:
        """Change the seed of the instant engine.

        Raises:
            ValueError: The engine is another one.
        """
        self._run_sync(lambda: self._emulator.seed(seed))

    def snapshot(self, path: str | os.PathLike[str]) -> None:
        """Write all resources and the time to a file, for ``emulator(snapshot=path)``.

        Raises:
            OSError: The file cannot be written.
        """
        self._run_sync(lambda: self._emulator.snapshot(os.fspath(path)))

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Replace all resources and the time by those of a snapshot. The file is only read.

        Raises:
            OSError: The file does not exist.
            sqlite3.DatabaseError: It is not a snapshot; nothing has changed.
        """
        self._run_sync(lambda: self._emulator.restore(os.fspath(path)))

    def reply(self, text: str, match: str = "", model: str = "", pieces: int = 1) -> None:
        """Add a canned reply.

        Args:
            text: The response.
            match: Regular expression that is searched in the last text of the prompt.
            model: Regular expression that is searched in the name of the model.
            pieces: Number of pieces in which the response is streamed.

        Raises:
            ValueError: ``match`` or ``model`` is not a regular expression.
        """
        from gemwire_emulator.engines.canned import Reply

        for name, pattern in (("match", match), ("model", model)):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{name}: {pattern!r} is not a regular expression: {error}") from None
        reply = Reply(text, match, model, pieces)
        self._run_sync(lambda: self._emulator.state.engine.replies.append(reply))

    def advance(self, seconds: float) -> None:
        """Advance the clock: caches expire, tunings progress."""
        self._run_sync(lambda: self._emulator.state.clock.advance(seconds))

    def reset(self) -> None:
        """Restore resources, replies, faults, pace, quota, seed and time, and clear the journal.

        The address and the connections stay.
        """
        self._run_sync(self._emulator.reset)

    def stop(self) -> None:
        """Stop the emulator and cancel its calls."""
        if self._loop.is_closed():
            return
        try:
            self._run(self._emulator.stop())
        finally:
            self._stop_thread()


@contextmanager
def emulator(**options: Any) -> Iterator[RunningEmulator]:
    """Start an emulator, to which all clients that are created in the block connect.

    With ``http_port=0`` it serves HTTP as well, and clients of google-genai connect to it, too.

    Args:
        **options: Settings by name; see `gemwire_emulator.settings.Settings`.
    """
    running = RunningEmulator(**options)
    try:
        with environment(running):
            yield running
    finally:
        running.stop()


@contextmanager
def environment(running: RunningEmulator) -> Iterator[None]:
    """Set the environment variables by which clients find an emulator, for the duration of the block.

    Args:
        running: The emulator.
    """
    wanted = {"GEMINI_EMULATOR_HOST": running.address}
    if running.http:
        wanted["GEMINI_EMULATOR_HTTP_HOST"] = running.http.removeprefix("http://")
        # Read by google-genai, in Python and JavaScript.
        wanted["GOOGLE_GEMINI_BASE_URL"] = running.http
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
