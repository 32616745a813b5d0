"""The same program with each library, asyncio: a question goes out, the text of what comes is read.

Each library is a function of the server's ports and gives a `Library`. Nothing is done for one that is not
done for another: a request is built for each call, as a program does it, and the text of each chunk is read.
The `bare` calls are the strictest comparison with the stub: one request for all, and nobody looks at answers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
from measure import (
    GEMWIRE,
    GEMWIRE_GENAI,
    GEMWIRE_GENAI_H2,
    GEMWIRE_H2,
    GOOGLE,
    GOOGLE_GENAI,
    RAW,
    Ports,
    installed,
)

from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2 as pb
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2_grpc as stubs

CONTENTS = [{"role": "user", "parts": [{"text": "Why is the sky blue?"}]}]
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


def connect(grpc_module: Any, ports: Ports) -> Any:
    """A channel of grpc or grpc.aio, as a program makes it."""
    if ports.is_secure:
        credentials = grpc.ssl_channel_credentials()
        return grpc_module.secure_channel(ports.grpc_address, credentials, options=UNLIMITED)
    return grpc_module.insecure_channel(ports.grpc_address, options=UNLIMITED)


def arguments(ports: Ports) -> dict[str, Any]:
    """Arguments of gemwire's service clients; without TLS the environment says where they go."""
    if not ports.is_secure:
        return {}
    return {"client_options": {"api_endpoint": ports.grpc_address, "api_key": "a-key"}}


def genai_arguments(ports: Ports) -> dict[str, Any]:
    """Arguments of gemwire's clients in google-genai's shape."""
    if not ports.is_secure:
        return {"api_key": "a-key"}
    return {"api_key": "a-key", "http_options": {"base_url": f"https://{ports.grpc_address}"}}


def nothing() -> None:
    """What happens at the first chunk, where nobody wants to know."""


@dataclasses.dataclass(frozen=True)
class Library:
    """What the rows call.

    Attributes:
        ask: ``ask(model, contents)``: the text of the answer.
        stream: ``stream(model, contents, first)``: how many chunks have text; calls ``first`` at the first.
        close: Ends it.
        bare: ``bare(model)`` gives a call.
        bare_stream: ``bare_stream(model)`` gives a call that counts chunks.
    """

    ask: Callable[..., Any]
    stream: Callable[..., Any]
    close: Callable[[], Any]
    bare: Callable[[str], Callable[[], Any]] | None = None
    bare_stream: Callable[[str], Callable[[], Any]] | None = None


def raw(ports: Ports) -> Library:
    """grpc.aio's stub, as a program without any library uses it: no metadata, no deadline."""
    channel = connect(grpc.aio, ports)
    stub = stubs.GenerativeServiceStub(channel)

    async def ask(model: str, contents: Any = CONTENTS) -> str:
        response = await stub.GenerateContent(
            pb.GenerateContentRequest(model=f"models/{model}", contents=contents)
        )
        text: str = response.candidates[0].content.parts[0].text
        return text

    async def stream(model: str, contents: Any = CONTENTS, first: Callable[[], None] = nothing) -> int:
        request = pb.GenerateContentRequest(model=f"models/{model}", contents=contents)
        got = 0
        async for chunk in stub.StreamGenerateContent(request):
            if chunk.candidates[0].content.parts[0].text:
                got += 1
                if got == 1:
                    first()
        return got

    def bare(model: str) -> Callable[[], Any]:
        request = pb.GenerateContentRequest(model=f"models/{model}", contents=CONTENTS)
        return lambda: stub.GenerateContent(request)

    def bare_stream(model: str) -> Callable[[], Any]:
        request = pb.GenerateContentRequest(model=f"models/{model}", contents=CONTENTS)

        async def count() -> int:
            got = 0
            async for _ in stub.StreamGenerateContent(request):
                got += 1
            return got

        return count

    return Library(ask, stream, channel.close, bare, bare_stream)


def generated(client: Any, request_type: Any) -> Library:
    """A client in the shape of Google's generated ones."""

    async def ask(model: str, contents: Any = CONTENTS) -> str:
        response = await client.generate_content({"model": f"models/{model}", "contents": contents})
        text: str = response.candidates[0].content.parts[0].text
        return text

    async def stream(model: str, contents: Any = CONTENTS, first: Callable[[], None] = nothing) -> int:
        chunks = await client.stream_generate_content({"model": f"models/{model}", "contents": contents})
        got = 0
        async for chunk in chunks:
            if chunk.candidates[0].content.parts[0].text:
                got += 1
                if got == 1:
                    first()
        return got

    def bare(model: str) -> Callable[[], Any]:
        request = request_type(model=f"models/{model}", contents=CONTENTS)
        return lambda: client.generate_content(request)

    def bare_stream(model: str) -> Callable[[], Any]:
        request = request_type(model=f"models/{model}", contents=CONTENTS)

        async def count() -> int:
            got = 0
            async for _ in await client.stream_generate_content(request):
                got += 1
            return got

        return count

    async def close() -> None:
        if hasattr(client, "close"):
            await client.close()
        else:
            await client.transport.close()

    return Library(ask, stream, close, bare, bare_stream)


def gemwire(ports: Ports) -> Library:
    """The service client."""
    from gemwire import v1beta

    return generated(v1beta.GenerativeServiceAsyncClient(**arguments(ports)), v1beta.GenerateContentRequest)


def gemwire_h2(ports: Ports) -> Library:
    """The service client over connections of our own."""
    from gemwire import v1beta

    client = v1beta.GenerativeServiceAsyncClient(transport="h2_asyncio", **arguments(ports))
    return generated(client, v1beta.GenerateContentRequest)


def google(ports: Ports) -> Library:
    """google-ai-generativelanguage, with its own wrappers, retries and deadlines."""
    from google.ai import generativelanguage_v1beta as v1beta
    from google.ai.generativelanguage_v1beta.services.generative_service.transports import (
        GenerativeServiceGrpcAsyncIOTransport,
    )

    channel = connect(grpc.aio, ports)
    transport = GenerativeServiceGrpcAsyncIOTransport(channel=channel)
    client = v1beta.GenerativeServiceAsyncClient(transport=transport)
    return generated(client, v1beta.GenerateContentRequest)


def genai(client: Any) -> Library:
    """A client in the shape of google-genai's. It takes the contents as the other libraries do."""
    models = client.aio.models

    async def ask(model: str, contents: Any = CONTENTS) -> str:
        response = await models.generate_content(model=model, contents=contents)
        text: str = response.text
        return text

    async def stream(model: str, contents: Any = CONTENTS, first: Callable[[], None] = nothing) -> int:
        got = 0
        async for chunk in await models.generate_content_stream(model=model, contents=contents):
            if chunk.text:
                got += 1
                if got == 1:
                    first()
        return got

    async def close() -> None:
        await client.aio.aclose()
        client.close()

    return Library(ask, stream, close)


def gemwire_genai(ports: Ports) -> Library:
    """The client in google-genai's shape."""
    from gemwire import genai as ours

    return genai(ours.Client(**genai_arguments(ports)))


def gemwire_genai_h2(ports: Ports) -> Library:
    """The client in google-genai's shape over connections of our own."""
    from gemwire import genai as ours

    return genai(ours.Client(transport="h2", **genai_arguments(ports)))


def google_genai(ports: Ports) -> Library:
    """google-genai, with the HTTP stack that it finds."""
    import google.genai as theirs

    return genai(theirs.Client(api_key="a-key", http_options={"base_url": ports.http_url}))


_ALL = {
    RAW: raw,
    GEMWIRE: gemwire,
    GEMWIRE_H2: gemwire_h2,
    GEMWIRE_GENAI: gemwire_genai,
    GEMWIRE_GENAI_H2: gemwire_genai_h2,
    GOOGLE: google,
    GOOGLE_GENAI: google_genai,
}
#: What can be measured here.
ALL = {name: make for name, make in _ALL.items() if installed(name)}
