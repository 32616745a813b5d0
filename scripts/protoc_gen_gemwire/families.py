"""The table of API families: what is generated, and under which names.

A family is an API of its own: the packages of its protos, the host that serves them, and files of descriptors
and comments that are loaded when the family is first imported. Another family is another entry of `FAMILIES`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

ROOT = "gemwire_proto"


@dataclass(frozen=True)
class Package:
    """One proto package of a family.

    Attributes:
        name: Proto name, ``google.ai.generativelanguage.v1beta``.
        module: Name under which programs import it: ``gemwire_proto.MODULE`` has its messages, method tables
            and typed methods.
        views: Whether its messages are also generated as Python objects, in ``MODULE/views.py``.
        clients: Whether it has service clients: ``gemwire.MODULE`` is their front.
        mixin: Whether its services are served by every API, under the API's own host.
    """

    name: str
    module: str
    views: bool = False
    clients: bool = False
    mixin: bool = False


@dataclass(frozen=True)
class Family:
    """One API.

    Attributes:
        name: Its name, for errors.
        packages: Its proto packages.
        host: Default host of its services.
        descriptor_set: File name of its descriptors, in the generated package.
        comments: File name of its comments, beside it.
        title: The API's name in sentences.
        model: Name of a model that generates content, for examples; empty without service clients.
        regional: Whether each location has a host of its own.
        environment_key: Whether GOOGLE_API_KEY and GEMINI_API_KEY hold keys of it.
    """

    name: str
    packages: tuple[Package, ...]
    host: str
    descriptor_set: str
    comments: str
    title: str
    model: str = ""
    regional: bool = False
    environment_key: bool = True


#: The first family is the base: its descriptors are loaded with the package, and hold `CARRIED` as well.
FAMILIES = (
    Family(
        name="generativelanguage",
        title="Generative Language (Gemini) API",
        model="models/gemini-2.5-flash",
        packages=(
            Package("google.ai.generativelanguage.v1beta", "v1beta", views=True, clients=True),
            Package("google.ai.generativelanguage.v1", "v1", clients=True),
            Package("google.longrunning", "longrunning", mixin=True),
        ),
        host="generativelanguage.googleapis.com",
        descriptor_set="descriptors.binpb",
        comments="comments.json",
    ),
    Family(
        name="interactions",
        title="Interactions of the Gemini API",
        packages=(Package("gemwire.interactions.v1beta", "interactions", views=True),),
        host="generativelanguage.googleapis.com",
        descriptor_set="interactions.binpb",
        comments="interactions_comments.json",
    ),
    Family(
        name="aiplatform",
        title="Vertex AI API",
        model="projects/my-project/locations/us-central1/publishers/google/models/gemini-2.5-flash",
        packages=(Package("google.cloud.aiplatform.v1", "aiplatform_v1", clients=True),),
        host="aiplatform.googleapis.com",
        regional=True,
        environment_key=False,
        descriptor_set="aiplatform.binpb",
        comments="aiplatform_comments.json",
    ),
)

#: Files of packages outside the families whose messages users meet. They are Google's and come ready-made.
CARRIED = (
    "google/api/httpbody.proto",
    "google/rpc/status.proto",
    "google/rpc/error_details.proto",
    "google/type/date.proto",
    "google/type/interval.proto",
    "google/type/latlng.proto",
    "google/protobuf/any.proto",
    "google/protobuf/duration.proto",
    "google/protobuf/empty.proto",
    "google/protobuf/field_mask.proto",
    "google/protobuf/struct.proto",
    "google/protobuf/timestamp.proto",
    "google/protobuf/wrappers.proto",
)


def packages(families: Iterable[Family]) -> dict[str, tuple[Family, Package]]:
    """Index the packages of some families by their proto names."""
    return {package.name: (family, package) for family in families for package in family.packages}
