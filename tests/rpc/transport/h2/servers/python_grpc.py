"""The interop server on grpcio; other_http2_servers.py says what it does. Arguments: folder, plain or tls."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc

FOLDER = Path(sys.argv[1])
UNARY = (FOLDER / "unary").read_bytes()
STREAM, BIDI = ([(FOLDER / f"{name}-{n}").read_bytes() for n in range(4)] for name in ("stream", "bidi"))


def generate_content(request: bytes, context: grpc.ServicerContext) -> bytes:
    fields: dict[str, Any] = dict(context.invocation_metadata())
    if "x-status" in fields:
        codes = {code.value[0]: code for code in grpc.StatusCode}
        context.abort(codes[int(fields["x-status"])], fields["x-message-bin"].decode())
    if fields.get("x-size", str(len(request))) != str(len(request)):
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"request of {len(request)} bytes")
    return UNARY if request else b""


def stream_generate_content(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
    yield from STREAM


def bidi_generate_content(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
    pairs = tuple(context.invocation_metadata())
    is_silent = "x-silent" in dict(pairs)
    is_over = False

    def note_end() -> None:
        if not is_over:
            print("cancelled", flush=True)

    context.add_callback(note_end)
    context.send_initial_metadata(tuple(pair for pair in pairs if pair[0] == "x-grpc-test-echo-initial"))
    received: list[int] = []
    for request in requests:
        if not is_silent:
            yield BIDI[len(received)]
        received.append(len(request))
    trailers = (pair for pair in pairs if pair[0] == "x-grpc-test-echo-trailing-bin")
    context.set_trailing_metadata((*trailers, ("x-received", ",".join(map(str, received)))))
    is_over = not is_silent and context.is_active()


class Calls(grpc.GenericRpcHandler):
    """Bytes in, bytes out."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        return {
            "GenerateContent": grpc.unary_unary_rpc_method_handler(generate_content),
            "StreamGenerateContent": grpc.unary_stream_rpc_method_handler(stream_generate_content),
            "BidiGenerateContent": grpc.stream_stream_rpc_method_handler(bidi_generate_content),
        }.get(
            handler_call_details.method.removeprefix(
                "/google.ai.generativelanguage.v1beta.GenerativeService/"
            )
        )


def main() -> None:
    server = grpc.server(futures.ThreadPoolExecutor(64), handlers=[Calls()])
    if sys.argv[2] == "plain":
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        pair = (FOLDER / "key.pem").read_bytes(), (FOLDER / "chain.pem").read_bytes()
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


main()
