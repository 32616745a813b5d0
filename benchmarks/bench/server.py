"""The static server: constants over gRPC and over HTTP/1.1, in a process of its own.

    python benchmarks/bench/server.py [--streams-per-connection N] [--certificate FOLDER] [--core N]

It prints two ports. What it answers stands in the model's name, so that it is the same for every library:
``reply-BYTES`` is one answer with so much text, ``stream-CHUNKS-MILLISECONDS`` are chunks, each so long after
the one before, and the first so long after the question. Answers are made once; requests are never parsed:
the server must not be what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import os
import ssl
from pathlib import Path
from typing import Any

import grpc.aio
import uvloop
from google.protobuf import json_format

from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2 as pb

#: As the API sends it with every chunk of a text.
USAGE = {
    "prompt_token_count": 7,
    "candidates_token_count": 12,
    "total_token_count": 19,
    "prompt_tokens_details": [{"modality": "TEXT", "token_count": 7}],
}
WORDS = "a few words and then a few more of them, as many as one chunk has "


def answer(text: str) -> Any:
    """One response or chunk with the fields that the API fills."""
    return pb.GenerateContentResponse(
        candidates=[{"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}],
        usage_metadata=USAGE,
        model_version="gemini-2.5-flash",
        response_id="wXyZaPCnM9-2nsEPm4u-gAo",
    )


@functools.cache
def plan(model: str) -> tuple[bytes, bytes, int, float]:
    """What a model answers: as a message, as JSON; how often, and how many seconds apart."""
    kind, *numbers = model.removeprefix("models/").split("-")
    first = int(numbers[0])
    message = answer("x" * first if kind == "reply" and first else WORDS)
    text = json_format.MessageToJson(message, indent=None).encode()
    gap = int(numbers[1]) / 1000 if kind == "stream" else 0
    return message.SerializeToString(), text, first, gap


class Calls(grpc.GenericRpcHandler):
    """Any method: bytes in, bytes out."""

    def __init__(self) -> None:
        self._unary = grpc.unary_unary_rpc_method_handler(self._reply)
        self._stream = grpc.unary_stream_rpc_method_handler(self._chunks)

    def service(self, handler_call_details: Any) -> Any:
        """The handler of a call."""
        return self._stream if "/Stream" in handler_call_details.method else self._unary

    @staticmethod
    def _plan(request: bytes) -> tuple[bytes, bytes, int, float]:
        # The model is the first field; its name is shorter than 128 bytes.
        return plan(request[2 : 2 + request[1]].decode())

    async def _reply(self, request: bytes, _: Any) -> bytes:
        return self._plan(request)[0]

    async def _chunks(self, request: bytes, context: Any) -> None:
        message, _, count, gap = self._plan(request)
        for _ in range(count):
            if gap:
                await asyncio.sleep(gap)
            await context.write(message)


def part(data: bytes) -> bytes:
    """A piece of a body of unknown length."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Http(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._left = 0
        self._path = ""
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: Any) -> None:
        """It is there."""
        self._transport = transport
        self._ready = asyncio.Event()
        self._ready.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._ready.set()
        if self._task:
            self._task.cancel()

    def pause_writing(self) -> None:
        """The other side is slow."""
        self._ready.clear()

    def resume_writing(self) -> None:
        """It reads again."""
        self._ready.set()

    def data_received(self, data: bytes) -> None:
        """A part of a request; the body is counted and thrown away."""
        if self._left:
            self._left -= len(data)
        else:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            lines = bytes(self._head[:end]).split(b"\r\n")
            self._path = lines[0].split()[1].decode()
            fields = dict(line.lower().split(b": ", 1) for line in lines[1:])
            self._left = int(fields.get(b"content-length", 0)) - (len(self._head) - end - 4)
            self._head.clear()
        if self._left == 0:
            self._respond()

    def _respond(self) -> None:
        model, _, method = self._path.partition("?")[0].rpartition("/")[2].partition(":")
        _, text, count, gap = plan(model)
        if method.startswith("stream"):
            self._task = asyncio.get_running_loop().create_task(
                self._events(b"data: " + text + b"\r\n\r\n", count, gap)
            )
        else:
            head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
            self._transport.write(head % len(text) + text)

    async def _events(self, event: bytes, count: int, gap: float) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        self._transport.write(head)
        for _ in range(count):
            await asyncio.sleep(gap)
            await self._ready.wait()
            self._transport.write(part(event))
        self._transport.write(b"0\r\n\r\n")


async def serve(streams_per_connection: int, certificate: Path | None) -> None:
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    if streams_per_connection:
        options.append(("grpc.max_concurrent_streams", streams_per_connection))
    server = grpc.aio.server(options=options)
    server.add_generic_rpc_handlers((Calls(),))
    context = None
    if certificate:
        chain, key = certificate / "chain.pem", certificate / "key.pem"
        credentials = grpc.ssl_server_credentials([(key.read_bytes(), chain.read_bytes())])
        port = server.add_secure_port("127.0.0.1:0", credentials)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(chain, key)
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    web = await asyncio.get_running_loop().create_server(Http, "127.0.0.1", 0, backlog=4096, ssl=context)
    print(port, web.sockets[0].getsockname()[1], flush=True)
    await server.wait_for_termination()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--streams-per-connection", type=int, default=0)
    parser.add_argument("--certificate", type=Path, help="folder with chain.pem and key.pem: speak TLS")
    parser.add_argument("--core", type=int, default=-1)
    options = parser.parse_args()
    if options.core >= 0:
        os.sched_setaffinity(0, {options.core})
    # The server is not what is measured: the less of the machine it takes, the better.
    uvloop.run(serve(options.streams_per_connection, options.certificate))


if __name__ == "__main__":
    main()
