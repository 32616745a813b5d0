"""RPCs over HTTP: one ASGI application for everything that has a binding."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing, suppress
from typing import Any

import grpc

from gemwire_emulator.dispatch import Call
from gemwire_emulator.failure import Failure, invalid
from gemwire_emulator.http import replies
from gemwire_emulator.http.bindings import Match, Router
from gemwire_emulator.http.body import Gone, Receive, whole
from gemwire_emulator.http.problem import Problem
from gemwire_emulator.http.requests import Query, Scope, call_of, path_of, query_of
from gemwire_emulator.http.transcode import request_of, to_json
from gemwire_proto._method import Kind


class RpcApp:
    """The RPCs of a router, as an ASGI application."""

    def __init__(self, router: Router) -> None:
        """See the class."""
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: replies.Send) -> None:
        """Serve one request."""
        try:
            match = self._router.match(scope["method"], path_of(scope))
            if match is None:
                raise self._unknown(scope)
            query = query_of(scope)
            form = _Form(query)
            call = call_of(match.route.endpoint.method, scope, query)
            request = request_of(match, query, await whole(receive, call.metadata))
            await while_connected(_answer(match, request, call, form, send), receive, call)
        except Gone:
            pass
        except Failure as failure:
            await replies.refuse(send, failure)

    def _unknown(self, scope: Scope) -> Failure:
        path = path_of(scope)
        if verbs := self._router.verbs(path):
            return Problem(
                405,
                grpc.StatusCode.UNIMPLEMENTED,
                f"{path} has no {scope['method']}; it has {', '.join(verbs)}.",
                {"allow": ", ".join(verbs)},
            )
        return Failure(grpc.StatusCode.NOT_FOUND, f"There is nothing at {path}.")


class _Form:
    """How the answer is wanted, by ``alt`` and ``$alt``.

    Attributes:
        events: As server-sent events.
        integers: Enums as numbers.
        binary: As protobuf.
    """

    def __init__(self, query: Query) -> None:
        words = [word for key, value in query if key in {"alt", "$alt"} for word in value.split(";")]
        for word in words:
            if word not in {"", "json", "sse", "media", "proto", "enum-encoding=int"}:
                raise invalid("alt", f"{word!r} is none of json, sse, media and proto")
        self.events = "sse" in words
        self.integers = "enum-encoding=int" in words
        self.binary = "proto" in words


async def _answer(match: Match, request: Any, call: Call, form: _Form, send: replies.Send) -> None:
    endpoint = match.route.endpoint
    if endpoint.method.kind is Kind.SERVER_STREAM:
        async with aclosing(_texts(endpoint.stream(request, call), form)) as texts:
            await (replies.events if form.events else replies.array)(texts, send)
        return
    response = await endpoint.unary(request, call)
    if form.binary:
        await replies.reply(send, response.SerializeToString(), content_type="application/x-protobuf")
    else:
        await replies.reply(send, to_json(response, integer_enums=form.integers).encode())


async def _texts(messages: AsyncGenerator[Any, None], form: _Form) -> AsyncGenerator[str, None]:
    async with aclosing(messages):
        async for message in messages:
            yield to_json(message, integer_enums=form.integers)


async def while_connected(work: Coroutine[Any, Any, None], receive: Receive, call: Call) -> None:
    """Do the work of a call; stop when its client leaves or its deadline passes.

    Raises:
        Gone: The client left.
        Failure: The deadline passed, or the work failed.
    """
    doing = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(receive))
    try:
        await asyncio.wait((doing, leaving), timeout=call.remaining(), return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            doing.result()
        elif leaving.done():
            raise Gone
        else:
            raise Failure(
                grpc.StatusCode.DEADLINE_EXCEEDED, "The deadline passed before there was an answer."
            )
    finally:
        for task in (doing, leaving):
            task.cancel()
        # What an engine has to clean up is cleaned up before anything else happens.
        with suppress(asyncio.CancelledError, Failure):
            await doing


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
