"""Resource names of Vertex AI: projects, locations, models."""

from __future__ import annotations

import re

from google.protobuf.message import Message

from gemwire_emulator.errors import invalid_argument, method_not_supported, not_found, quote
from gemwire_emulator.names import check_name
from gemwire_emulator.services.model_catalog import get_methods

#: Where the service is: regions, multi-regions and ``global``.
LOCATIONS = frozenset(
    f"{area}-{place}"
    for area, places in {
        "africa": "south1",
        "asia": "east1 east2 northeast1 northeast2 northeast3 south1 south2 southeast1 southeast2",
        "australia": "southeast1 southeast2",
        "europe": "central2 north1 north2 southwest1 west1 west2 west3 west4 west6 west8 west9 west12",
        "me": "central1 central2 west1",
        "northamerica": "northeast1 northeast2",
        "southamerica": "east1 west1",
        "us": "central1 east1 east4 east5 east7 south1 west1 west2 west3 west4 west8",
    }.items()
    for place in places.split()
) | {"global", "us", "eu"}
#: An id, perhaps of an organization's domain, or a number.
_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]|[0-9]+")
_MODEL = (
    "projects/*/locations/*/publishers/*/models/*|projects/*/locations/*/endpoints/*"
    "|publishers/*/models/*|endpoints/*"
)
#: Fields with the name of a resource, of which a request has one.
_NAME_FIELDS = ("model", "endpoint", "parent", "name")


def find_project(request: Message) -> str:
    """Return ``projects/…`` of the resource that a request names; empty for a name without a project."""
    for field in _NAME_FIELDS:
        name = getattr(request, field, "")
        if name.startswith("projects/"):
            return "/".join(name.split("/")[:2])
    return ""


def check_parent(name: str, field: str) -> None:
    """Check the project and the location that a name begins with.

    Raises:
        StatusError: INVALID_ARGUMENT; there is no such location, or no project can have this id.
    """
    _, project, _, location = name.split("/")[:4]
    if not _PROJECT.fullmatch(project):
        raise invalid_argument(
            field, f"{quote(project)} is no project: an id has 6 to 30 of a-z, 0-9 and -, a number has digits"
        )
    if location not in LOCATIONS:
        raise invalid_argument(field, f"{quote(location)} is no location, such as us-central1 or global")


def resolve_model(name: str, field: str, method: str = "") -> str:
    """Return a publisher's model as the Gemini API names it, ``models/…``.

    Args:
        name: Name of the model.
        field: Path of the field, for errors.
        method: What the model must support, such as ``generateContent``; empty for anything.

    Raises:
        StatusError: INVALID_ARGUMENT for a malformed name, NOT_FOUND for a model that is unknown or does
            not support the method.
    """
    check_name(name, _MODEL, field)
    if name.startswith("projects/"):
        check_parent(name, field)
    *_, publisher, _, model = ("", *name.split("/"))
    methods = get_methods(model) if publisher == "google" else ()
    if not methods:
        raise not_found(name)
    if method and method not in methods:
        raise method_not_supported(name, method, methods)
    return f"models/{model}"
