"""Creation of batches; all other operations on them are RPCs of google.longrunning.Operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf import struct_pb2
from starlette.types import Receive, Scope, Send

from gemwire_emulator.dispatch import Endpoint
from gemwire_emulator.errors import StatusError
from gemwire_emulator.http.asgi_scope import check_route, create_call, get_headers, get_query
from gemwire_emulator.http.request_body import ClientDisconnected, read_body
from gemwire_emulator.http.responses import send_error, send_response
from gemwire_emulator.http.transcode import parse_json, parse_message, to_json
from gemwire_emulator.services.batches import METHODS, Batches

if TYPE_CHECKING:
    from gemwire_emulator.admission import AdmissionController
    from gemwire_emulator.journal import Journal


class BatchApp:
    """``/{version}/models/{model}:batchGenerateContent`` or ``:asyncBatchEmbedContent``, in ASGI."""

    def __init__(self, kind: str, batches: Batches, admission: AdmissionController, journal: Journal) -> None:
        """``kind``: a key of `METHODS`."""
        method = METHODS[kind]
        self._endpoint = Endpoint(method, method, getattr(batches, method.snake), admission, journal)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        path = scope["path_params"]
        try:
            check_route(scope, "POST")
            headers = get_headers(scope)
            call = create_call(self._endpoint.method, scope, headers, get_query(scope))
            body = await read_body(receive, headers)
            request = parse_message(struct_pb2.Struct, parse_json(body or b"{}"))
            request["model"] = f"{path['collection']}/{path['model']}"
            operation = await self._endpoint.unary(request, call)
            await send_response(send, to_json(operation).encode())
        except ClientDisconnected:
            pass
        except StatusError as error:
            await send_error(send, error)
