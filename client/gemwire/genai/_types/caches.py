"""Cached contents."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, TypeAlias

from gemwire.genai._types.config import Config
from gemwire.genai._types.content import ContentListUnion, ContentUnion
from gemwire.genai._types.generate_content import ToolListUnion
from gemwire.genai._types.http_options import CallConfig, HttpResponse, ListConfig
from gemwire_proto.v1beta import views

if TYPE_CHECKING:
    pass

GetCachedContentConfig: TypeAlias = CallConfig
DeleteCachedContentConfig: TypeAlias = CallConfig
ListCachedContentsConfig: TypeAlias = ListConfig


class CreateCachedContentConfig(CallConfig):
    """Content to cache.

    Attributes:
        ttl: Lifetime in seconds, such as ``"3600s"``; excludes ``expire_time``.
        expire_time: Time of expiration; excludes ``ttl``.
        display_name: Display name, up to 128 characters.
        contents: Contents to cache; those of later requests follow them.
        system_instruction: Instructions that steer the model; text only.
        tools: Tools and Python functions that the model may call.
        tool_config: Whether and which tools the model must call.
        kms_key_name: Vertex AI only.
    """

    ttl: str | None = None
    expire_time: datetime.datetime | None = None
    display_name: str | None = None
    contents: ContentListUnion | None = None
    system_instruction: ContentUnion | None = None
    tools: ToolListUnion | None = None
    tool_config: views.ToolConfig | None = None
    kms_key_name: str | None = None


class UpdateCachedContentConfig(CallConfig):
    """Fields of a cached content to change.

    Attributes:
        ttl: Lifetime from now in seconds, such as ``"3600s"``; excludes ``expire_time``.
        expire_time: Time of expiration; excludes ``ttl``.
    """

    ttl: str | None = None
    expire_time: datetime.datetime | None = None


class DeleteCachedContentResponse(Config):
    """The empty response to the deletion of cached content.

    Attributes:
        sdk_http_response: The HTTP response; None over gRPC.
    """

    sdk_http_response: HttpResponse | None = None
