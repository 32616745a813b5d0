"""A report of the endpoint and credentials that a client would use, and why; printed by ``gemwire doctor``.

    import gemwire

    diagnosis = gemwire.diagnose()
    print(diagnosis.endpoint.value, "-", diagnosis.endpoint.reason)
    print(diagnosis.problems)

The decisions are those of the client's own code; this module only describes them. It shows no secrets.
With ``connect=True`` it also connects, and shows the certificates of the server.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import google.auth.credentials
from google.auth import compute_engine
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
from google.auth.transport import mtls

from gemwire._secret import hide_text
from gemwire._transport import credentials as creds
from gemwire._transport import endpoint
from gemwire._transport.certificate_chain import Certificate as Certificate
from gemwire._transport.certificate_source import load_certificate
from gemwire._transport.channel_options import Target
from gemwire._transport.connection_check import probe
from gemwire._transport.proxies import find_grpc_proxy, mask_credentials
from gemwire._transport.rest.tls_and_proxy import HttpTarget
from gemwire._transport.token import Token
from gemwire.options import ClientOptions, ClientOptionsLike, hide_options
from gemwire_proto.v1beta.generative_service import SERVICE
from gemwire_runtime.method import Service

NONE = "none"

_EMULATOR = "GEMINI_EMULATOR_HOST"
_MTLS_ENDPOINT = "GOOGLE_API_USE_MTLS_ENDPOINT"
_CLIENT_CERTIFICATE = ("GOOGLE_API_USE_CLIENT_CERTIFICATE", "CLOUDSDK_CONTEXT_AWARE_USE_CLIENT_CERTIFICATE")
_ADVICE = f"fix it, or set {_CLIENT_CERTIFICATE[0]}=false to use no certificate"
_UNIVERSE = "GOOGLE_CLOUD_UNIVERSE_DOMAIN"
_KEYS = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
_SECURE_CONNECT = "~/.secureConnect/context_aware_metadata.json"
_NO_CREDENTIALS = (
    "no credentials found: set GEMINI_API_KEY, or set up application default credentials (gcloud auth "
    "application-default login), or set GEMINI_EMULATOR_HOST to an emulator (gemwire serve runs one)"
)
_NO_VERTEX_CREDENTIALS = (
    "no credentials found: set up application default credentials (gcloud auth application-default login), "
    f"set {_FILE} to a file of some, or set GEMINI_EMULATOR_HOST to an emulator (gemwire serve runs one)"
)


@dataclass(frozen=True)
class Finding:
    """One decision of a client that is created.

    Attributes:
        value: The decision; empty if it cannot be made.
        reason: The reason for it.
        problem: What prevents it, and what to do; empty if nothing does.
    """

    value: str
    reason: str
    problem: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """The decisions of a client that is created.

    Attributes:
        endpoint: Host and port.
        universe_domain: The cloud universe.
        certificate: The source of the client certificate that is presented.
        credentials: The kind of credentials, and the account if it is known.
        emulator: host:port of the emulator that all calls go to; None without one.
        proxy: The proxy in between, without its credentials.
        connection: The version of TLS of a connection that was made; None if none was asked for.
        chain: The certificates that the server showed, its own first.
    """

    endpoint: Finding
    universe_domain: Finding
    certificate: Finding
    credentials: Finding
    emulator: str | None
    proxy: Finding = Finding(NONE, "")
    connection: Finding | None = None
    chain: tuple[Certificate, ...] = ()

    @property
    def problems(self) -> list[str]:
        """What prevents a client from being created or from connecting; empty if nothing does."""
        found = (self.endpoint, self.universe_domain, self.certificate, self.credentials, self.proxy)
        return [each.problem for each in (*found, self.connection) if each and each.problem]


def diagnose(
    client_options: ClientOptionsLike | None = None,
    credentials: google.auth.credentials.Credentials | None = None,
    *,
    transport: str = "grpc",
    connect: bool = False,
    vertexai: bool = False,
) -> Diagnosis:
    """Report what a client would use with these arguments and the current environment.

    Files, certificates and the metadata server are read as by a client that is created.
    No calls are made, and no token is fetched.

    Args:
        client_options: See the service clients.
        credentials: See the service clients.
        transport: ``"grpc"`` or ``"rest"``: trusted authorities, proxies and emulators differ.
        connect: Whether to resolve the host, connect to it and make the TLS handshake. Takes 5 seconds at
            most, unless a name server does not respond.
        vertexai: Whether the client is one of Vertex AI.

    Raises:
        ValueError: Options are mutually exclusive, or unknown; or the transport is.
        TypeError: The options are of a wrong type.
    """
    client_options, credentials = hide_options(client_options), hide_text(credentials)
    if transport not in ("grpc", "rest"):
        raise ValueError(f"transport: expected 'grpc' or 'rest', got {transport!r}")
    options = ClientOptions.of(client_options)
    variable = _EMULATOR if transport == "grpc" else endpoint.HTTP_EMULATOR
    service = _find_service(vertexai)
    where = _endpoint(options, variable, service)
    universe = _universe(options)
    emulator, pair = None, None
    if os.environ.get(variable):
        emulator = where.value or None
        whose = _credentials_for_emulator(options, where.value)
        shown = Finding(NONE, "an emulator is called in plaintext")
    else:
        shown, pair = _certificate(options)
        whose = _credentials(options, credentials, where.value, service)
    found = Diagnosis(where, universe, shown, whose, emulator)
    if not where.value:
        return found
    target: Target | HttpTarget
    if transport == "grpc":
        target = Target(where.value, emulator is not None, pair)
    else:
        target = HttpTarget("http" if emulator else "https", where.value, pair)
    found = replace(found, proxy=_proxy(target))
    return _connect(found, target) if connect and not found.proxy.problem else found


def _find_service(vertexai: bool) -> Service:
    """Return the method table of a service of the Gemini API, or of Vertex AI."""
    if not vertexai:
        return SERVICE
    from gemwire_proto.aiplatform_v1 import prediction_service

    return prediction_service.SERVICE


def _proxy(target: Target | HttpTarget) -> Finding:
    if isinstance(target, Target):
        url, reason = find_grpc_proxy(target.address, target.plaintext)
        shown = mask_credentials(url)
    else:
        try:
            found = target.proxy()
        except ValueError as error:
            return Finding("", "the environment names it", str(error))
        reason = f"{'HTTPS' if target.scheme == 'https' else 'HTTP'}_PROXY or ALL_PROXY is set"
        reason = reason if found else f"not {reason}, or NO_PROXY exempts the host"
        shown = found.url if found else ""
    return Finding(shown or NONE, reason)


def _connect(found: Diagnosis, target: Target | HttpTarget) -> Diagnosis:
    outcome = probe(target.find_route())
    if text := outcome.cause or outcome.failure:
        reason = "waiting does not mend it" if outcome.cause else "it may be temporary"
        problem = f"failed to connect to {outcome.target}: {text}. {outcome.hint}".rstrip()
        return replace(found, connection=Finding("", reason, problem), chain=outcome.chain)
    protocol = outcome.protocol or "plaintext"
    return replace(
        found, connection=Finding(protocol, f"connected to {outcome.address}"), chain=outcome.chain
    )


def _endpoint(options: ClientOptions, variable: str, service: Service) -> Finding:
    try:
        mode = endpoint.mtls_mode()
        find = endpoint.find_emulator if variable == _EMULATOR else endpoint.find_http_emulator
        if emulator := find():
            reason = f"{variable} is set: all calls of this process go there, unencrypted"
            if options.api_endpoint is not None:
                reason += "; api_endpoint is ignored"
            return Finding(endpoint.with_port(emulator.host), reason)
        where = endpoint.resolve(service, options)
    except endpoint.EmptyUniverseError:
        return Finding("", "the universe domain is empty")
    except (ValueError, TypeError, GoogleAuthError) as error:
        return Finding("", "a setting or an argument is invalid", str(error))
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
        return Finding("", "it is empty, or not a string", f"{error} Set one, or {what}.")
    if options.universe_domain is not None:
        return Finding(domain, "universe_domain was given")
    return Finding(domain, f"{_UNIVERSE} is {'set' if _UNIVERSE in os.environ else 'not set'}")


def _certificate(options: ClientOptions) -> tuple[Finding, tuple[bytes, bytes] | None]:
    name = next((name for name in _CLIENT_CERTIFICATE if os.environ.get(name)), None)
    # Given a source, the result is None only if no certificate may be presented.
    if endpoint.client_cert_source(_unused) is None:
        unset = f"{_CLIENT_CERTIFICATE[0]} is not set and this machine has no workload certificate"
        return Finding(NONE, f"{name} is {os.environ[name]!r}, not true" if name else unset), None
    allowed = f"{name} is true" if name else "this machine has a workload certificate"
    source = endpoint.client_cert_source(options.client_cert_source)
    if source is None:
        missing = f"{allowed}, but this machine has neither a workload certificate nor {_SECURE_CONNECT}"
        return Finding(NONE, missing), None
    if options.client_cert_source:
        kind = "client_cert_source"
        reason = f"{allowed}, and client_cert_source was given"
    elif _has_workload():
        kind = "workload certificate"
        reason = allowed if not name else f"{allowed}, and this machine has a workload certificate"
    else:
        kind = "SecureConnect"
        reason = f"{allowed}, and {_SECURE_CONNECT} configures how to get one"
    try:
        return Finding(kind, reason), load_certificate(source)
    except GoogleAuthError as error:
        problem = f"the client certificate ({kind}) cannot be loaded: {error}; {_ADVICE}"
        return Finding("", reason, problem), None


def _unused() -> tuple[bytes, bytes]:
    return b"", b""


def _has_workload() -> bool:
    try:
        return bool(mtls.has_default_client_cert_source(include_context_aware=False))
    except TypeError:
        # Older versions of google-auth cannot be asked for one kind only.
        return not Path(_SECURE_CONNECT).expanduser().exists()


def _credentials_for_emulator(options: ClientOptions, emulator: str) -> Finding:
    if options.api_key and emulator and endpoint.is_loopback(emulator):
        return Finding("API key", "api_key was given, and the emulator is on this machine")
    return Finding(NONE, "an emulator needs none; keys and tokens of the environment are not sent there")


def _credentials(
    options: ClientOptions, given: google.auth.credentials.Credentials | None, host: str, service: Service
) -> Finding:
    reason = "the application default credentials could not be used"
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            found = creds.resolve(given, options, service, host)
        reason = _find_source(options, given, service)
    except DefaultCredentialsError as error:
        if os.environ.get(_FILE):
            # The rest of the message lists other ways, over which the variable takes precedence.
            what = str(error).partition(" Three ways")[0]
            return Finding(
                "", f"{_FILE} is set", f"{what} Set {_FILE} to a file of credentials, or unset it."
            )
        if "were not found" in str(error):
            if not service.environment_key:
                return Finding("", "there are no application default credentials", _NO_VERTEX_CREDENTIALS)
            return Finding(
                "",
                f"neither {' nor '.join(_KEYS)} is set, and there are no other credentials",
                _NO_CREDENTIALS,
            )
        return Finding("", reason, str(error))
    except (ValueError, TypeError, GoogleAuthError, OSError) as error:
        return Finding("", "a setting or an argument is invalid", str(error))
    for warning in warned:
        if issubclass(warning.category, UserWarning):
            reason += f"; {warning.message}"
    account = found.credentials if isinstance(found, Token) else None
    if project := options.quota_project_id or getattr(account, "quota_project_id", None):
        reason += f"; quota project is {project}"
    if isinstance(found, creds.ApiKey):
        return Finding("API key" if found.is_secret else "anonymous", reason)
    return Finding(_describe(found.credentials), reason)


def _find_source(
    options: ClientOptions, given: google.auth.credentials.Credentials | None, service: Service
) -> str:
    """Describe where the credentials come from, in the order of `creds.resolve`."""
    if given is not None:
        return "credentials were given"
    if options.api_key:
        return "api_key was given"
    if options.credentials_file:
        return f"credentials_file is {options.credentials_file}"
    if not service.environment_key:
        return f"{_FILE} is {os.environ[_FILE]}" if os.environ.get(_FILE) else f"{_FILE} is not set"
    if found := creds.find_environment_key():
        others = [name for name in (*_KEYS, _FILE) if name != found[0] and os.environ.get(name)]
        return f"{found[0]} is set" + (f"; it takes precedence over {' and '.join(others)}" if others else "")
    without = f"neither {' nor '.join(_KEYS)} is set"
    if os.environ.get(_FILE):
        return f"{without}, and {_FILE} is {os.environ[_FILE]}"
    return f"{without}, and neither is {_FILE}"


def _describe(credentials: google.auth.credentials.Credentials) -> str:
    """Return the kind of google-auth credentials, and their account."""
    get_info = getattr(credentials, "get_cred_info", None)
    info = (get_info() if get_info else None) or {}
    kind = info.get("credential_type") or f"{type(credentials).__module__}.{type(credentials).__name__}"
    if isinstance(credentials, compute_engine.Credentials):
        return f"{kind}, from the metadata server"
    account = info.get("principal") or getattr(credentials, "service_account_email", None)
    source = info.get("credential_source", "")
    source = source.partition(" file via ")[0]
    return kind + (f" of {account}" if account else "") + (f", from {source}" if source else "")
