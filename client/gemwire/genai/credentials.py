"""Credentials and their types, under the module's name in google-genai."""

from __future__ import annotations

from typing import TypeAlias

from gemwire.genai._aio.credentials import AsyncCredentials as AsyncCredentials
from gemwire.genai._sync.credentials import Credentials as Credentials
from gemwire_proto.interactions import views
from gemwire_proto.interactions.views import Credential as Credential
from gemwire_proto.interactions.views import EnvironmentVariableConfig as EnvironmentVariableConfig
from gemwire_proto.interactions.views import HTTPBearerConfig as HTTPBearerConfig
from gemwire_proto.interactions.views import OAuth2Config as OAuth2Config

CredentialCreateParams: TypeAlias = views.CredentialConfig
CredentialDeleteResponse: TypeAlias = views.Empty
CredentialListResponse: TypeAlias = views.ListCredentialsResponse
