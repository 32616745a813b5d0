"""The certificates that a server shows."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import cast

_ABBREVIATED = {
    "commonName": "CN",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "countryName": "C",
    "localityName": "L",
    "stateOrProvinceName": "ST",
}
_Name = Iterable[Iterable[tuple[str, str]]]


@dataclass(frozen=True)
class Certificate:
    """One certificate of a server's chain.

    Attributes:
        subject: Whose it is, such as ``CN=*.googleapis.com``.
        issuer: The authority that signed it.
        not_before: When it becomes valid, UTC.
        not_after: When it expires, UTC.
        names: Host names and addresses that it is for; empty for an authority.
    """

    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    names: tuple[str, ...]

    @classmethod
    def parse(cls, info: Mapping[str, object]) -> Certificate:
        """Return a certificate of the dict that `ssl` makes of it."""
        names = cast("Iterable[tuple[str, str]]", info.get("subjectAltName", ()))
        return cls(
            _join_name(cast("_Name", info.get("subject", ()))),
            _join_name(cast("_Name", info.get("issuer", ()))),
            _parse_time(str(info["notBefore"])),
            _parse_time(str(info["notAfter"])),
            tuple(value for _, value in names),
        )

    def __str__(self) -> str:
        names = f" for {', '.join(self.names)}" if self.names else ""
        return (
            f"{self.subject or 'no subject'}{names}, signed by {self.issuer or 'nobody'}, "
            f"valid from {self.not_before:%Y-%m-%d %H:%M} to {self.not_after:%Y-%m-%d %H:%M} UTC"
        )


def _join_name(name: _Name) -> str:
    return ", ".join(f"{_ABBREVIATED.get(key, key)}={value}" for part in name for key, value in part)


def _parse_time(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), timezone.utc)


def read_chain(connection: ssl.SSLSocket) -> tuple[Certificate, ...]:
    """Return the certificates that the other end of a connection showed, its own first, verified or not."""
    # Public from Python 3.13 on, but as undecoded bytes.
    inner: object = getattr(connection, "_sslobj", None)
    read: Callable[[], Iterable[object]] | None = getattr(inner, "get_unverified_chain", None)
    chain = read() or () if read else ()
    infos = (cast("Callable[[], Mapping[str, object]]", getattr(each, "get_info", dict))() for each in chain)
    return tuple(Certificate.parse(info) for info in infos if info)
