"""Groups of snippets, and the run that they are given."""

from __future__ import annotations

import dataclasses
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from google.oauth2.credentials import Credentials

from gemwire.testing import RunningEmulator

MODEL = "gemini-2.5-flash"


@dataclasses.dataclass
class Run:
    """One run of all groups.

    Attributes:
        genai: The package.
        types: Its types.
        errors: Its errors.
        emulator: The server of the calls.
        folder: Folder for files.
        kept: Values that a group leaves for the groups after it.
    """

    genai: Any
    types: Any
    errors: Any
    emulator: RunningEmulator
    folder: Path
    kept: dict[str, Any] = dataclasses.field(default_factory=dict)
    _clients: list[Any] = dataclasses.field(default_factory=list)

    @property
    def storage(self) -> Path:
        """Folder that stands for Cloud Storage."""
        return self.folder / "storage"

    @property
    def credentials(self) -> Credentials:
        """A token that does not expire; no key file is needed."""
        return Credentials("a-token")

    @property
    def vertex(self) -> Any:
        """Client of Vertex AI."""
        if "vertex" not in self.kept:
            place = {"project": "a-project", "location": "us-central1"}
            self.kept["vertex"] = self.create_client(vertexai=True, credentials=self.credentials, **place)
        return self.kept["vertex"]

    @property
    def client(self) -> Any:
        """Client that most groups use."""
        return self._clients[0] if self._clients else self.create_client(api_key="a-key")

    def create_client(self, **arguments: Any) -> Any:
        """Create a client, which is closed at the end of the run."""
        self._clients.append(self.genai.Client(**arguments))
        return self._clients[-1]

    async def close(self) -> None:
        """Close all clients."""
        for client in self._clients:
            await client.aio.aclose()
            client.close()

    def sleep(self, seconds: float) -> None:
        """Advance the emulator's clock, and give its background work a moment."""
        self.emulator.advance(seconds)
        time.sleep(0.02)

    def sent(self, method: str = "") -> Any:
        """Return the last request that arrived."""
        return self.emulator.calls(method)[-1].requests[0]

    @contextmanager
    def environment(self, **variables: str) -> Iterator[None]:
        """Set environment variables for the duration of a block."""
        before = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value


@dataclasses.dataclass(frozen=True)
class Group:
    """A group of snippets.

    Attributes:
        title: Topic.
        run: The snippets.
        differs: How the outcome of `gemwire.genai` differs from google-genai's.
        only_here: Why google-genai 3.4.0 does not run it.
    """

    title: str
    run: Callable[[Run], Any]
    differs: str = ""
    only_here: str = ""

    @property
    def outcome(self) -> str:
        """Outcome as the table of the guide says it."""
        if self.only_here:
            return f"runs; google-genai 3.4.0 refuses it: {self.only_here}"
        return f"runs, with a difference: {self.differs}" if self.differs else "runs the same"


#: Groups by the module that defines them.
GROUPS_BY_MODULE: defaultdict[str, list[Group]] = defaultdict(list)


def group(title: str, **more: str) -> Callable[[Callable[[Run], Any]], Callable[[Run], Any]]:
    """Return a decorator that adds a function as a group; see `Group`."""

    def add(run: Callable[[Run], Any]) -> Callable[[Run], Any]:
        GROUPS_BY_MODULE[run.__module__].append(Group(title, run, **more))
        return run

    return add


def to_json(value: Any) -> Any:
    """Return the fields of a message that are set, as JSON."""
    return value.model_dump(exclude_none=True, mode="json")
