"""A certificate for this machine, for clients that require TLS, and the authority that clients have to trust.

The authority's private key is never stored: it signs one certificate, so trusting it trusts nothing else.
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

#: Validity period. Clients reject server certificates that are valid for much longer.
_VALIDITY = datetime.timedelta(days=365)
#: Certificates that expire sooner are replaced.
_MIN_REMAINING = datetime.timedelta(days=30)
_WILDCARD_HOSTS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, nothing is bound
_PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class CertificateFiles:
    """The files of a certificate.

    Attributes:
        authority: Certificate of the authority, for clients: ``SSL_CERT_FILE=…``.
        server: Certificate and private key of the server, readable by their owner only.
    """

    authority: Path
    server: Path


def ensure_certificate(folder: Path, host: str, now: datetime.datetime | None = None) -> CertificateFiles:
    """Return the certificate in a directory; create it if there is no usable one.

    Args:
        folder: The directory; created if necessary.
        host: Host that the emulator listens on, beside localhost.
        now: Current time; the machine's by default.

    Raises:
        OSError: The files cannot be written.
    """
    now = now or datetime.datetime.now(datetime.timezone.utc)
    folder.mkdir(parents=True, exist_ok=True)
    files = CertificateFiles(folder / "ca.pem", folder / "server.pem")
    names = _list_names(host)
    if not _is_usable(files, names, now):
        authority, server = _create(names, now)
        _write_atomically(files.server, server, 0o600)
        _write_atomically(files.authority, authority, 0o644)
    return files


def _list_names(host: str) -> list[x509.GeneralName]:
    host = host.strip("[]")
    host = socket.gethostname() if host in _WILDCARD_HOSTS else host
    wanted = dict.fromkeys(["localhost", "127.0.0.1", "::1", host])
    names: list[x509.GeneralName] = []
    for name in wanted:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            names.append(x509.DNSName(name))
    return names


def _is_usable(files: CertificateFiles, names: list[x509.GeneralName], now: datetime.datetime) -> bool:
    try:
        authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
        pem = files.server.read_bytes()
        server = x509.load_pem_x509_certificate(pem)
        key = serialization.load_pem_private_key(pem, None)
        server.verify_directly_issued_by(authority)
        known = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.ExtensionNotFound):
        return False
    expiry = min(authority.not_valid_after_utc, server.not_valid_after_utc)
    return (
        key.public_key() == server.public_key() and expiry - now > _MIN_REMAINING and set(names) <= set(known)
    )


def _create(names: list[x509.GeneralName], now: datetime.datetime) -> tuple[bytes, bytes]:
    authority_key = ec.generate_private_key(ec.SECP256R1())
    key = ec.generate_private_key(ec.SECP256R1())
    authority_name = _common_name("gemwire emulator")
    # Strict verification requires key usages and the identifiers of both keys.
    authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    authority = (
        _start_certificate(authority_name, authority_name, authority_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    server = (
        _start_certificate(
            _common_name("gemwire emulator on this machine"), authority_name, key.public_key(), now
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(authority_id, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    private = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return authority.public_bytes(_PEM), server.public_bytes(_PEM) + private


def _start_certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # Tolerates clocks that are slow.
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + _VALIDITY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _key_usage(*, signs: bool) -> x509.KeyUsage:
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


def _write_atomically(file: Path, content: bytes, mode: int) -> None:
    """Replace a file as a whole, with its final permissions from the start."""
    new = file.with_name(f"{file.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as opened:
        opened.write(content)
    new.replace(file)
