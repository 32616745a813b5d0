"""A certificate for this machine, for clients that insist on TLS, and the authority that they are to trust.

The authority's key is kept nowhere: it signs one certificate, and whoever
trusts it trusts nothing else by it.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

#: How long it is good for. Clients refuse certificates of servers that last much longer.
_LIFE = datetime.timedelta(days=365)
#: One that ends sooner is made anew.
_LEFT = datetime.timedelta(days=30)
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - a name, nothing listens here
_PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class Certificate:
    """Files.

    Attributes:
        authority: What clients trust: ``SSL_CERT_FILE=…``.
        server: Certificate and key, for nobody else to read.
    """

    authority: Path
    server: Path


def ensure_certificate(folder: Path, host: str, now: datetime.datetime | None = None) -> Certificate:
    """The certificate in a directory: the one that is there, if it will do, or a new one.

    Args:
        folder: The directory; it is made.
        host: What the emulator listens on, beside localhost.
        now: The time; that of the machine by default.

    Raises:
        OSError: It cannot be written.
    """
    now = now or datetime.datetime.now(datetime.timezone.utc)
    folder.mkdir(parents=True, exist_ok=True)
    files = Certificate(folder / "ca.pem", folder / "server.pem")
    names = _names(host)
    if not _will_do(files, names, now):
        authority, server = _made(names, now)
        _write(files.server, server, 0o600)
        _write(files.authority, authority, 0o644)
    return files


def _names(host: str) -> list[x509.GeneralName]:
    host = host.strip("[]")
    host = socket.gethostname() if host in _EVERYWHERE else host
    wanted = dict.fromkeys(["localhost", "127.0.0.1", "::1", host])
    names: list[x509.GeneralName] = []
    for name in wanted:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            names.append(x509.DNSName(name))
    return names


def _will_do(files: Certificate, names: list[x509.GeneralName], now: datetime.datetime) -> bool:
    try:
        authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
        pem = files.server.read_bytes()
        server = x509.load_pem_x509_certificate(pem)
        key = serialization.load_pem_private_key(pem, None)
        server.verify_directly_issued_by(authority)
        known = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.ExtensionNotFound):
        return False
    ends = min(authority.not_valid_after_utc, server.not_valid_after_utc)
    return key.public_key() == server.public_key() and ends - now > _LEFT and set(names) <= set(known)


def _made(names: list[x509.GeneralName], now: datetime.datetime) -> tuple[bytes, bytes]:
    authority_key = ec.generate_private_key(ec.SECP256R1())
    key = ec.generate_private_key(ec.SECP256R1())
    authority_name = _named("gemwire emulator")
    # What strict verification asks for is all there: usages, and the identifiers of both keys.
    authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    authority = (
        _begun(authority_name, authority_name, authority_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    server = (
        _begun(_named("gemwire emulator on this machine"), authority_name, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(authority_id, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    private = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return authority.public_bytes(_PEM), server.public_bytes(_PEM) + private


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # Clocks differ.
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write(file: Path, content: bytes, mode: int) -> None:
    """Never half a file, and never one that others can read for a moment."""
    new = file.with_name(f"{file.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as opened:
        opened.write(content)
    new.replace(file)
