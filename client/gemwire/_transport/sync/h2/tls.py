"""TLS apart from the socket, so that one thread waits for bytes while others write."""

from __future__ import annotations

import ssl

#: Bytes to decrypt at a time; a record has 16 KiB at most.
_READ_SIZE = 64 << 10


class TlsSession:
    """One TLS connection: what arrives is decrypted, what is to be sent is encrypted."""

    __slots__ = ("_incoming", "_outgoing", "_session")

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    @property
    def protocol(self) -> str | None:
        """The protocol that ALPN selected."""
        return self._session.selected_alpn_protocol()

    def shake_hands(self, received: bytes) -> tuple[bytes, bool]:
        """Take bytes of the handshake; return what to send, and whether the handshake is done.

        Raises:
            ssl.SSLError: The handshake failed.
        """
        self._incoming.write(received)
        try:
            self._session.do_handshake()
        except ssl.SSLWantReadError:
            return self._outgoing.read(), False
        return self._outgoing.read(), True

    def decrypt(self, received: bytes) -> bytes:
        """Return the data in bytes that arrived, as far as they make records.

        Raises:
            ssl.SSLError: The peer broke TLS, or refused the client's certificate.
        """
        self._incoming.write(received)
        pieces = []
        try:
            while self._incoming.pending or self._session.pending():
                piece = self._session.read(_READ_SIZE)
                if not piece:
                    break
                pieces.append(piece)
        except ssl.SSLWantReadError:
            pass
        return b"".join(pieces)

    def encrypt(self, data: bytes) -> bytes:
        """Return what to send for the data, and what TLS itself has to send."""
        if data:
            self._session.write(data)
        return self._outgoing.read()
