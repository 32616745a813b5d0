"""Beginning batches; all else that is done with them are RPCs of google.longrunning.Operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf import struct_pb2

from gemwire_emulator.dispatch import Endpoint
from gemwire_emulator.errors import StatusError
from gemwire_emulator.http import replies
from gemwire_emulator.http.body import Gone, Receive, whole
from gemwire_emulator.http.requests import call_of, check_route, query_of
from gemwire_emulator.http.transcode import message_of, parsed, to_json
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

    async def __call__(self, scope: Any, receive: Receive, send: replies.Send) -> None:
        """Serve one request."""
        path = scope["path_params"]
        try:
            check_route(scope, "POST")
            call = call_of(self._endpoint.method, scope, query_of(scope))
            request = message_of(struct_pb2.Struct, parsed(await whole(receive, call.metadata) or b"{}"))
            request["model"] = f"{path['collection']}/{path['model']}"
            operation = await self._endpoint.unary(request, call)
            await replies.reply(send, to_json(operation).encode())
        except Gone:
            pass
        except StatusError as failure:
            await replies.refuse(send, failure)
