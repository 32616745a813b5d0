"""The routes of the page and of its control API."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.routing import Route

from gemwire_emulator.admission import AdmissionController
from gemwire_emulator.http.page.calls import Calls
from gemwire_emulator.http.page.control import Control
from gemwire_emulator.http.page.csrf_guard import CsrfGuard
from gemwire_emulator.http.page.event_stream import EventStream
from gemwire_emulator.http.page.json_endpoint import ControlRequest, JsonEndpoint
from gemwire_emulator.http.page.static_files import load_static_files
from gemwire_emulator.http.router import RpcRoute
from gemwire_emulator.journal import Journal
from gemwire_emulator.state import State


class Page:
    """The page and the control API.

    Attributes:
        guard: Rejects foreign pages.
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
        """Build the handlers.

        Args:
            state: Holds engine and clock.
            admission: Faults, quota and pace.
            journal: The calls.
            reset: Resets the emulator.
            address: host:port of the gRPC server.
        """
        self.guard = CsrfGuard()
        self._state = state
        self._journal = journal
        self._address = address
        self._control = Control(admission, state.clock, reset)
        self._events = EventStream(self.guard, journal, self._control.get_state)

    def build_routes(self, rpcs: Sequence[RpcRoute]) -> list[Route]:
        """Build the routes.

        Args:
            rpcs: The HTTP routes of RPCs, for curl commands.
        """
        guard, control, calls = self.guard, self._control, Calls(self._journal, rpcs)
        endpoints = {
            "": JsonEndpoint(guard, GET=self._describe_emulator),
            "/calls": JsonEndpoint(guard, GET=calls.list, DELETE=calls.clear),
            "/calls/{number}": JsonEndpoint(guard, GET=calls.get),
            "/calls/{number}/curl": JsonEndpoint(guard, GET=calls.get_curl),
            "/faults": JsonEndpoint(
                guard, GET=control.list_faults, POST=control.add_faults, DELETE=control.clear_faults
            ),
            "/faults/{number}": JsonEndpoint(guard, DELETE=control.remove_fault),
            "/quota": JsonEndpoint(guard, GET=control.get_quota, PUT=control.set_quota),
            "/pace": JsonEndpoint(guard, GET=control.get_pace, PUT=control.set_pace),
            "/clock": JsonEndpoint(guard, GET=control.get_clock, POST=control.advance_clock),
            "/reset": JsonEndpoint(guard, POST=control.reset),
        }
        return [
            *(Route(path, file) for path, file in load_static_files(guard).items()),
            Route("/emulator/events", self._events),
            *(Route(f"/emulator{path}", endpoint) for path, endpoint in endpoints.items()),
        ]

    async def _describe_emulator(self, request: ControlRequest) -> dict[str, object]:
        """Handle ``GET /emulator``: addresses and engine."""
        engine = self._state.engine
        return {"grpc": self._address, "http": f"{request.scheme}://{request.host}", "engine": engine.name}

    def close(self) -> None:
        """End the event streams of open pages, because the emulator stops."""
        self._events.close()
