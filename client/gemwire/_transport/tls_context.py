"""TLS contexts that trust what gRPC's core trusts, or what HTTP clients do."""

from __future__ import annotations

import os
import ssl
import tempfile
from importlib.util import find_spec
from pathlib import Path

from google.auth.exceptions import MutualTLSChannelError

GRPC_ROOTS = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"
HTTP_ROOTS = "REQUESTS_CA_BUNDLE"


def create_http_context(certificate: tuple[bytes, bytes] | None) -> ssl.SSLContext:
    """Return a context for HTTP.

    Trusted authorities are those in REQUESTS_CA_BUNDLE, else in SSL_CERT_FILE and SSL_CERT_DIR, else
    those of the system, else, if it has none, certifi's.

    Args:
        certificate: Client certificate and key, PEM, for mutual TLS.

    Raises:
        OSError: A variable names a file that does not exist.
        google.auth.exceptions.MutualTLSChannelError: The client certificate cannot be used.
    """
    bundle = os.environ.get(HTTP_ROOTS)
    try:
        if bundle and Path(bundle).is_dir():
            context = ssl.create_default_context(capath=bundle)
        else:
            context = ssl.create_default_context(cafile=bundle or None)
    except FileNotFoundError:
        raise FileNotFoundError(f"{HTTP_ROOTS}: there is no file {bundle}") from None
    paths = ssl.get_default_verify_paths()
    has_none = paths.cafile is None and paths.capath is None and not context.cert_store_stats()["x509_ca"]
    if has_none and not bundle:
        import certifi

        context.load_verify_locations(certifi.where())
    if certificate:
        _load_certificate(context, *certificate)
    return context


def create_grpc_context(certificate: tuple[bytes, bytes] | None) -> ssl.SSLContext:
    """Return a context that accepts what gRPC's core accepts, to examine its connections with.

    Trusted authorities are those in GRPC_DEFAULT_SSL_ROOTS_FILE_PATH, else those that grpcio brings.

    Raises:
        OSError: The file does not exist.
        google.auth.exceptions.MutualTLSChannelError: The client certificate cannot be used.
    """
    context = create_h2_context(certificate)
    # The core accepts weaker ones.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


def create_h2_context(certificate: tuple[bytes, bytes] | None) -> ssl.SSLContext:
    """Return a context for HTTP/2 connections of our own: TLS 1.2 and later, with what gRPC trusts.

    Raises as `create_grpc_context`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    if path := os.environ.get(GRPC_ROOTS):
        context.load_verify_locations(cafile=path)
    else:
        context.load_verify_locations(cadata=_read_grpc_roots())
    if certificate:
        _load_certificate(context, *certificate)
    return context


def _read_grpc_roots() -> str:
    """Return the authorities that grpcio brings, without importing it."""
    spec = find_spec("grpc")
    assert spec is not None  # noqa: S101 - grpcio is required
    assert spec.origin is not None  # noqa: S101 - and is a package
    roots = Path(spec.origin).with_name("_cython") / "_credentials/roots.pem"
    return roots.read_bytes().decode("ascii", "ignore")


def create_unverifying_context() -> ssl.SSLContext:
    """Return a context to look at a server's certificates with; nothing may be sent over its connections."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def _load_certificate(context: ssl.SSLContext, chain: bytes, key: bytes) -> None:
    # ssl reads certificates from files only; this one is readable by its owner only, and deleted at once.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "client.pem")
        path.touch(mode=0o600)
        path.write_bytes(chain + b"\n" + key)
        try:
            context.load_cert_chain(path)
        except ssl.SSLError as error:
            raise MutualTLSChannelError(
                f"client_cert_source gave no usable certificate and key: {error}"
            ) from None
