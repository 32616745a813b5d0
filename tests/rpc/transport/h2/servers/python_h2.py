"""The interop server on the package h2; other_http2_servers.py says what it does. Argument: folder."""

from __future__ import annotations

import asyncio
import ssl
import struct
import sys
from base64 import b64decode, b64encode
from pathlib import Path
from urllib.parse import quote

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset

FOLDER = Path(sys.argv[1])
UNARY = (FOLDER / "unary").read_bytes()
STREAM, BIDI = ([(FOLDER / f"{name}-{n}").read_bytes() for n in range(4)] for name in ("stream", "bidi"))
SERVICE = "/google.ai.generativelanguage.v1beta.GenerativeService/"
INVALID_ARGUMENT, UNIMPLEMENTED = 3, 12


class Call:
    """One stream."""

    def __init__(self, fields: dict[str, str]) -> None:
        self.fields = fields
        self.path = fields[":path"].removeprefix(SERVICE)
        self.arrived = b""
        self.received: list[int] = []
        self.outgoing = b""
        self.trailers: list[tuple[str, str]] | None = None
        self.has_headers = False


class Server(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        config = H2Configuration(client_side=False, header_encoding="utf-8")
        self.connection = H2Connection(config)
        self.connection.initiate_connection()
        self.calls: dict[int, Call] = {}
        self.write()

    def write(self) -> None:
        self.transport.write(self.connection.data_to_send())

    def connection_lost(self, exc: Exception | None) -> None:
        for _ in self.calls:
            print("cancelled", flush=True)

    def data_received(self, data: bytes) -> None:
        for event in self.connection.receive_data(data):
            if isinstance(event, RequestReceived):
                self.begin(event.stream_id, Call({str(name): str(value) for name, value in event.headers}))
            elif isinstance(event, DataReceived):
                self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                self.receive(event.stream_id, event.data)
            elif isinstance(event, StreamEnded):
                self.end(event.stream_id)
            elif isinstance(event, StreamReset) and event.stream_id in self.calls:
                del self.calls[event.stream_id]
                print("cancelled", flush=True)
        for stream_id in list(self.calls):
            self.flush(stream_id)
        self.write()

    def begin(self, stream_id: int, call: Call) -> None:
        self.calls[stream_id] = call
        if call.path not in ("GenerateContent", "StreamGenerateContent", "BidiGenerateContent"):
            self.finish(call, UNIMPLEMENTED)
        elif call.path == "BidiGenerateContent":
            self.send_headers(stream_id, call)

    def receive(self, stream_id: int, data: bytes) -> None:
        call = self.calls.get(stream_id)
        if call is None or call.trailers is not None:
            return
        call.arrived += data
        while len(call.arrived) >= 5:
            size = struct.unpack_from(">L", call.arrived, 1)[0]
            if len(call.arrived) < 5 + size:
                return
            call.arrived = call.arrived[5 + size :]
            if call.path == "BidiGenerateContent" and "x-silent" not in call.fields:
                self.reply(call, BIDI[len(call.received)])
            call.received.append(size)

    def end(self, stream_id: int) -> None:
        call = self.calls.get(stream_id)
        if call is None or call.trailers is not None:
            return
        fields = call.fields
        if call.path == "BidiGenerateContent":
            if "x-silent" not in fields:
                self.finish(call)
        elif call.path == "StreamGenerateContent":
            for reply in STREAM:
                self.reply(call, reply)
            self.finish(call)
        elif "x-status" in fields:
            self.finish(call, int(fields["x-status"]), b64decode(fields["x-message-bin"] + "==").decode())
        elif fields.get("x-size", str(call.received[0])) != str(call.received[0]):
            self.finish(call, INVALID_ARGUMENT, f"request of {call.received[0]} bytes")
        else:
            self.reply(call, UNARY if call.received[0] else b"")
            self.finish(call)

    def reply(self, call: Call, message: bytes) -> None:
        call.outgoing += struct.pack(">BL", 0, len(message)) + message

    def finish(self, call: Call, status: int = 0, message: str = "") -> None:
        call.trailers = [("grpc-status", str(status)), ("grpc-message", quote(message))]
        call.trailers.append(("x-received", ",".join(map(str, call.received))))
        if echo := call.fields.get("x-grpc-test-echo-trailing-bin"):
            call.trailers.append(
                ("x-grpc-test-echo-trailing-bin", b64encode(b64decode(echo + "==")).decode())
            )

    def send_headers(self, stream_id: int, call: Call) -> None:
        fields = [(":status", "200"), ("content-type", "application/grpc")]
        if echo := call.fields.get("x-grpc-test-echo-initial"):
            fields.append(("x-grpc-test-echo-initial", echo))
        self.connection.send_headers(stream_id, fields)
        call.has_headers = True

    def flush(self, stream_id: int) -> None:
        """Send what the windows permit, and the trailers when all is sent."""
        call, connection = self.calls[stream_id], self.connection
        if not call.has_headers and (call.outgoing or call.trailers is not None):
            self.send_headers(stream_id, call)
        while call.outgoing:
            window = connection.local_flow_control_window(stream_id)
            size = min(len(call.outgoing), window, connection.max_outbound_frame_size)
            if size <= 0:
                return
            connection.send_data(stream_id, call.outgoing[:size])
            call.outgoing = call.outgoing[size:]
        if call.trailers is not None:
            connection.send_headers(stream_id, call.trailers, end_stream=True)
            del self.calls[stream_id]


async def main() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(FOLDER / "chain.pem", FOLDER / "key.pem")
    context.set_alpn_protocols(["h2"])
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
