"""A llama.cpp server in a process of its own, and a client for it."""

from __future__ import annotations

import asyncio
import http.client
import importlib.util
import io
import json
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any, TypeAlias

import grpc

from gemwire_emulator.errors import StatusError
from gemwire_emulator.weights import WeightsError

_HOST = "127.0.0.1"
#: The JSON body of a request.
JsonBody: TypeAlias = "dict[str, object]"


class LlamaError(Exception):
    """An error response of the server.

    Attributes:
        kind: Type of the error.
        message: Message of the error.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


@dataclass(frozen=True)
class _RunningServer:
    """A server that listens."""

    process: subprocess.Popen[str]
    port: int
    key: str

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        _kill(self.process)

    def headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/json",
            "Connection": "close",
        }


class LlamaProcess:
    """A model in a process of its own, started on first use and restarted after it has died.

    Closing a connection cancels the work on its request.
    """

    def __init__(
        self,
        model: Callable[[], Path],
        *,
        context: int,
        slots: int = 4,
        batch: int = 128,
        embedding: bool = False,
    ) -> None:
        """Create a client; no process is started.

        Args:
            model: Returns the GGUF file; may download it.
            context: Maximum tokens of a prompt and its response.
            slots: Number of concurrent requests.
            batch: Tokens of a prompt that are processed at once.
            embedding: Compute embeddings instead of text.
        """
        self._model = model
        self._settings = {"context": context, "slots": slots, "batch": batch, "embedding": embedding}
        self._lock = threading.Lock()
        self._running: _RunningServer | None = None

    def start(self) -> _RunningServer:
        """Start the process unless it is running.

        Raises:
            StatusError: FAILED_PRECONDITION; a package or the model is missing, or the file is not a model.
        """
        with self._lock:
            if self._running is not None and self._running.is_alive:
                return self._running
            self._stop()
            if importlib.util.find_spec("xllamacpp") is None:
                raise _not_ready("the local engine requires more packages: pip install 'gemwire[local]'")
            try:
                path = self._model()
            except WeightsError as error:
                raise _not_ready(str(error)) from None
            if not path.is_file():
                raise _not_ready(f"the model {path} does not exist")
            self._running = _spawn({"model": str(path), "key": secrets.token_urlsafe(24), **self._settings})
            return self._running

    def _stop(self, server: _RunningServer | None = None) -> None:
        """Stop the process; with ``server``, only if that is still the current one."""
        if self._running is not None and server in (None, self._running):
            self._running.kill()
            self._running = None

    def _discard(self, running: _RunningServer) -> None:
        """Stop a process whose connection broke."""
        with self._lock:
            self._stop(running)

    def close(self) -> None:
        """Stop the process."""
        with self._lock:
            self._stop()

    @property
    def pid(self) -> int | None:
        """Id of the process; None if it is not running."""
        return self._running.process.pid if self._running is not None else None

    def request_sync(self, path: str, body: JsonBody) -> Any:
        """Send a quick request, and block until its response.

        Raises:
            StatusError: UNAVAILABLE; the process has died.
            LlamaError: The server responds with an error.
        """
        running = self.start()
        connection = http.client.HTTPConnection(_HOST, running.port)
        try:
            connection.request("POST", path, json.dumps(body), running.headers())
            response = connection.getresponse()
            return _parse_response(response.status, response.read())
        except (OSError, http.client.HTTPException) as error:
            self._discard(running)
            raise _process_ended() from error
        finally:
            connection.close()

    async def request(self, path: str, body: JsonBody) -> Any:
        """Send a request, and return its response.

        Raises:
            StatusError: UNAVAILABLE; the process has died.
            LlamaError: The server responds with an error.
        """
        async with aclosing(self._exchange(path, body)) as parts:
            data = b"".join([part async for part in parts])
        return _parse_response(200, data)

    async def stream(self, path: str, body: JsonBody) -> AsyncGenerator[Any, None]:
        """Send a request, and yield the events of its response.

        Raises:
            StatusError: UNAVAILABLE; the process has died.
            LlamaError: The server responds with an error.
        """
        waiting = b""
        async with aclosing(self._exchange(path, {**body, "stream": True})) as parts:
            async for part in parts:
                *events, waiting = (waiting + part).split(b"\n\n")
                for event in events:
                    kind, _, data = event.partition(b": ")
                    if kind in (b"data", b"error") and data != b"[DONE]":
                        yield _parse_response(200, data)

    async def _exchange(self, path: str, body: JsonBody) -> AsyncGenerator[bytes, None]:
        """Send a request on a connection of its own, and yield the pieces of the response body."""
        running = self._running
        if running is None or not running.is_alive:
            running = await asyncio.to_thread(self.start)
        writer = None
        try:
            reader, writer = await asyncio.open_connection(_HOST, running.port)
            data = json.dumps(body).encode()
            head = [f"POST {path} HTTP/1.1", f"Host: {_HOST}", f"Content-Length: {len(data)}"]
            head += [f"{name}: {value}" for name, value in running.headers().items()]
            writer.write("\r\n".join([*head, "", ""]).encode() + data)
            status = int((await reader.readline()).split()[1])
            headers = http.client.parse_headers(io.BytesIO(await reader.readuntil(b"\r\n\r\n")))
            parts = _body(reader, headers)
            if status != 200:
                _parse_response(status, b"".join([part async for part in parts]))
            async with aclosing(parts):
                async for part in parts:
                    yield part
        except (OSError, EOFError, IndexError, ValueError) as error:
            await asyncio.to_thread(self._discard, running)
            raise _process_ended() from error
        finally:
            if writer is not None:
                # Abort instead of close, so that the server notices at once.
                writer.transport.abort()


def _spawn(settings: dict[str, object]) -> _RunningServer:
    process = subprocess.Popen(
        [sys.executable, "-m", "gemwire_emulator.engines.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Waiting threads must sleep: spinning would take the shared cores from the others.
        env={"OMP_WAIT_POLICY": "passive", **os.environ},
    )
    answer: dict[str, Any] = {}
    try:
        if process.stdin is not None and process.stdout is not None:
            process.stdin.write(json.dumps(settings) + "\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline() or "{}")
    except OSError:
        pass
    if "port" not in answer:
        _kill(process)
        raise _not_ready(
            f"cannot load the model {settings['model']}: {answer.get('error', 'its process ended')}"
        )
    return _RunningServer(process, answer["port"], str(settings["key"]))


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


async def _body(reader: asyncio.StreamReader, headers: Message) -> AsyncGenerator[bytes, None]:
    if headers.get("Transfer-Encoding", "").lower() != "chunked":
        yield await reader.readexactly(int(headers["Content-Length"]))
        return
    while size := int(await reader.readline(), 16):
        yield await reader.readexactly(size)
        await reader.readexactly(2)


def _parse_response(status: int, data: bytes) -> Any:
    found = json.loads(data)
    error = found.get("error") if isinstance(found, dict) else None
    if error is None and status == 200:
        return found
    error = error or {}
    raise LlamaError(str(error.get("type", status)), str(error.get("message", found)))


def _not_ready(message: str) -> StatusError:
    return StatusError(grpc.StatusCode.FAILED_PRECONDITION, message)


def _process_ended() -> StatusError:
    return StatusError(
        grpc.StatusCode.UNAVAILABLE, "the process of the local model ended; the next call starts a new one"
    )
