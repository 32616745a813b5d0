"""A process with a model in it, and how one talks with it."""

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
from pathlib import Path
from typing import Any

import grpc

from gemwire_emulator.errors import StatusError
from gemwire_emulator.weights import WeightsError

_HOST = "127.0.0.1"


class Refused(Exception):
    """The model's server refuses a request.

    Attributes:
        kind: What it calls the error.
        message: What it says.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


@dataclass(frozen=True)
class _Running:
    """A process that listens."""

    process: subprocess.Popen[str]
    port: int
    key: str

    @property
    def is_up(self) -> bool:
        return self.process.poll() is None

    def end(self) -> None:
        _end(self.process)

    def headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/json",
            "Connection": "close",
        }


class Llama:
    """A model in a process of its own, started when it is first needed and again when it has died.

    Closing a connection ends the work on its request, so nothing is left to cancel by hand.
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
        """Nothing is started yet.

        Args:
            model: Gives the GGUF file; may take its time.
            context: Tokens of a prompt and its answer.
            slots: Requests that are worked on at once.
            batch: Tokens of a prompt that are worked on at once.
            embedding: Whether it makes vectors instead of texts.
        """
        self._model = model
        self._settings = {"context": context, "slots": slots, "batch": batch, "embedding": embedding}
        self._lock = threading.Lock()
        self._running: _Running | None = None

    def start(self) -> _Running:
        """Start the process unless it is there.

        Raises:
            StatusError: FAILED_PRECONDITION: a package or the model is missing, or the file is none.
        """
        with self._lock:
            if self._running is not None and self._running.is_up:
                return self._running
            self._stop()
            if importlib.util.find_spec("xllamacpp") is None:
                raise _unready("the local engine needs more packages: pip install 'gemwire[local]'")
            try:
                path = self._model()
            except WeightsError as error:
                raise _unready(str(error)) from None
            if not path.is_file():
                raise _unready(f"there is no model {path}")
            self._running = _spawn({"model": str(path), "key": secrets.token_urlsafe(24), **self._settings})
            return self._running

    def _stop(self, which: _Running | None = None) -> None:
        """End the process; with ``which``, only if it is still that one."""
        if self._running is not None and which in (None, self._running):
            self._running.end()
            self._running = None

    def _lost(self, running: _Running) -> None:
        """The connection to a process broke: whatever is left of it is of no use."""
        with self._lock:
            self._stop(running)

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._stop()

    @property
    def pid(self) -> int | None:
        """Id of the process, if there is one."""
        return self._running.process.pid if self._running is not None else None

    def ask_now(self, path: str, body: dict[str, Any]) -> Any:
        """Ask what takes no time, and wait.

        Raises:
            StatusError: UNAVAILABLE: the process has died.
            Refused: The answer is an error.
        """
        running = self.start()
        connection = http.client.HTTPConnection(_HOST, running.port)
        try:
            connection.request("POST", path, json.dumps(body), running.headers())
            response = connection.getresponse()
            return _answer(response.status, response.read())
        except (OSError, http.client.HTTPException) as error:
            self._lost(running)
            raise _gone() from error
        finally:
            connection.close()

    async def ask(self, path: str, body: dict[str, Any]) -> Any:
        """Ask, and get the answer whole.

        Raises:
            StatusError: UNAVAILABLE: the process has died.
            Refused: The answer is an error.
        """
        async with aclosing(self._exchange(path, body)) as parts:
            data = b"".join([part async for part in parts])
        return _answer(200, data)

    async def stream(self, path: str, body: dict[str, Any]) -> AsyncGenerator[Any, None]:
        """Ask, and get the answer's events as they come.

        Raises:
            StatusError: UNAVAILABLE: the process has died.
            Refused: The answer is an error.
        """
        waiting = b""
        async with aclosing(self._exchange(path, {**body, "stream": True})) as parts:
            async for part in parts:
                *events, waiting = (waiting + part).split(b"\n\n")
                for event in events:
                    kind, _, data = event.partition(b": ")
                    if kind in (b"data", b"error") and data != b"[DONE]":
                        yield _answer(200, data)

    async def _exchange(self, path: str, body: dict[str, Any]) -> AsyncGenerator[bytes, None]:
        """One request on a connection of its own; pieces of the answer's body."""
        running = self._running
        if running is None or not running.is_up:
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
                _answer(status, b"".join([part async for part in parts]))
            async with aclosing(parts):
                async for part in parts:
                    yield part
        except (OSError, EOFError, IndexError, ValueError) as error:
            await asyncio.to_thread(self._lost, running)
            raise _gone() from error
        finally:
            if writer is not None:
                # Not close: what is unsent or unread does not matter, and the other side is to know now.
                writer.transport.abort()


def _spawn(settings: dict[str, Any]) -> _Running:
    process = subprocess.Popen(
        [sys.executable, "-m", "gemwire_emulator.engines.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Threads that wait for each other must sleep: they share their cores, and spinning takes them away.
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
        _end(process)
        raise _unready(
            f"cannot load the model {settings['model']}: {answer.get('error', 'its process ended')}"
        )
    return _Running(process, answer["port"], settings["key"])


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


async def _body(reader: asyncio.StreamReader, headers: Any) -> AsyncGenerator[bytes, None]:
    if headers.get("Transfer-Encoding", "").lower() != "chunked":
        yield await reader.readexactly(int(headers["Content-Length"]))
        return
    while size := int(await reader.readline(), 16):
        yield await reader.readexactly(size)
        await reader.readexactly(2)


def _answer(status: int, data: bytes) -> Any:
    found = json.loads(data)
    error = found.get("error") if isinstance(found, dict) else None
    if error is None and status == 200:
        return found
    error = error or {}
    raise Refused(str(error.get("type", status)), str(error.get("message", found)))


def _unready(message: str) -> StatusError:
    return StatusError(grpc.StatusCode.FAILED_PRECONDITION, message)


def _gone() -> StatusError:
    return StatusError(
        grpc.StatusCode.UNAVAILABLE, "the process of the local model ended; the next call starts another"
    )
