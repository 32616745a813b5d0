"""A server for jobs: it answers at once, with little, and counts how often each line is asked for."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from gemwire_proto import v1beta

_NUMBER = re.compile(rb"line (\d+)\.")
_DEADLY = b"kill whoever asks"
#: A request with this text has an answer that cannot be decoded.
_GARBLED = b"answer with garbage"
_ANSWER = v1beta.GenerateContentResponse(
    candidates=[{"content": {"role": "model", "parts": [{"text": "Yes."}]}, "finish_reason": "STOP"}],
    usage_metadata={"prompt_token_count": 3, "candidates_token_count": 2, "total_token_count": 5},
).SerializeToString()


class Counted:
    """The server, in a thread.

    Attributes:
        address: host:port.
        counts: How often each line was asked for, by its number.
        latency: Seconds that an answer takes.
        calls: Calls by the names of their methods.
        away: Whether all calls fail with UNAVAILABLE.
        times: When each call came that asked for lines.
        most: The most calls that were under way at once.
    """

    def __init__(self, latency: float = 0.0) -> None:
        self.counts: Counter[int] = Counter()
        self.calls: Counter[str] = Counter()
        self.latency = latency
        self.most = 0
        self.away = False
        self.times: list[float] = []
        self._now = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.address = self._wait(self._start())

    def _wait(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _start(self) -> str:
        self._server = grpc.aio.server()
        self._server.add_generic_rpc_handlers((_Handler(self),))
        port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        return f"127.0.0.1:{port}"

    def stop(self) -> None:
        self._wait(self._server.stop(0))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    async def answer(self, method: str, request: bytes, context: Any) -> bytes:
        self.calls[method] += 1
        self.counts.update(map(int, _NUMBER.findall(request)))
        if self.away:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "Away.")
        if method == "GetModel":
            return b""
        self.times.append(time.monotonic())
        if _DEADLY in request:
            os.kill(_process_at(context.peer(), self.address), signal.SIGKILL)
        self._now += 1
        self.most = max(self.most, self._now)
        try:
            if self.latency:
                await asyncio.sleep(self.latency)
        finally:
            self._now -= 1
        if _GARBLED in request:
            return b"\xff" * 9
        return _vectors(request) if method == "BatchEmbedContents" else _ANSWER


def _vectors(request: bytes) -> bytes:
    asked = v1beta.BatchEmbedContentsRequest.FromString(request)
    texts = [one.content.parts[0].text for one in asked.requests]
    made = [{"values": [float(len(text)), 0.1, -1.5e-7]} for text in texts]
    return v1beta.BatchEmbedContentsResponse(embeddings=made).SerializeToString()


class _Handler(grpc.GenericRpcHandler):
    def __init__(self, server: Counted) -> None:
        self._server = server

    def service(self, details: Any) -> Any:
        method = details.method.rpartition("/")[2]

        async def answer(request: bytes, context: Any) -> bytes:
            return await self._server.answer(method, request, context)

        return grpc.unary_unary_rpc_method_handler(answer)


def _process_at(peer: str, server: str) -> int:
    """The process at the other end of a connection on this machine.

    A connection of another process may have the same port to another address.
    """
    near, far = (f":{int(address.rpartition(':')[2]):04X}" for address in (peer, server))
    inodes = {
        f"socket:[{fields[9]}]"
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        if (fields := line.split())[1].endswith(near) and fields[2].endswith(far)
    }
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(file.readlink()) in inodes for file in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:
            continue
    raise LookupError(peer)


def write(path: Path, count: int, *, deadly: tuple[int, ...] = ()) -> None:
    """An input of so many lines.

    Args:
        path: The file.
        count: Lines.
        deadly: Numbers of lines over which the server kills whoever asks.
    """
    with path.open("w") as file:
        for number in range(1, count + 1):
            text = f"This is line {number}. {_DEADLY.decode() if number in deadly else ''}"
            file.write(json.dumps({"key": f"k{number}", "prompt": text}) + "\n")


def numbers(path: Path) -> list[int]:
    """The numbers of the lines in an output, sorted; its last line may be torn."""
    if not path.exists():
        return []
    data = path.read_bytes()
    return sorted(json.loads(line)["line"] for line in data[: data.rfind(b"\n") + 1].splitlines())
