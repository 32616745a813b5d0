"""Certificate sources: functions of the user's that return the client certificate for mutual TLS."""

from __future__ import annotations

from gemwire._secret import SecretBytes
from gemwire.options import CertSource


def load_certificate(source: CertSource | None) -> tuple[bytes, bytes] | None:
    """Load the client certificate and key from a certificate source.

    Raises:
        MutualTLSChannelError: The source failed, or returned something else than two PEM byte strings.
    """
    if source is None:
        return None
    from google.auth.exceptions import MutualTLSChannelError

    try:
        chain, key = source()
    except MutualTLSChannelError:
        raise
    except Exception as error:
        raise MutualTLSChannelError(f"client_cert_source failed: {error}") from error
    if not isinstance(chain, bytes) or not isinstance(key, bytes):
        raise MutualTLSChannelError("client_cert_source must return the certificate and the key as PEM bytes")
    return chain, SecretBytes(key)
