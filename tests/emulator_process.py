"""HTTP as a client without any library speaks it, and an emulator as a process that may be killed."""

from __future__ import annotations

import http.client
import json
import select
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


class Answer:
    """What was answered.

    Attributes:
        status: HTTP's.
        headers: By name, in any case.
        body: Its bytes.
    """

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str]:
        """HTTP's status, and the name of the canonical one."""
        assert self.json["error"]["code"] == self.status
        return self.status, self.json["error"]["status"]


def ask(
    base: str,
    verb: str,
    target: str,
    body: bytes | Iterable[bytes] | dict[str, Any] | None = None,
    key: str = "",
    **headers: Any,
) -> Answer:
    """One request over a connection of its own.

    Args:
        base: ``http://host:port``.
        verb: ``GET``.
        target: Path and query, or a whole URL of the same server.
        body: Bytes, pieces of them (which are sent in chunks), or what becomes JSON.
        key: API key.
        headers: More of them; ``_`` stands for ``-``.
    """
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=60)
    named = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    if key:
        named["x-goog-api-key"] = key
    sent = json.dumps(body).encode() if isinstance(body, dict) else body
    try:
        connection.request(verb, target.removeprefix(base), sent, named)
        return Answer(connection.getresponse())
    finally:
        connection.close()


class Process:
    """An emulator in a process of its own.

    Attributes:
        http: ``http://host:port``.
        grpc: host:port.
        pid: Of the process.
    """

    def __init__(self, *options: str) -> None:
        command = [sys.executable, "-m", "gemwire_emulator", "--http-port", "0", "--json", *options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        assert select.select([self._process.stdout], [], [], 60)[0], "it is not ready after 60 s"
        ready = json.loads(self._process.stdout.readline())
        self.http: str = ready["http"]
        self.grpc: str = ready["grpc"]
        self.pid = self._process.pid

    def memory(self) -> int:
        """The most bytes that it has had in memory."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmHWM")

    def kill(self) -> None:
        """As by kill -9."""
        self._process.kill()
        self._process.communicate()
