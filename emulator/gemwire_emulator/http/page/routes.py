"""What is where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from starlette.routing import Route

from gemwire_emulator.admission import AdmissionController
from gemwire_emulator.http import bindings
from gemwire_emulator.http.page.calls import Calls
from gemwire_emulator.http.page.control import Control
from gemwire_emulator.http.page.feed import Feed
from gemwire_emulator.http.page.files import files
from gemwire_emulator.http.page.guard import Guard
from gemwire_emulator.http.page.resource import Asked, Resource
from gemwire_emulator.journal import Journal
from gemwire_emulator.state import State


class Page:
    """The page and the control API.

    Attributes:
        guard: Who may use them.
    """

    def __init__(
        self,
        state: State,
        admission: AdmissionController,
        journal: Journal,
        *,
        reset: Callable[[], None],
        address: str,
    ) -> None:
        """See `gemwire_emulator.http.front.HttpFront`.

        Args:
            state: Has the clock.
            admission: Faults, quota and pace.
            journal: The calls.
            reset: Forgets everything.
            address: host:port of the gRPC side.
        """
        self.guard = Guard()
        self._state = state
        self._journal = journal
        self._address = address
        self._control = Control(admission, state.clock, reset)
        self._feed = Feed(self.guard, journal, self._control.state)

    def routes(self, rpcs: Sequence[bindings.Route]) -> list[Route]:
        """Where it is.

        Args:
            rpcs: What HTTP has for an RPC.
        """
        guard, control, calls = self.guard, self._control, Calls(self._journal, rpcs)
        resources = {
            "": Resource(guard, GET=self._about),
            "/calls": Resource(guard, GET=calls.list, DELETE=calls.clear),
            "/calls/{number}": Resource(guard, GET=calls.one),
            "/calls/{number}/curl": Resource(guard, GET=calls.curl),
            "/faults": Resource(
                guard, GET=control.faults, POST=control.add_faults, DELETE=control.clear_faults
            ),
            "/faults/{number}": Resource(guard, DELETE=control.remove_fault),
            "/quota": Resource(guard, GET=control.quota, PUT=control.set_quota),
            "/pace": Resource(guard, GET=control.pace, PUT=control.set_pace),
            "/clock": Resource(guard, GET=control.clock, POST=control.advance),
            "/reset": Resource(guard, POST=control.reset),
        }
        return [
            *(Route(path, file) for path, file in files(guard).items()),
            Route("/emulator/events", self._feed),
            *(Route(f"/emulator{path}", resource) for path, resource in resources.items()),
        ]

    async def _about(self, asked: Asked) -> Any:
        """``GET /emulator``: which emulator this is."""
        engine = self._state.engine
        return {"grpc": self._address, "http": f"{asked.scheme}://{asked.host}", "engine": engine.name}

    def close(self) -> None:
        """End what pages wait for: the emulator stops."""
        self._feed.close()
