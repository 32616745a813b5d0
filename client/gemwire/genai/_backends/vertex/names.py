"""Resource names of Vertex AI: in a project and a location, or in express mode without them."""

from __future__ import annotations

import re

from gemwire.genai._backends.base import VertexTarget
from gemwire.genai._convert.resource_names import FORBIDDEN

_MODEL_ID = re.compile(r"\d+(?:@[^/]+)?")
_FULL = re.compile(r"projects/([^/]+)/locations/([^/]+)/(.+)")


class Names:
    """Completes the names that a client is given.

    Attributes:
        target: Project and location of the client.
    """

    def __init__(self, target: VertexTarget) -> None:
        self.target = target

    @property
    def parent(self) -> str:
        """``projects/…/locations/…``."""
        if self.target.is_express:
            raise ValueError(
                "project and location: are needed for this; a key of express mode generates content only"
            )
        return f"projects/{self.target.project}/locations/{self.target.location}"

    def to_model(self, model: object, argument: str = "model") -> str:
        """Return the full name of a publisher's model or of an endpoint, which generate content."""
        name = self._check(model, argument, "'gemini-2.5-flash'")
        if name.startswith("projects/"):
            rest = self._split(name, argument)
            if rest.startswith("models/"):
                raise _no_model(name, argument)
            return name
        if name.startswith("endpoints/"):
            return name if self.target.is_express else f"{self.parent}/{name}"
        return self._complete(self.to_publisher_model(name, argument))

    def to_publisher_model(self, model: object, argument: str = "model") -> str:
        """Return the name of a publisher's model: ``publishers/google/models/m`` for "m"."""
        name = self._check(model, argument, "'gemini-2.5-flash'")
        short = name.removeprefix("models/")
        if _MODEL_ID.fullmatch(short):
            if short != name:
                raise _no_model(name, argument)
            raise ValueError(
                f"{argument}: {name!r} is not the name of a model; an endpoint is 'endpoints/{name}'"
            )
        if name.startswith("tunedModels/"):
            raise ValueError(
                f"{argument}: {name!r} belongs to the Gemini API; on Vertex AI a tuned model answers at its "
                "endpoint, 'endpoints/…'"
            )
        if name.startswith("publishers/"):
            return name
        publisher, slash, rest = short.partition("/")
        return f"publishers/{publisher}/models/{rest}" if slash else f"publishers/google/models/{short}"

    def to_own_model(self, model: object, argument: str = "model") -> str:
        """Return the full name of a model of the project: for ``models/5``, or complete."""
        name = self.to_resource(model, "models", argument)
        if not re.fullmatch(r"projects/[^/]+/locations/[^/]+/models/[^/]+", name):
            raise ValueError(f"{argument}: {model!r} is not the name of a tuned model, such as 'models/123'")
        return name

    def to_any_model(self, model: object, argument: str = "model") -> str:
        """Return the name of a publisher's model, or of one of the project."""
        name = self._check(model, argument, "'gemini-2.5-flash'")
        if "endpoints/" in name:
            raise ValueError(f"{argument}: {name!r} is an endpoint; give the name of its model, 'models/…'")
        is_own = name.startswith("projects/") or _MODEL_ID.fullmatch(name.removeprefix("models/"))
        return self.to_own_model(name, argument) if is_own else self.to_publisher_model(name, argument)

    def to_batch_model(self, model: object) -> str:
        """Return the name of the model of a batch: a publisher's, or a tuned model in full."""
        name = self._check(model, "model", "'gemini-2.5-flash'")
        if name.startswith("projects/"):
            self._split(name, "model")
            return name
        return self.to_publisher_model(name)

    def to_resource(self, name: object, collection: str, argument: str = "name") -> str:
        """Return the full name of a resource: for "5", for ``collection/5``, or complete."""
        found = self._check(getattr(name, "name", None) or name, argument, f"'{collection}/123'")
        if found.startswith("projects/"):
            self._split(found, argument)
            return found
        if found.startswith("locations/"):
            return self._complete_project(found, argument)
        return f"{self.parent}/{found if found.startswith(f'{collection}/') else f'{collection}/{found}'}"

    def _complete_project(self, name: str, argument: str) -> str:
        full = f"{self.parent.partition('/locations/')[0]}/{name}"
        self._split(full, argument)
        return full

    def _complete(self, name: str) -> str:
        return name if self.target.is_express else f"{self.parent}/{name}"

    def _split(self, name: str, argument: str) -> str:
        """Return what follows the location of a full name, which must be the client's."""
        found = _FULL.fullmatch(name)
        if found is None:
            raise ValueError(f"{argument}: {name!r} names no resource of 'projects/…/locations/…'")
        location, own = found[2], self.target.location
        if location != own and "global" not in (location, own) and own:
            raise ValueError(
                f"{argument}: {name!r} is in {location}, but the client calls {own}, whose host serves no "
                f"other location; make a client with location={location!r}"
            )
        return found[3]

    def _check(self, name: object, argument: str, example: str) -> str:
        if not isinstance(name, str):
            raise TypeError(f"{argument}: expected a name, got {type(name).__name__}")
        if not name or FORBIDDEN.search(name):
            raise ValueError(f"{argument}: {name!r} is not a name, such as {example}")
        return name


def _no_model(name: str, argument: str) -> ValueError:
    return ValueError(
        f"{argument}: {name!r} is a tuned model, which answers at its endpoint; give tuned_model.endpoint"
    )
