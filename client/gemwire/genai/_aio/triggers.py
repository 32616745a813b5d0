"""``client.triggers``: interactions with agents that begin by a schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemwire.genai._aio.json_resource import AsyncJsonResource
from gemwire.genai._convert.interactions import convert_interaction
from gemwire.genai._types.call_options import CallOptions
from gemwire_proto.interactions import trigger_service as rpcs
from gemwire_proto.interactions import views

if TYPE_CHECKING:
    from typing_extensions import Unpack

    class _Create(CallOptions, views.TriggerDict):
        pass

    class _List(CallOptions, views.ListTriggersRequestDict, total=False):
        filter_: str | None


class AsyncTriggers(AsyncJsonResource):
    """Interactions with agents that begin by a schedule. Experimental."""

    _collection = "triggers"

    async def create(self, **arguments: Unpack[_Create]) -> views.Trigger:
        """Create a trigger.

        Args:
            **arguments: ``interaction``, ``schedule`` in the form of cron, ``time_zone`` and others;
                see `Trigger`.

        Raises:
            ValueError: An argument is unknown, missing or out of range.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        required = ("interaction", "schedule", "time_zone")
        return await self._call(
            rpcs.CREATE_TRIGGER,
            views.Trigger,
            convert_interaction(arguments),
            body="trigger",
            required=required,
        )

    async def get(self, id: str, **options: Unpack[CallOptions]) -> views.Trigger:
        """Get a trigger.

        Args:
            id: Its id.
            **options: See `CallOptions`.

        Raises:
            ValueError: The id is invalid.
            APIError: The call failed.
        """
        path = {"id": self._to_id(id)}
        return await self._call(rpcs.GET_TRIGGER, views.Trigger, options, path)

    async def list(self, **arguments: Unpack[_List]) -> views.ListTriggersResponse:
        """Get a page of triggers.

        Args:
            **arguments: ``page_size``, ``page_token`` and others; see `ListTriggersRequest`.

        Raises:
            ValueError: An argument is unknown.
            APIError: The call failed.
        """
        return await self._call(rpcs.LIST_TRIGGERS, views.ListTriggersResponse, arguments)

    async def update(
        self,
        id: str,
        *,
        display_name: str | None = None,
        status: str | None = None,
        **options: Unpack[CallOptions],
    ) -> views.Trigger:
        """Rename, pause or resume a trigger.

        Args:
            id: Its id.
            display_name: Its display name.
            status: ``active`` or ``paused``.
            **options: See `CallOptions`.

        Raises:
            ValueError: The id is invalid.
            APIError: The call failed.
        """
        given = {"display_name": display_name, "status": status, **options}
        path = {"id": self._to_id(id)}
        return await self._call(rpcs.UPDATE_TRIGGER, views.Trigger, given, path, body="trigger")

    async def delete(self, id: str, **options: Unpack[CallOptions]) -> views.Empty:
        """Delete a trigger.

        Args:
            id: Its id.
            **options: See `CallOptions`.

        Raises:
            ValueError: The id is invalid.
            APIError: The call failed.
        """
        path = {"id": self._to_id(id)}
        return await self._call(rpcs.DELETE_TRIGGER, views.Empty, options, path)

    async def run(self, trigger_id: str, **options: Unpack[CallOptions]) -> views.TriggerExecution:
        """Run a trigger now.

        Args:
            trigger_id: Id of the trigger.
            **options: See `CallOptions`.

        Raises:
            ValueError: The id is invalid.
            APIError: The call failed.
        """
        path = {"trigger_id": self._to_id(trigger_id, "trigger_id")}
        return await self._call(rpcs.RUN_TRIGGER, views.TriggerExecution, options, path)

    async def list_executions(
        self,
        trigger_id: str,
        *,
        page_size: int | None = None,
        page_token: str | None = None,
        **options: Unpack[CallOptions],
    ) -> views.ListTriggerExecutionsResponse:
        """Get a page of the runs of a trigger.

        Args:
            trigger_id: Id of the trigger.
            page_size: Most runs to return. Default: the service decides.
            page_token: Token of the page. Default: the first page.
            **options: See `CallOptions`.

        Raises:
            ValueError: The id is invalid.
            APIError: The call failed.
        """
        given = {"page_size": page_size, "page_token": page_token, **options}
        path = {"trigger_id": self._to_id(trigger_id, "trigger_id")}
        shown = views.ListTriggerExecutionsResponse
        return await self._call(rpcs.LIST_TRIGGER_EXECUTIONS, shown, given, path)
