"""API families at run time: which packages and services were generated, and where they are."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gemwire_runtime.method import Service


@dataclass(frozen=True)
class Package:
    """One proto package that was generated.

    Attributes:
        name: Proto name, ``google.ai.generativelanguage.v1beta``.
        module: Module of its messages, ``gemwire_proto.v1beta``.
        services: Modules of its services by their proto names: ``GenerativeService`` is in
            ``gemwire_proto.v1beta.generative_service``.
        clients: Whether it has service clients.
        mixin: Whether its services are served by every API, under the API's own host.
    """

    name: str
    module: str
    services: Mapping[str, str]
    clients: bool
    mixin: bool

    def tables(self) -> Iterator[Service]:
        """Load the method table of each service."""
        for module in self.services.values():
            yield importlib.import_module(module).SERVICE


@dataclass(frozen=True)
class Family:
    """One API.

    Attributes:
        name: Its name, ``generativelanguage``.
        host: Default host of its services.
        descriptor_set: File of its descriptors, a serialized FileDescriptorSet with all imports.
        comments: File of its comments: JSON, by the full names of messages, enums and services.
        packages: Its proto packages.
    """

    name: str
    host: str
    descriptor_set: Path
    comments: Path
    packages: tuple[Package, ...]
