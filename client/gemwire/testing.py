"""An emulator inside a test: real gRPC on loopback, no key, nothing of the network.

    from gemwire.testing import emulator

    with emulator() as gemini:
        client = v1beta.GenerativeServiceClient()   # goes to the emulator
        client.generate_content(model="models/gemini-2.5-flash", contents=[…])
        assert gemini.calls("GenerateContent")

With pytest, the fixture ``gemini_emulator`` gives the same, one server a session and state of its own for
each test. Needs ``gemwire[emulator]``.
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
        address: host:port; what GEMINI_EMULATOR_HOST is set to.
        http: ``http://host:port`` of the HTTP side, for GEMINI_EMULATOR_HTTP_HOST; empty without
            ``http_port`` in the settings.
        https: The same for HTTPS and ``https_port``.
        ca_file: What clients of HTTPS have to trust; empty without it.
    """

    def __init__(self, settings: Settings | None = None, **options: Any) -> None:
        """Start it.

        Args:
            settings: All settings, or
            **options: some of them, by name; see `gemwire_emulator.settings.Settings`.

        Raises:
            RuntimeError: The address is taken.
            sqlite3.DatabaseError: The state file is none.
            TypeError: There is no such setting.
        """
        from gemwire_emulator.server import Emulator
        from gemwire_emulator.settings import Settings as EmulatorSettings

        self._emulator: Emulator = Emulator(settings or EmulatorSettings(**options))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gemwire-emulator", daemon=True)
        self._thread.start()
        try:
            self.address: str = self._await(self._emulator.start())
            self.http: str = self._emulator.http
            self.https: str = self._emulator.https
            self.ca_file: str = self._emulator.ca_file
        except BaseException:
            self._end_thread()
            raise

    def __repr__(self) -> str:
        return f"<RunningEmulator {self.address}>"

    def _await(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run something where the emulator runs."""
        if self._loop.is_closed():
            work.close()
            raise RuntimeError("the emulator has been stopped")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def _inside(self, work: Callable[[], _T]) -> _T:
        """The same for a plain function."""

        async def run() -> _T:
            return work()

        return self._await(run())

    def _end_thread(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    def calls(self, method: str = "") -> list[JournalEntry]:
        """The calls of an RPC so far, by the end of its name; all without one. Also when it has stopped."""
        if self._loop.is_closed():
            return self._emulator.journal.calls(method)
        return self._inside(lambda: self._emulator.journal.calls(method))

    def fail(self, status: str = "", **fault: Any) -> None:
        """Have coming calls fail.

        Args:
            status: Name of the status, such as ``"UNAVAILABLE"``.
            **fault: More of the fault: ``method``, ``model``, ``front``, ``nth``, ``times``, ``message``,
                ``retry_delay``, ``delay``, ``after_messages``, ``disconnect``, ``goaway``; see
                `gemwire_emulator.fault_rules.Rule`.

        Raises:
            ValueError: A fault has no such property.
        """
        from gemwire_emulator.fault_rules import FaultRule

        rule = FaultRule.from_json({"status": status, **fault})
        self._inside(lambda: self._emulator.admission.rules.append(rule))

    def goaway(self) -> None:
        """Send GOAWAY on every gRPC connection: calls go on, the next ones come over new connections."""
        self._await(self._emulator.go_away())

    def quota(self, requests_per_minute: int = 0, tokens_per_minute: int = 0) -> None:
        """Limit each API key from now on; 0 for no limit. What was used before counts."""
        from gemwire_emulator.admission import Quota

        quota = Quota(requests_per_minute, tokens_per_minute)
        self._inside(lambda: setattr(self._emulator.admission, "quota", quota))

    def pace(self, profile: str = "", **parts: float) -> None:
        """Have answers come at another pace from now on.

        Args:
            profile: ``"fast"``, ``"typical"``, ``"slow"``, or ``"instant"``, which is the same as none.
            **parts: What is different: ``latency``, ``first``, ``between``, ``tokens_per_second``.

        Raises:
            ValueError: There is no such profile or part.
        """
        from gemwire_emulator.latency import LatencyProfile

        pace = LatencyProfile().override(profile or {}).override(parts)
        self._inside(lambda: setattr(self._emulator.admission, "pace", pace))

    def seed(self, seed: int) -> None:
        """Have the instant engine answer by another seed from now on.

        Raises:
            ValueError: There is another engine.
        """
        self._inside(lambda: self._emulator.seed(seed))

    def snapshot(self, path: str | os.PathLike[str]) -> None:
        """Write all resources and the time to a file, from which ``emulator(snapshot=path)`` starts.

        Raises:
            OSError: The file cannot be written.
        """
        self._inside(lambda: self._emulator.snapshot(os.fspath(path)))

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Have the resources and the time of a snapshot, and no others. The file is only read.

        Raises:
            OSError: There is no such file.
            sqlite3.DatabaseError: It is no snapshot. Nothing has changed.
        """
        self._inside(lambda: self._emulator.restore(os.fspath(path)))

    def reply(self, text: str, match: str = "", model: str = "", pieces: int = 1) -> None:
        """Have coming calls answered with a text.

        Args:
            text: The answer.
            match: Regular expression that the prompt's last text must contain.
            model: The same for the model.
            pieces: Pieces to stream it in.

        Raises:
            ValueError: ``match`` or ``model`` is no regular expression.
        """
        from gemwire_emulator.engines.canned import Reply

        for name, pattern in (("match", match), ("model", model)):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{name}: {pattern!r} is no regular expression: {error}") from None
        reply = Reply(text, match, model, pieces)
        self._inside(lambda: self._emulator.state.engine.replies.append(reply))

    def advance(self, seconds: float) -> None:
        """Let time pass: caches expire, tunings advance."""
        self._inside(lambda: self._emulator.state.clock.advance(seconds))

    def reset(self) -> None:
        """Be as after the start: everything is what the settings say, and no call was made.

        Resources, replies, faults, pace, quota, seed and time; the address and the connections stay.
        """
        self._inside(self._emulator.reset)

    def stop(self) -> None:
        """End it, with the calls on it."""
        if self._loop.is_closed():
            return
        try:
            self._await(self._emulator.stop())
        finally:
            self._end_thread()


@contextmanager
def emulator(**options: Any) -> Iterator[RunningEmulator]:
    """An emulator to which every client made inside the block goes.

    With ``http_port=0`` it serves HTTP as well, and clients of Google's google-genai go there too.

    Args:
        **options: See `gemwire_emulator.settings.Settings`.
    """
    running = RunningEmulator(**options)
    try:
        with environment(running):
            yield running
    finally:
        running.stop()


@contextmanager
def environment(running: RunningEmulator) -> Iterator[None]:
    """The variables by which clients find an emulator, set for a while.

    Args:
        running: The emulator.
    """
    wanted = {"GEMINI_EMULATOR_HOST": running.address}
    if running.http:
        wanted["GEMINI_EMULATOR_HTTP_HOST"] = running.http.removeprefix("http://")
        # What google-genai, in Python and JavaScript, looks at.
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
