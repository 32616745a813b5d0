"""``client.decisions``: answers to questions about an input, as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemwire.genai._aio.json_resource import AsyncJsonResource
from gemwire.genai._convert.interactions import convert_input
from gemwire.genai._types.call_options import CallOptions
from gemwire_proto.interactions import decision_service as rpcs
from gemwire_proto.interactions import views

if TYPE_CHECKING:
    from typing_extensions import Unpack

    class _Create(CallOptions, views.CreateDecisionRequestDict):
        pass


class AsyncDecisions(AsyncJsonResource):
    """Answers to questions about an input, as numbers."""

    _collection = "decisions"

    async def create(self, **arguments: Unpack[_Create]) -> views.CreateDecisionResponse:
        """Answer questions about an input.

        Args:
            **arguments: ``model``, ``input``, and ``questions`` by name: `ChoiceQuestion`, `NoulQuestion` or
                `ScoreQuestion`.

        Raises:
            ValueError: An argument is unknown or missing.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        required, shown = ("model", "input", "questions"), views.CreateDecisionResponse
        given = convert_input(arguments)
        return await self._call(rpcs.CREATE_DECISION, shown, given, required=required)
