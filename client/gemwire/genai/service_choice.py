"""Which service a client calls: the Gemini API, or Vertex AI in a project and a location."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING

from gemwire._secret import without_frames
from gemwire._transport import endpoint
from gemwire._transport.credentials import find_environment_key
from gemwire.genai._backends.base import VertexTarget

if TYPE_CHECKING:
    import google.auth.credentials

_ENTERPRISE, _VERTEX = "GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI"
_PROJECT, _LOCATION = "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION"


def choose_service(
    enterprise: bool | None,
    vertexai: bool | None,
    project: str | None,
    location: str | None,
    api_key: str | None,
    credentials: google.auth.credentials.Credentials | None,
) -> VertexTarget | None:
    """Decide by the arguments of a client and the environment.

    Returns:
        Where to call Vertex AI; None for the Gemini API.

    Raises:
        ValueError: Arguments exclude each other, or there is no project.
        TypeError: An argument is of a wrong type.
    """
    for name, value in (("project", project), ("location", location)):
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{name}: expected a string, got {type(value).__name__}")
    if enterprise is not None and vertexai is not None and enterprise != vertexai:
        raise ValueError("enterprise and vertexai: are the same option and differ; set enterprise alone")
    given = vertexai if enterprise is None else enterprise
    if not (_is_chosen_by_environment() if given is None else given):
        for name, value in (("project", project), ("location", location)):
            if value is not None:
                raise ValueError(
                    f"{name}: Vertex AI only; set vertexai=True, or leave it out for the Gemini API"
                )
        return None
    if api_key and credentials:
        raise ValueError("api_key and credentials are mutually exclusive")
    if api_key:
        return _choose_for_key(project, location)
    return _choose_place(project, location, credentials)


def _is_chosen_by_environment() -> bool:
    values = {name: os.environ[name] for name in (_ENTERPRISE, _VERTEX) if os.environ.get(name)}
    chosen = [value.lower() in {"1", "true"} for value in values.values()]
    if len(set(chosen)) > 1:
        warnings.warn(f"{_ENTERPRISE} and {_VERTEX} differ; {_ENTERPRISE} counts", stacklevel=4)
    return bool(chosen and chosen[0])


def _choose_for_key(project: str | None, location: str | None) -> VertexTarget:
    if not project and not location:
        return VertexTarget("", "")
    if not (project and location):
        lacking, present = ("location", "project") if project else ("project", "location")
        raise ValueError(
            f"{lacking}: is needed beside api_key and {present}; add it, or leave {present} out for "
            "express mode"
        )
    return VertexTarget(project, check_location(location))


def _choose_place(
    project: str | None, location: str | None, credentials: google.auth.credentials.Credentials | None
) -> VertexTarget:
    found_project = project or os.environ.get(_PROJECT)
    found_location = location or os.environ.get(_LOCATION)
    if not (credentials or found_project or found_location) and find_environment_key():
        return VertexTarget("", "")
    place = check_location(found_location or "global")
    return VertexTarget(found_project or _find_project(credentials), place)


def check_location(location: str) -> str:
    """Return a location if it has the form of one."""
    if not endpoint.is_location(location):
        raise ValueError(
            f"location: {location!r} is not a location; give a region such as 'us-central1', or 'global'"
        )
    return location


def _find_project(credentials: google.auth.credentials.Credentials | None) -> str:
    """Return the project of the credentials, else that of application default credentials."""
    known = getattr(credentials, "project_id", None)
    if isinstance(known, str) and known:
        return known
    instead = f"pass project, or set {_PROJECT}; a key of express mode is api_key"
    if endpoint.is_emulated():
        raise ValueError(f"project: Vertex AI needs one, with an emulator too; {instead}")
    import google.auth
    from google.auth.exceptions import GoogleAuthError

    try:
        found = without_frames(google.auth.default)[1]
    except GoogleAuthError as error:
        raise ValueError(f"project: Vertex AI needs one; {instead} ({error})") from None
    if not found:
        raise ValueError(f"project: application default credentials have none; {instead}")
    return str(found)
