"""What is where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from starlette.routing import Route

from gemwire_emulator.admission import AdmissionController
from gemwire_emulator.http.page.calls import Calls
from gemwire_emulator.http.page.control import Control
from gemwire_emulator.http.page.csrf_guard import CsrfGuard
from gemwire_emulator.http.page.event_stream import EventStream
from gemwire_emulator.http.page.json_endpoint import ControlRequest, JsonEndpoint
from gemwire_emulator.http.page.static_files import files
from gemwire_emulator.http.router import RpcRoute
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
        """See `gemwire_emulator.http.server.HttpServer`.

        Args:
            state: Has the clock.
            admission: Faults, quota and pace.
            journal: The calls.
            reset: Forgets everything.
            address: host:port of the gRPC side.
        """
        self.guard = CsrfGuard()
        self._state = state
        self._journal = journal
        self._address = address
        self._control = Control(admission, state.clock, reset)
        self._feed = EventStream(self.guard, journal, self._control.state)

    def routes(self, rpcs: Sequence[RpcRoute]) -> list[Route]:
        """Where it is.

        Args:
            rpcs: What HTTP has for an RPC.
        """
        guard, control, calls = self.guard, self._control, Calls(self._journal, rpcs)
        resources = {
            "": JsonEndpoint(guard, GET=self._about),
            "/calls": JsonEndpoint(guard, GET=calls.list, DELETE=calls.clear),
            "/calls/{number}": JsonEndpoint(guard, GET=calls.one),
            "/calls/{number}/curl": JsonEndpoint(guard, GET=calls.curl),
            "/faults": JsonEndpoint(
                guard, GET=control.faults, POST=control.add_faults, DELETE=control.clear_faults
            ),
            "/faults/{number}": JsonEndpoint(guard, DELETE=control.remove_fault),
            "/quota": JsonEndpoint(guard, GET=control.quota, PUT=control.set_quota),
            "/pace": JsonEndpoint(guard, GET=control.pace, PUT=control.set_pace),
            "/clock": JsonEndpoint(guard, GET=control.clock, POST=control.advance),
            "/reset": JsonEndpoint(guard, POST=control.reset),
        }
        return [
            *(Route(path, file) for path, file in files(guard).items()),
            Route("/emulator/events", self._feed),
            *(Route(f"/emulator{path}", resource) for path, resource in resources.items()),
        ]

    async def _about(self, request: ControlRequest) -> Any:
        """``GET /emulator``: which emulator this is."""
        engine = self._state.engine
        return {"grpc": self._address, "http": f"{request.scheme}://{request.host}", "engine": engine.name}

    def close(self) -> None:
        """End what pages wait for: the emulator stops."""
        self._feed.close()
