"""The certificates that a server shows, and what is wrong with them."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import cast

#: https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/
_NOT_YET_VALID, _EXPIRED, _SELF_SIGNED, _SELF_SIGNED_IN_CHAIN = 9, 10, 18, 19
_NO_ISSUER, _NO_LOCAL_ISSUER, _UNVERIFIABLE = 2, 20, 21
_WRONG_HOST, _WRONG_ADDRESS = 62, 64

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


def describe_rejection(
    error: ssl.SSLCertVerificationError, chain: tuple[Certificate, ...], trust_hint: str
) -> tuple[str, str]:
    """Return why a certificate was rejected, and what to do about it.

    Args:
        error: The error of the handshake.
        chain: The certificates that the server showed; may be empty.
        trust_hint: How to trust another authority.
    """
    now = datetime.now(timezone.utc)
    leaf = chain[0] if chain else None
    code = error.verify_code
    if code in (_EXPIRED, _NOT_YET_VALID):
        wrong = next((one for one in chain if not one.not_before <= now <= one.not_after), leaf)
        whose = "its certificate" if wrong is leaf else "the certificate of its authority"
        reason = f"{whose} {'has expired' if code == _EXPIRED else 'is not valid yet'}"
        hint = (
            f"Renew the certificate, or set the clock of this machine: it is {now:%Y-%m-%d %H:%M} UTC here."
        )
        return _with_certificate(reason, wrong), hint
    if code in (_WRONG_HOST, _WRONG_ADDRESS):
        names = ", ".join(leaf.names) if leaf and leaf.names else "another host"
        return (
            _with_certificate(f"its certificate is for {names}, not for this host", leaf),
            "The certificate is for another host name than api_endpoint's: correct either.",
        )
    if code == _SELF_SIGNED:
        reason = "its certificate is self-signed, and not among the trusted ones"
    elif code in (_SELF_SIGNED_IN_CHAIN, _NO_ISSUER, _NO_LOCAL_ISSUER, _UNVERIFIABLE):
        authority = (chain[-1].issuer if chain else "") or "an authority"
        reason = f"its certificate leads to {authority}, which is not trusted here"
    else:
        reason = f"its certificate was rejected ({error.verify_message})"
    return _with_certificate(reason, leaf), f"If that is the right server: {trust_hint}"


def _with_certificate(reason: str, certificate: Certificate | None) -> str:
    return f"{reason} ({certificate})" if certificate else reason
