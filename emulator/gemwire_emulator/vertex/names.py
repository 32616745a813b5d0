"""Resource names of Vertex AI: projects, locations, models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from google.protobuf.message import Message

from gemwire_emulator.call import Call
from gemwire_emulator.errors import StatusError, invalid_argument, method_not_supported, not_found, quote
from gemwire_emulator.names import check_name
from gemwire_emulator.state import State
from gemwire_emulator.vertex.tuned_models import TunedModels

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
    resource = getattr(request, "cached_content", None)
    for owner in (request, resource) if isinstance(resource, Message) else (request,):
        for field in _NAME_FIELDS:
            name = getattr(owner, field, "")
            if isinstance(name, str) and name.startswith("projects/"):
                return "/".join(name.split("/")[:2])
    return ""


def find_location(request: Message) -> str:
    """Return the project and location of an operation of Vertex AI; empty for another operation."""
    name = getattr(request, "name", "")
    return "/".join(name.split("/")[:4]) if name.startswith("projects/") else ""


def check_parent(name: str, field: str) -> None:
    """Check the project and the location that a name begins with.

    Raises:
        StatusError: INVALID_ARGUMENT; there is no such location, or no project can have this id.
    """
    _, project, _, location = name.split("/")[:4]
    if not _PROJECT.fullmatch(project):
        raise invalid_argument(
            field,
            f"{quote(project)} is not a project: an id has 6 to 30 of a-z, 0-9 and -, a number has digits",
        )
    if location not in LOCATIONS:
        raise invalid_argument(field, f"{quote(location)} is not a location, such as us-central1 or global")


def enter_parent(call: Call, name: str, field: str = "parent") -> None:
    """Let a call see the resources of a project in a location.

    Raises:
        StatusError: INVALID_ARGUMENT; it is no project and location.
    """
    check_name(name, "projects/*/locations/*", field)
    check_parent(name, field)
    call.tenant = name


@contextmanager
def enter_location(call: Call, name: str, pattern: str, field: str) -> Iterator[str]:
    """Let a call see the resources of the location of a resource; give its name without the location.

    Within it, an error that says that the resource is not there names it in full.

    Args:
        call: The call.
        name: Name of the resource.
        pattern: Form of its name below the location, ``cachedContents/*``.
        field: Path of the field, for errors.

    Raises:
        StatusError: INVALID_ARGUMENT for a malformed name.
    """
    check_name(name, f"projects/*/locations/*/{pattern}", field)
    parent, short = "/".join(name.split("/")[:4]), "/".join(name.split("/")[4:])
    enter_parent(call, parent, field)
    try:
        yield short
    except StatusError as error:
        if error.code is grpc.StatusCode.NOT_FOUND and error.message.startswith(f"{short} "):
            raise not_found(name) from None
        raise


def resolve_model(
    state: State, name: str, field: str, method: str = "", models: TunedModels | None = None
) -> str:
    """Return a publisher's model, or that of an endpoint, as the Gemini API names it: ``models/…``.

    Args:
        state: State of the emulator.
        name: Name of the model or the endpoint.
        field: Path of the field, for errors.
        method: What the model must support, such as ``generateContent``; empty for anything.
        models: Tuned models, whose endpoints answer; None if a publisher's model is needed.

    Raises:
        StatusError: INVALID_ARGUMENT for a malformed name, NOT_FOUND for a model that is unknown or does
            not support the method.
    """
    check_name(name, _MODEL, field)
    if name.startswith("projects/"):
        check_parent(name, field)
    *_, publisher, collection, model = ("", *name.split("/"))
    if collection == "endpoints" and models is not None:
        publisher, model = "google", models.find_base(name)
    methods = state.models.get_methods(model) if publisher == "google" else ()
    if not methods:
        raise not_found(name)
    if method and method not in methods:
        raise method_not_supported(name, method, methods)
    return f"models/{model}"
