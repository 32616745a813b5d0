"""What a group of snippets is, and what it is given."""

from __future__ import annotations

import dataclasses
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gemwire.testing import RunningEmulator

MODEL = "gemini-2.5-flash"


@dataclasses.dataclass
class Run:
    """One way through all groups.

    Attributes:
        genai: The package.
        types: Its types.
        errors: Its errors.
        emulator: Where the calls go.
        folder: Where files are.
        kept: What a group leaves for those after it.
    """

    genai: Any
    types: Any
    errors: Any
    emulator: RunningEmulator
    folder: Path
    kept: dict[str, Any] = dataclasses.field(default_factory=dict)
    _clients: list[Any] = dataclasses.field(default_factory=list)

    @property
    def client(self) -> Any:
        """The client that most groups use."""
        return self._clients[0] if self._clients else self.made(api_key="a-key")

    def made(self, **arguments: Any) -> Any:
        """Another client, which is closed at the end."""
        self._clients.append(self.genai.Client(**arguments))
        return self._clients[-1]

    async def close(self) -> None:
        """Close the clients."""
        for client in self._clients:
            await client.aio.aclose()
            client.close()

    def sleep(self, seconds: float) -> None:
        """What a program waits with: the emulator's clock goes on, and its work gets a moment."""
        self.emulator.advance(seconds)
        time.sleep(0.02)

    def sent(self, method: str = "") -> Any:
        """The last request that arrived."""
        return self.emulator.calls(method)[-1].requests[0]

    @contextmanager
    def environment(self, **variables: str) -> Iterator[None]:
        """Some variables set for a while."""
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
        title: What it shows.
        run: It.
        differs: How `gemwire.genai` differs from google-genai here.
        only_here: Why google-genai 3.4.0 does not run it.
        refused: Why both refuse it, or `gemwire.genai` alone does.
    """

    title: str
    run: Callable[[Run], Any]
    differs: str = ""
    only_here: str = ""
    refused: str = ""

    @property
    def outcome(self) -> str:
        """As the guide's table says it."""
        if self.refused:
            return f"not served: {self.refused}"
        if self.only_here:
            return f"runs; google-genai 3.4.0 refuses it: {self.only_here}"
        return f"runs, with a difference: {self.differs}" if self.differs else "runs the same"


#: By the module that has them.
ALL: defaultdict[str, list[Group]] = defaultdict(list)


def group(title: str, **more: str) -> Callable[[Callable[[Run], Any]], Callable[[Run], Any]]:
    """Add a group; see `Group`."""

    def add(run: Callable[[Run], Any]) -> Callable[[Run], Any]:
        ALL[run.__module__].append(Group(title, run, **more))
        return run

    return add


def plain(value: Any) -> Any:
    """What is set of a message, as JSON has it."""
    return value.model_dump(exclude_none=True, mode="json")
