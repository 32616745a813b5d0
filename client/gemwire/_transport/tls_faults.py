"""What is wrong with a TLS handshake that failed, and what to do about it."""

from __future__ import annotations

import ssl
from datetime import datetime, timezone

from gemwire._transport.certificate_chain import Certificate

#: https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/
_NOT_YET_VALID, _EXPIRED, _SELF_SIGNED, _SELF_SIGNED_IN_CHAIN = 9, 10, 18, 19
_NO_ISSUER, _NO_LOCAL_ISSUER, _UNVERIFIABLE = 2, 20, 21
_WRONG_HOST, _WRONG_ADDRESS = 62, 64

_CHECK_PORT = "Check host and port of api_endpoint; emulators are named by GEMINI_EMULATOR_HOST."
_CLIENT_CERTIFICATE = (
    "Set client_cert_source and GOOGLE_API_USE_CLIENT_CERTIFICATE=true; `gemwire doctor` shows which is used."
)
NO_HTTP2 = (
    "it does not offer HTTP/2, which gRPC needs (ALPN)",
    "Check api_endpoint; if a proxy in between terminates TLS, use transport='rest'.",
)
#: Reasons of OpenSSL: what is wrong, and what to do.
FAULTS = {
    **dict.fromkeys(
        ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"),
        ("it does not speak TLS on this port", _CHECK_PORT),
    ),
    **dict.fromkeys(
        ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE"),
        (
            "it speaks no version of TLS that this client accepts (1.2 and later)",
            "The server needs a newer version of TLS.",
        ),
    ),
    **dict.fromkeys(
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", "NO_SHARED_CIPHER", "NO_CIPHERS_AVAILABLE"),
        ("it refused the TLS handshake: no common cipher, or no client certificate", _CLIENT_CERTIFICATE),
    ),
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": ("it requires a client certificate", _CLIENT_CERTIFICATE),
    **dict.fromkeys(
        (
            "TLSV1_ALERT_UNKNOWN_CA",
            "TLSV1_ALERT_ACCESS_DENIED",
            "SSLV3_ALERT_BAD_CERTIFICATE",
            "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
            "SSLV3_ALERT_CERTIFICATE_REVOKED",
            "SSLV3_ALERT_CERTIFICATE_EXPIRED",
            "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
        ),
        ("it refused the client certificate", _CLIENT_CERTIFICATE),
    ),
    "TLSV1_ALERT_NO_APPLICATION_PROTOCOL": NO_HTTP2,
    "TLSV1_UNRECOGNIZED_NAME": ("it serves no host of that name", "Check api_endpoint."),
}


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
