"""Environments and their types, under the module's name in google-genai."""

from __future__ import annotations

from typing import TypeAlias

from gemwire.genai._aio.environments import AsyncEnvironmentFiles as AsyncEnvironmentFiles
from gemwire.genai._aio.environments import AsyncEnvironments as AsyncEnvironments
from gemwire.genai._sync.environments import EnvironmentFiles as EnvironmentFiles
from gemwire.genai._sync.environments import Environments as Environments
from gemwire_proto.interactions import views
from gemwire_proto.interactions.views import CreateEnvironmentRequest as CreateEnvironmentRequest
from gemwire_proto.interactions.views import EnvironmentFile as EnvironmentFile
from gemwire_proto.interactions.views import ListEnvironmentsResponse as ListEnvironmentsResponse

Environment: TypeAlias = views.RemoteEnvironment
EnvironmentDeleteResponse: TypeAlias = views.Empty
EnvironmentListResponse: TypeAlias = views.ListEnvironmentsResponse
GetEnvironmentFilesResponse: TypeAlias = views.ListEnvironmentFilesResponse
