"""A receiver of webhooks on loopback."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import threading
from typing import Any


class WebhookReceiver:
    """Answers each event with a status, and keeps what came.

    Attributes:
        events: Headers and body of each request, in order.
        statuses: The next statuses; 200 after them.
    """

    def __init__(self) -> None:
        self.events: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = receiver.statuses.pop(0) if receiver.statuses else 200
                receiver.events.append((headers, body))
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.uri = f"http://127.0.0.1:{self._server.server_port}/hook?a=1"

    def read(self, at: int = -1) -> Any:
        """The JSON of an event."""
        return json.loads(self.events[at][1])

    def is_signed(self, secret: str, at: int = -1) -> bool:
        """Whether an event is signed with a secret, as standardwebhooks.com describes it."""
        headers, body = self.events[at]
        content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        key = base64.b64decode(secret.removeprefix("whsec_"))
        wanted = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        return f"v1,{wanted}" in headers.get("webhook-signature", "").split(" ")

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
