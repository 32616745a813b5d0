"""Objects whose constructor failed can be shown: debuggers and error reports meet them in tracebacks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from scripted_grpc_server import Api, Loopback

import gemwire.testing
from gemwire import genai, v1, v1beta
from gemwire.embeddings import BlockingEmbedder, Embedder

#: Refused after other arguments were taken.
OPTIONS = {"api_key": "k", "quota_project_id": 3}
CLIENTS = [
    getattr(module, name) for module in (v1, v1beta) for name in dir(module) if name.endswith("Client")
]
TRANSPORTS = [
    client.get_transport_class(name)
    for client, names in (
        (v1beta.ModelServiceClient, ("grpc", "rest", "auto")),
        (v1beta.ModelServiceAsyncClient, ("grpc_asyncio", "rest_asyncio", "auto")),
    )
    for name in names
]
CONSTRUCTORS: dict[str, Callable[[], object]] = {
    **{f"{made.__module__} {made.__name__}": partial(made, client_options=OPTIONS) for made in CLIENTS},
    **{made.__name__: partial(made, host="/") for made in TRANSPORTS},
    "genai": lambda: genai.Client(api_key="k", project="a-project"),
    "genai options": lambda: genai.Client(api_key="k", http_options={"timeout": -1}),
    "embedder": lambda: Embedder(model=""),
    "blocking embedder": lambda: BlockingEmbedder(model="m", batch_size=0),
    "emulator": lambda: gemwire.testing.RunningEmulator(state="/nowhere/at/all"),
}


def show_locals(error: BaseException) -> list[str]:
    """The reprs of all objects in the traceback."""
    shown = []
    trace = error.__traceback__
    while trace:
        shown += [repr(value) for value in trace.tb_frame.f_locals.values()]
        trace = trace.tb_next
    return shown


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_it_can_be_shown(name: str) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each has another
        CONSTRUCTORS[name]()
    assert show_locals(caught.value)


def test_a_stream_that_could_not_start(api: Api, server: Loopback) -> None:
    client = api.client()
    with pytest.raises((TypeError, ValueError)) as caught:
        api(client.bidi_generate_content(metadata=[("x-bin", "text")]))
    assert show_locals(caught.value)
    made: Any = object.__new__(type(api(client.bidi_generate_content())))
    assert "not started" in repr(made)
