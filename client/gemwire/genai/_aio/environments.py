"""``client.environments``: environments where agents work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemwire.genai._aio.api import AsyncApi
from gemwire.genai._aio.files import download_media
from gemwire.genai._aio.json_resource import AsyncJsonResource
from gemwire.genai._types.call_options import CallOptions
from gemwire_proto.interactions import environment_service as rpcs
from gemwire_proto.interactions import views

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from gemwire.genai._types.dicts import HttpOptionsOrDict

    class _Create(CallOptions, views.CreateEnvironmentRequestDict):
        pass

    class _List(CallOptions, views.ListEnvironmentsRequestDict):
        pass


class AsyncEnvironments(AsyncJsonResource):
    """Environments where agents work. Experimental."""

    _collection = "environments"

    def __init__(self, api: AsyncApi) -> None:
        super().__init__(api)
        #: Files in environments.
        self.files = AsyncEnvironmentFiles(api)

    async def create(self, **arguments: Unpack[_Create]) -> views.RemoteEnvironment:
        """Create an environment.

        Args:
            **arguments: ``sources``, ``network``, ``from_environment``.

        Raises:
            ValueError: An argument is unknown, missing or out of range.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        return await self._call(rpcs.CREATE_ENVIRONMENT, views.RemoteEnvironment, arguments)

    async def get(self, id: str, **options: Unpack[CallOptions]) -> views.RemoteEnvironment:
        """Get an environment.

        Args:
            id: Its id.
            **options: See `CallOptions`.

        Raises:
            ValueError: The id is invalid.
            APIError: The call failed.
        """
        path = {"id": self._to_id(id)}
        return await self._call(rpcs.GET_ENVIRONMENT, views.RemoteEnvironment, options, path)

    async def list(self, **arguments: Unpack[_List]) -> views.ListEnvironmentsResponse:
        """Get a page of environments.

        Args:
            **arguments: ``page_size``, ``page_token`` and others; see `ListEnvironmentsRequest`.

        Raises:
            ValueError: An argument is unknown.
            APIError: The call failed.
        """
        return await self._call(rpcs.LIST_ENVIRONMENTS, views.ListEnvironmentsResponse, arguments)

    async def delete(self, id: str, **options: Unpack[CallOptions]) -> views.Empty:
        """Delete an environment.

        Args:
            id: Its id.
            **options: See `CallOptions`.

        Raises:
            ValueError: The id is invalid.
            APIError: The call failed.
        """
        path = {"id": self._to_id(id)}
        return await self._call(rpcs.DELETE_ENVIRONMENT, views.Empty, options, path)


class AsyncEnvironmentFiles(AsyncJsonResource):
    """Files in environments."""

    _collection = "environments"

    async def list(
        self,
        *,
        environment: str,
        path: str,
        recursive: bool | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
        **options: Unpack[CallOptions],
    ) -> views.ListEnvironmentFilesResponse:
        """Get a page of the files in a folder.

        Args:
            environment: Id of the environment.
            path: Path of the folder, ``/`` for the top, or of a file.
            recursive: Whether to go into folders.
            page_size: Most files to return. Default: the service decides.
            page_token: Token of the page. Default: the first page.
            **options: See `CallOptions`.

        Raises:
            ValueError: The id or the path is invalid.
            APIError: The call failed.
        """
        given = {"recursive": recursive, "page_size": page_size, "page_token": page_token, **options}
        folder = {"environment": self._to_id(environment, "environment"), "path": path.strip("/")}
        shown = views.ListEnvironmentFilesResponse
        return await self._call(rpcs.LIST_ENVIRONMENT_FILES, shown, given, folder)

    async def download(
        self,
        *,
        path: str,
        environment: str | None = None,
        environment_id: str | None = None,
        http_options: HttpOptionsOrDict | None = None,
    ) -> bytes:
        """Download a file. After a broken connection it resumes.

        Args:
            path: Path of the file.
            environment: Id of the environment.
            environment_id: The same, under its other name.
            http_options: Timeout and headers of the download.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            ValueError: The id or the path is invalid.
            APIError: The download failed.
        """
        owner = self._to_id(environment or environment_id, "environment")
        if not path.strip("/"):
            raise ValueError("path: is empty; give that of a file")
        name = f"environments/{owner}/files/{path.strip('/')}"
        return await download_media(self._api, name, "environments.files.download", http_options)
