"""Live sessions that send and receive in one loop. Written by hand on both sides."""

from __future__ import annotations

from gemwire_proto.v1beta import BidiGenerateContentServerMessage


class InputStreaming:
    """Sends nothing: a thread that reads cannot be interrupted. Use a thread of your own for sending."""

    def _take_ahead(self) -> BidiGenerateContentServerMessage | None:
        return None

    def _drop_ahead(self) -> None:
        return
