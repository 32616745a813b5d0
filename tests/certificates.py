"""A certificate authority, its certificates, and keys of service accounts, made on the spot."""

from __future__ import annotations

import datetime
import functools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

_PEM = serialization.Encoding.PEM


def _pem(key: Any) -> bytes:
    data: bytes = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return data


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


_SIGNING = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    """Signs certificates."""

    def __init__(self, name: str) -> None:
        self._name = _named(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign(
            self._name, self._key, x509.BasicConstraints(ca=True, path_length=0), _SIGNING
        )

    def _sign(
        self, subject: x509.Name, key: Any, *extensions: Any, hours: tuple[float, float] = (-1, 1)
    ) -> bytes:
        now = datetime.datetime.now(datetime.timezone.utc)
        begins, ends = (now + datetime.timedelta(hours=each) for each in hours)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
            # Python 3.13 takes no chain without these.
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )
        for extension in extensions:
            critical = isinstance(extension, (x509.BasicConstraints, x509.KeyUsage))
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(_PEM)

    def issue(self, name: str, *more_names: str, hours: tuple[float, float] = (-1, 1)) -> tuple[bytes, bytes]:
        """A certificate for hosts or a client of those names, and its key, PEM.

        It is valid between ``hours`` from now.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(each) for each in (name, *more_names)])
        leaf = x509.BasicConstraints(ca=False, path_length=None)
        return self._sign(_named(name), key, names, leaf, hours=hours), _pem(key)


def self_signed(name: str) -> tuple[bytes, bytes]:
    """A certificate for a host that no authority signed, and its key, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.timezone.utc)
    built = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    )
    return built.sign(key, hashes.SHA256()).public_bytes(_PEM), _pem(key)


@dataclass(frozen=True)
class Workload:
    """A workload certificate on disk, and the configuration file that names it."""

    config: Path
    chain: bytes
    key: bytes


def workload(folder: Path, authority: Authority) -> Workload:
    """What a machine with a workload certificate has."""
    folder.mkdir(exist_ok=True)
    chain, key = authority.issue("workload")
    (folder / "chain.pem").write_bytes(chain)
    (folder / "key.pem").write_bytes(key)
    paths = {"cert_path": str(folder / "chain.pem"), "key_path": str(folder / "key.pem")}
    config = folder / "certificate_config.json"
    config.write_text(json.dumps({"version": 1, "cert_configs": {"workload": paths}}), encoding="utf-8")
    return Workload(config, chain, key)


@functools.cache
def _rsa() -> str:
    return _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)).decode()


def service_account() -> dict[str, str]:
    """The key file of a service account that nobody knows of."""
    return {
        "type": "service_account",
        "project_id": "a-project",
        "private_key_id": "f00d",
        "private_key": _rsa(),
        "client_email": "robot@a-project.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": "https://localhost:1/token",
    }


def gdch() -> dict[str, str]:
    """The key file of a service account of Google Distributed Cloud."""
    return {
        "type": "gdch_service_account",
        "format_version": "1",
        "project": "a-project",
        "private_key_id": "f00d",
        "private_key": _pem(ec.generate_private_key(ec.SECP256R1())).decode(),
        "name": "robot",
        "ca_cert_path": "/nowhere.pem",
        "token_uri": "https://localhost:1/token",
    }
