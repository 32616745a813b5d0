"""Where the calls of a client would go, as whom, and why: what ``gemwire doctor`` tells.

    import gemwire

    diagnosis = gemwire.diagnose()
    print(diagnosis.endpoint.value, "-", diagnosis.endpoint.reason)
    print(diagnosis.problems)

Everything is decided by what a client decides by; here are only the words. No secret is in them.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.auth import compute_engine
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
from google.auth.transport import mtls

from gemwire._transport import credentials as creds
from gemwire._transport import endpoint
from gemwire._transport.channel_options import certificate
from gemwire.options import ClientOptions

NONE = "none"

_EMULATOR = "GEMINI_EMULATOR_HOST"
_MTLS_ENDPOINT = "GOOGLE_API_USE_MTLS_ENDPOINT"
_CLIENT_CERTIFICATE = ("GOOGLE_API_USE_CLIENT_CERTIFICATE", "CLOUDSDK_CONTEXT_AWARE_USE_CLIENT_CERTIFICATE")
_WITHOUT = f"mend that, or set {_CLIENT_CERTIFICATE[0]}=false to do without it"
_UNIVERSE = "GOOGLE_CLOUD_UNIVERSE_DOMAIN"
_KEYS = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
_SECURE_CONNECT = "~/.secureConnect/context_aware_metadata.json"
_NOBODY = (
    "there are no credentials: set GEMINI_API_KEY, or set up application default credentials (gcloud auth "
    "application-default login), or set GEMINI_EMULATOR_HOST to an emulator (gemwire serve runs one)"
)


@dataclass(frozen=True)
class Finding:
    """One thing that is decided when a client is made.

    Attributes:
        value: What was decided; empty where nothing can be.
        reason: Why.
        problem: What stands in the way, and what to do about it; empty if nothing does.
    """

    value: str
    reason: str
    problem: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """All of it.

    Attributes:
        endpoint: Host and port.
        universe_domain: The cloud universe.
        certificate: The client certificate that is shown there, by its source.
        credentials: Whose calls they are: the kind of credentials, and the account if that is known.
        emulator: host:port of the emulator that all calls go to; None without one.
    """

    endpoint: Finding
    universe_domain: Finding
    certificate: Finding
    credentials: Finding
    emulator: str | None

    @property
    def problems(self) -> list[str]:
        """What keeps a client from being made; empty if nothing does."""
        found = (self.endpoint, self.universe_domain, self.certificate, self.credentials)
        return [finding.problem for finding in found if finding.problem]


def diagnose(
    client_options: ClientOptions | Mapping[str, Any] | Any | None = None, credentials: Any = None
) -> Diagnosis:
    """Tell what a gRPC client would decide with these arguments and the environment as it is.

    Files, certificates and the metadata server are looked at as a client does when it is made.
    Nothing is called, and no token is fetched.

    Args:
        client_options: As for a client.
        credentials: As for a client.

    Raises:
        ValueError: The options exclude each other, or there is no such option.
        TypeError: They are no options.
    """
    options = ClientOptions.of(client_options)
    where = _endpoint(options)
    universe = _universe(options)
    emulator = None
    if os.environ.get(_EMULATOR):
        emulator = where.value or None
        whose = _credentials_for_emulator(options, where.value)
        shown = Finding(NONE, "an emulator is called in plaintext")
    else:
        shown = _certificate(options)
        whose = _credentials(options, credentials, where.value)
    return Diagnosis(where, universe, shown, whose, emulator)


def _endpoint(options: ClientOptions) -> Finding:
    try:
        mode = endpoint.mtls_mode()
        emulator = endpoint.find_emulator()
        if emulator:
            reason = f"{_EMULATOR} is set: all calls of this process go there, unencrypted"
            if options.api_endpoint is not None:
                reason += "; api_endpoint does not count then"
            return Finding(endpoint.with_port(emulator.host), reason)
        where = endpoint.resolve(endpoint.DEFAULT_HOST, options)
    except endpoint.EmptyUniverseError:
        return Finding("", "the universe domain is empty")
    except (ValueError, TypeError, GoogleAuthError) as error:
        return Finding("", "what is set or given cannot be used", str(error))
    if options.api_endpoint is not None:
        return Finding(where.target, where.reason)
    reason = (
        f"{_MTLS_ENDPOINT} is {mode}"
        if _MTLS_ENDPOINT in os.environ
        else f"{_MTLS_ENDPOINT} is not set (auto)"
    )
    if mode == "auto":
        reason += f" and there is {'a' if where.cert_source else 'no'} client certificate"
    if where.universe_domain != endpoint.DEFAULT_UNIVERSE:
        reason += f"; the universe domain is {where.universe_domain}"
    return Finding(where.target, reason)


def _universe(options: ClientOptions) -> Finding:
    try:
        domain = endpoint.universe_domain(options.universe_domain)
    except (ValueError, TypeError) as error:
        what = f"unset {_UNIVERSE}" if options.universe_domain is None else "leave universe_domain out"
        return Finding("", "it is empty, or no text", f"{error} Name one, or {what}.")
    if options.universe_domain is not None:
        return Finding(domain, "universe_domain was given")
    return Finding(domain, f"{_UNIVERSE} is {'set' if _UNIVERSE in os.environ else 'not set'}")


def _certificate(options: ClientOptions) -> Finding:
    name = next((name for name in _CLIENT_CERTIFICATE if os.environ.get(name)), None)
    # With a source given, its absence can only mean that none may be shown.
    if endpoint.client_cert_source(_unused) is None:
        if name:
            return Finding(NONE, f"{name} is {os.environ[name]!r}, not true")
        return Finding(
            NONE, f"{_CLIENT_CERTIFICATE[0]} is not set and this machine has no workload certificate"
        )
    allowed = f"{name} is true" if name else "this machine has a workload certificate"
    source = endpoint.client_cert_source(options.client_cert_source)
    if source is None:
        return Finding(
            NONE,
            f"{allowed}, but this machine has neither a workload certificate nor {_SECURE_CONNECT}",
        )
    if options.client_cert_source:
        kind = "client_cert_source"
        reason = f"{allowed}, and client_cert_source was given"
    elif _has_workload():
        kind = "workload certificate"
        reason = allowed if not name else f"{allowed}, and this machine has a workload certificate"
    else:
        kind = "SecureConnect"
        reason = f"{allowed}, and {_SECURE_CONNECT} tells how to get one"
    try:
        certificate(source)
    except GoogleAuthError as error:
        return Finding("", reason, f"the client certificate ({kind}) cannot be had: {error}; {_WITHOUT}")
    return Finding(kind, reason)


def _unused() -> tuple[bytes, bytes]:
    return b"", b""


def _has_workload() -> bool:
    try:
        return bool(mtls.has_default_client_cert_source(include_context_aware=False))
    except TypeError:
        # An older google-auth cannot be asked for one kind alone.
        return not Path(_SECURE_CONNECT).expanduser().exists()


def _credentials_for_emulator(options: ClientOptions, emulator: str) -> Finding:
    if options.api_key and emulator and endpoint.is_loopback(emulator):
        return Finding("API key", "api_key was given, and the emulator is on this machine")
    return Finding(NONE, "an emulator needs none; keys and tokens of the environment are not sent there")


def _credentials(options: ClientOptions, given: Any, host: str) -> Finding:
    reason = "the application default credentials could not be used"
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            found = creds.resolve(given, options, endpoint.DEFAULT_HOST, host)
        reason = _why(options, given)
    except DefaultCredentialsError as error:
        if os.environ.get(_FILE):
            # The rest of the message tells of other ways, which this one stands before.
            what = str(error).partition(" Three ways")[0]
            return Finding(
                "", f"{_FILE} is set", f"{what} Name a file of credentials by {_FILE}, or unset it."
            )
        if "were not found" in str(error):
            return Finding("", f"neither {' nor '.join(_KEYS)} is set, and there are no others", _NOBODY)
        return Finding("", reason, str(error))
    except (ValueError, TypeError, GoogleAuthError, OSError) as error:
        return Finding("", "what is set or given cannot be used", str(error))
    for warning in warned:
        if issubclass(warning.category, UserWarning):
            reason += f"; {warning.message}"
    account = found.credentials if isinstance(found, creds.Token) else None
    if project := options.quota_project_id or getattr(account, "quota_project_id", None):
        reason += f"; quota is that of the project {project}"
    if isinstance(found, creds.ApiKey):
        return Finding("API key" if found.pairs(0) else "anonymous", reason)
    return Finding(_described(found.credentials), reason)


def _why(options: ClientOptions, given: Any) -> str:
    """Which of the places that are looked into had them, in the order of `creds.resolve`."""
    if given is not None:
        return "credentials were given"
    if options.api_key:
        return "api_key was given"
    if options.credentials_file:
        return f"credentials_file is {options.credentials_file}"
    if found := creds.find_environment_key():
        others = [name for name in (*_KEYS, _FILE) if name != found[0] and os.environ.get(name)]
        return f"{found[0]} is set" + (
            f", before {' and '.join(others)}, which does not count" if others else ""
        )
    without = f"neither {' nor '.join(_KEYS)} is set"
    if os.environ.get(_FILE):
        return f"{without}, and {_FILE} is {os.environ[_FILE]}"
    return f"{without}, and {_FILE} is not either"


def _described(credentials: Any) -> str:
    """What kind of google-auth credentials, and of which account."""
    get_info = getattr(credentials, "get_cred_info", None)
    info = (get_info() if get_info else None) or {}
    kind = info.get("credential_type") or f"{type(credentials).__module__}.{type(credentials).__name__}"
    if isinstance(credentials, compute_engine.Credentials):
        return f"{kind}, from the metadata server"
    account = info.get("principal") or getattr(credentials, "service_account_email", None)
    source = info.get("credential_source", "")
    source = source.partition(" file via ")[0]
    return kind + (f" of {account}" if account else "") + (f", from {source}" if source else "")
