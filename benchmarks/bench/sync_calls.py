"""Unary calls and streams without asyncio: client CPU a call and a chunk, in one thread."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

import grpc
from libraries import CONTENTS, arguments, connect, genai_arguments
from measure import (
    GEMWIRE,
    GEMWIRE_GENAI,
    GEMWIRE_GENAI_H2,
    GEMWIRE_H2,
    GOOGLE,
    GOOGLE_GENAI,
    RAW,
    Figure,
    Ports,
    cpu,
    family,
    installed,
    server,
    start,
    turns,
)

from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2 as pb
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2_grpc as stubs

UNARY, STREAM, BARE_STREAM = "sync unary", "sync stream, per chunk", "sync stream, per chunk, bare"
CALLS, CHUNKS, STREAMS = 200, 200, 8
REPLY, DENSE = "reply-0", f"stream-{CHUNKS}-0"
#: A call, a stream whose text is read, a stream whose chunks are counted; each gives the number of pieces.
_Calls = tuple[Callable[[], Any], Callable[[], int], Callable[[], int] | None]


def _texts(chunks: Any) -> int:
    return sum(1 for chunk in chunks if chunk.candidates[0].content.parts[0].text)


def stub_calls(ports: Ports) -> _Calls:
    stub = stubs.GenerativeServiceStub(connect(grpc, ports))

    def request(model: str) -> Any:
        return pb.GenerateContentRequest(model=f"models/{model}", contents=CONTENTS)

    one = request(DENSE)
    return (
        lambda: stub.GenerateContent(request(REPLY)).candidates[0].content.parts[0].text,
        lambda: _texts(stub.StreamGenerateContent(request(DENSE))),
        lambda: sum(1 for _ in stub.StreamGenerateContent(one)),
    )


def generated_calls(client: Any, request_type: Any) -> _Calls:
    def request(model: str) -> dict[str, Any]:
        return {"model": f"models/{model}", "contents": CONTENTS}

    one = request_type(**request(DENSE))
    return (
        lambda: client.generate_content(request(REPLY)).candidates[0].content.parts[0].text,
        lambda: _texts(client.stream_generate_content(request(DENSE))),
        lambda: sum(1 for _ in client.stream_generate_content(one)),
    )


def gemwire_calls(ports: Ports) -> _Calls:
    from gemwire import v1beta

    return generated_calls(v1beta.GenerativeServiceClient(**arguments(ports)), v1beta.GenerateContentRequest)


def gemwire_h2_calls(ports: Ports) -> _Calls:
    from gemwire import v1beta

    return generated_calls(
        v1beta.GenerativeServiceClient(transport="h2", **arguments(ports)), v1beta.GenerateContentRequest
    )


def google_calls(ports: Ports) -> _Calls:
    from google.ai import generativelanguage_v1beta as v1beta
    from google.ai.generativelanguage_v1beta.services.generative_service.transports import (
        GenerativeServiceGrpcTransport,
    )

    channel = connect(grpc, ports)
    client = v1beta.GenerativeServiceClient(transport=GenerativeServiceGrpcTransport(channel=channel))
    return generated_calls(client, v1beta.GenerateContentRequest)


def genai_calls(client: Any) -> _Calls:
    # A client that nobody holds closes its connections: the calls hold it.
    def stream() -> int:
        chunks = client.models.generate_content_stream(model=DENSE, contents=CONTENTS)
        return sum(1 for chunk in chunks if chunk.text)

    return lambda: client.models.generate_content(model=REPLY, contents=CONTENTS).text, stream, None


def gemwire_genai_calls(ports: Ports) -> _Calls:
    from gemwire import genai

    return genai_calls(genai.Client(**genai_arguments(ports)))


def gemwire_genai_h2_calls(ports: Ports) -> _Calls:
    from gemwire import genai

    return genai_calls(genai.Client(transport="h2", **genai_arguments(ports)))


def google_genai_calls(ports: Ports) -> _Calls:
    import google.genai

    return genai_calls(google.genai.Client(api_key="a-key", http_options={"base_url": ports.http_url}))


LIBRARIES = {
    RAW: stub_calls,
    GEMWIRE: gemwire_calls,
    GEMWIRE_H2: gemwire_h2_calls,
    GEMWIRE_GENAI: gemwire_genai_calls,
    GEMWIRE_GENAI_H2: gemwire_genai_h2_calls,
    GOOGLE: google_calls,
    GOOGLE_GENAI: google_genai_calls,
}


def rounds(options: argparse.Namespace, ports: Ports, suffix: str) -> list[Figure]:
    unary = Figure(UNARY + suffix, "µs CPU a call")
    stream = Figure(STREAM + suffix, "µs CPU a chunk")
    bare = Figure(BARE_STREAM + suffix, "µs CPU a chunk")
    calls = CALLS // 2 if options.short else CALLS
    made = {name: make(ports) for name, make in LIBRARIES.items() if installed(name)}
    for round_ in range(options.rounds + 1):
        for figure, index, count, pieces in (
            (unary, 0, calls, 1),
            (stream, 1, STREAMS, CHUNKS),
            (bare, 2, STREAMS, CHUNKS),
        ):
            for name, library in turns(made, round_):
                call = library[index]
                if call is None:
                    continue
                before = start()
                for _ in range(count):
                    call()
                if round_:
                    figure.add(name, (cpu() - before) / (count * pieces) * 1e6)
    return [unary, stream, bare]


def measure(options: argparse.Namespace) -> list[Figure]:
    if options.aiohttp:
        return []  # google-genai's sync client does not use it
    with server() as ports:
        return rounds(options, ports, "")


if __name__ == "__main__":
    sys.exit(family(measure, __doc__))
