"""Which host, with which certificate: the whole decision table, with Google's own clients as judges.

Both sides are given a function as transport, and so say what they decided without connecting.
"""

from __future__ import annotations

import itertools
import json
import socket
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import certificates
import clean_environment
import pytest
from google.ai import generativelanguage_v1beta as theirs
from google.api_core.universe import get_default_mtls_endpoint
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError, MutualTLSChannelError

from gemwire import v1beta as ours
from gemwire._transport import endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLAIN = "generativelanguage.googleapis.com"
MTLS = "generativelanguage.mtls.googleapis.com"

#: Two clients of Google's and two of ours, sync and asyncio.
THEIRS: tuple[Any, ...] = (theirs.GenerativeServiceClient, theirs.GenerativeServiceAsyncClient)
OURS = (ours.GenerativeServiceClient, ours.GenerativeServiceAsyncClient)


def provided() -> tuple[bytes, bytes]:
    return b"the caller's", b"key"


@dataclass(frozen=True)
class Decision:
    """What a client decided: host and certificate, or an error."""

    host: str = ""
    universe: str = ""
    certificate: object = None
    error: tuple[str, str] | None = None


def decide(client: Any, **options: Any) -> Decision:
    """Let a client decide, and show the certificate as what is behind it."""
    seen: dict[str, Any] = {}

    def transport(**kwargs: Any) -> Any:
        seen.update(kwargs)
        return SimpleNamespace(host=kwargs["host"], close=lambda: None)

    try:
        made = client(credentials=AnonymousCredentials(), transport=transport, client_options=options)
    except Exception as error:
        return Decision(error=(type(error).__name__, str(error)))
    assert made.api_endpoint == seen["host"]
    return Decision(seen["host"], made.universe_domain, _content(seen["client_cert_source_for_mtls"]))


def _content(source: Any) -> object:
    if source is None or source is provided:
        return source
    try:
        return source()
    except GoogleAuthError as error:
        return f"{type(error).__name__}: {error}"


def agreed(**options: Any) -> Decision:
    """The decision of our clients, after all four agreed on it."""
    decisions = {client.__module__: decide(client, **options) for client in (*THEIRS, *OURS)}
    assert len(set(decisions.values())) == 1, decisions
    return decisions.popitem()[1]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    clean_environment.clear(monkeypatch, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture(scope="module")
def authority() -> certificates.Authority:
    return certificates.Authority("unit")


@pytest.fixture
def workload(tmp_path: Path, authority: certificates.Authority) -> certificates.Workload:
    return certificates.workload(tmp_path / "workload", authority)


@pytest.fixture
def secure_connect(home: Path) -> Path:
    """Endpoint verification, the other kind of default certificate: a command that prints it."""
    folder = home / ".secureConnect"
    folder.mkdir()
    chain, key = certificates.Authority("secure connect").issue("device")
    (folder / "both.pem").write_bytes(chain + key)
    command = ["/bin/cat", str(folder / "both.pem")]
    file = folder / "context_aware_metadata.json"
    file.write_text(json.dumps({"cert_provider_command": command}), encoding="utf-8")
    return file


def _settings() -> Iterator[tuple[dict[str, str], dict[str, Any]]]:
    """Everything that an environment and options can say, as variables and options."""
    modes = (None, "never", "auto", "always", "ALWAYS", "", "sometimes")
    uses = (None, "", "true", "TRUE", "false", "garbage")
    endpoints = (None, "example.com", "example.com:8443", MTLS)
    universes = (
        (None, None),
        ("u.example", None),
        (None, "u.example"),
        (" googleapis.com ", "u.example"),
        ("", None),
    )
    for mode, use, source, host, (option, variable) in itertools.product(
        modes, uses, (None, provided), endpoints, universes
    ):
        variables = {
            "GOOGLE_API_USE_MTLS_ENDPOINT": mode,
            "GOOGLE_API_USE_CLIENT_CERTIFICATE": use,
            "GOOGLE_CLOUD_UNIVERSE_DOMAIN": variable,
        }
        options = {"client_cert_source": source, "api_endpoint": host, "universe_domain": option}
        yield {k: v for k, v in variables.items() if v is not None}, options


def _expected(mode: str, use: bool, source: Any, default: Any, host: str | None, universe: str) -> Decision:
    """The table of AIP-4114, written down once more."""
    certificate = (source or default) if use else None
    if host is not None:
        return Decision(host, universe, certificate)
    if mode == "always" or (mode == "auto" and certificate):
        if universe != "googleapis.com":
            text = "mTLS is not supported in any universe other than googleapis.com."
            return Decision(error=("MutualTLSChannelError", text))
        return Decision(MTLS, universe, certificate)
    return Decision(f"generativelanguage.{universe}", universe, certificate)


@pytest.mark.parametrize("kind", ["none", "workload", "secure connect"])
def test_table(kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    default: Any = None
    inferred = False
    if kind == "workload":
        made = request.getfixturevalue("workload")
        monkeypatch.setenv("GOOGLE_API_CERTIFICATE_CONFIG", str(made.config))
        default, inferred = (made.chain, made.key), True
    elif kind == "secure connect":
        file = request.getfixturevalue("secure_connect")
        chain, end, key = file.with_name("both.pem").read_bytes().partition(b"-----END CERTIFICATE-----\n")
        default = (chain + end, key)
    rows = 0
    for variables, options in _settings():
        if kind == "secure connect" and options["api_endpoint"]:
            continue  # it starts a process for each certificate
        with monkeypatch.context() as patched:
            for name, value in variables.items():
                patched.setenv(name, value)
            decision = agreed(**options)
        mode = variables.get("GOOGLE_API_USE_MTLS_ENDPOINT", "auto").lower()
        use = variables.get("GOOGLE_API_USE_CLIENT_CERTIFICATE", "").lower()
        universe = options["universe_domain"]
        if universe is None:
            universe = variables.get("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "googleapis.com")
        if mode not in ("never", "auto", "always"):
            assert decision.error == (
                "MutualTLSChannelError",
                "Environment variable `GOOGLE_API_USE_MTLS_ENDPOINT` must be `never`, `auto` or `always`",
            )
        elif not universe:
            assert decision.error == ("EmptyUniverseError", "Universe Domain cannot be an empty string.")
        else:
            wanted = _expected(
                mode,
                use == "true" or (not use and inferred),
                options["client_cert_source"],
                default,
                options["api_endpoint"],
                universe.strip(),
            )
            assert decision == wanted, (variables, options)
        rows += 1
    assert rows >= 400


# Certificate configurations: real files, read by google-auth on both sides.

CONFIGS = {
    "no workload": {"cert_configs": {}},
    "other kind": {"cert_configs": {"pkcs11": {"slot": "0x1"}}},
    "empty workload": {"cert_configs": {"workload": {}}},
    "no cert_configs": {},
    "a list": [],
    "files that are not there": {
        "cert_configs": {"workload": {"cert_path": "/no.pem", "key_path": "/no.key"}}
    },
}
USES = (None, "true", "false", "garbage")
MODES = (None, "never", "always")
WHERE = (
    "GOOGLE_API_CERTIFICATE_CONFIG",
    "CLOUDSDK_CONTEXT_AWARE_CERTIFICATE_CONFIG_FILE_PATH",
    "gcloud's folder",
)


def _place(where: str, text: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if where == "gcloud's folder":
        (home / "gcloud").mkdir(exist_ok=True)
        (home / "gcloud" / "certificate_config.json").write_text(text, encoding="utf-8")
    else:
        (home / "config.json").write_text(text, encoding="utf-8")
        monkeypatch.setenv(where, str(home / "config.json"))


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize(
    "text", [*map(json.dumps, CONFIGS.values()), "{", ""], ids=[*CONFIGS, "malformed", "empty"]
)
def test_certificate_config(where: str, text: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _place(where, text, home, monkeypatch)
    for use, mode in itertools.product(USES, MODES):
        with monkeypatch.context() as patched:
            if use is not None:
                patched.setenv("GOOGLE_API_USE_CLIENT_CERTIFICATE", use)
            if mode is not None:
                patched.setenv("GOOGLE_API_USE_MTLS_ENDPOINT", mode)
            decision = agreed()
        assert decision.error is None
        if use in ("false", "garbage") or "workload" not in text:
            if use != "true":
                assert decision.certificate is None
                assert decision.host == (MTLS if mode == "always" else PLAIN)
        else:
            # A configuration that cannot be used: its error comes when the certificate is fetched.
            assert isinstance(decision.certificate, str)
            assert decision.host == (PLAIN if mode == "never" else MTLS)


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("use", [*USES, ""])
def test_certificate_config_that_serves(
    where: str, use: str | None, home: Path, workload: certificates.Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    _place(where, workload.config.read_text(encoding="utf-8"), home, monkeypatch)
    if use is not None:
        monkeypatch.setenv("GOOGLE_API_USE_CLIENT_CERTIFICATE", use)
    wanted = Decision(PLAIN, "googleapis.com")
    if use in ("", "true") or use is None:
        wanted = Decision(MTLS, "googleapis.com", (workload.chain, workload.key))
    assert agreed() == wanted


def test_certificate_config_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_CERTIFICATE_CONFIG", str(tmp_path / "nope.json"))
    assert agreed() == Decision(PLAIN, "googleapis.com")
    monkeypatch.setenv("GOOGLE_API_USE_CLIENT_CERTIFICATE", "true")
    assert agreed() == Decision(PLAIN, "googleapis.com")


def test_certificate_config_order(
    home: Path, workload: certificates.Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "none.json").write_text('{"cert_configs": {}}', encoding="utf-8")
    monkeypatch.setenv("CLOUDSDK_CONTEXT_AWARE_CERTIFICATE_CONFIG_FILE_PATH", str(workload.config))
    monkeypatch.setenv("GOOGLE_API_CERTIFICATE_CONFIG", str(home / "none.json"))
    assert agreed().host == PLAIN
    monkeypatch.setenv("GOOGLE_API_CERTIFICATE_CONFIG", "")
    assert agreed().host == MTLS


@pytest.mark.parametrize("cloudsdk", [None, "true", "TRUE", "false", "garbage", ""])
@pytest.mark.parametrize("ours_too", [None, "true", "false", "garbage", ""])
def test_context_aware_variable(
    cloudsdk: str | None, ours_too: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """gcloud's variable counts where the other is unset or empty."""
    if cloudsdk is not None:
        monkeypatch.setenv("CLOUDSDK_CONTEXT_AWARE_USE_CLIENT_CERTIFICATE", cloudsdk)
    if ours_too is not None:
        monkeypatch.setenv("GOOGLE_API_USE_CLIENT_CERTIFICATE", ours_too)
    use = (ours_too or cloudsdk or "").lower() == "true"
    wanted = Decision(MTLS if use else PLAIN, "googleapis.com", provided if use else None)
    assert agreed(client_cert_source=provided) == wanted


# Hosts.

GOOGLE_HOSTS = [
    "x.googleapis.com",
    "X.GoogleAPIs.com",
    "x.sandbox.googleapis.com",
    "x.googleapis.com:443",
    "x.sandbox.googleapis.com:8443",
    "x.mtls.googleapis.com",
    "x.mtls.sandbox.googleapis.com:443",
    "us-central1-aiplatform.googleapis.com:443",
    "aiplatform.us.rep.googleapis.com",
    "googleapis.com",
    "example.com",
    "example.com:443",
    "googleapis.com.example.com",
    "xgoogleapis.com",
    "localhost:1",
    "",
]


@pytest.mark.parametrize("host", GOOGLE_HOSTS)
def test_mtls_host(host: str) -> None:
    wanted = get_default_mtls_endpoint(host)
    assert wanted is not None
    # Google's takes the host apart as a URL, which lowers the case of what it changes.
    assert endpoint.mtls_host(host).lower() == wanted.lower()


@pytest.mark.parametrize(
    ("host", "target"),
    [
        ("example.com", "example.com:443"),
        ("example.com:8443", "example.com:8443"),
        ("127.0.0.1", "127.0.0.1:443"),
        ("127.0.0.1:1", "127.0.0.1:1"),
        # Google's clients take the colons of an IPv6 address for that of a port.
        ("::1", "[::1]:443"),
        ("[::1]", "[::1]:443"),
        ("[::1]:8443", "[::1]:8443"),
        ("2001:db8::1", "[2001:db8::1]:443"),
    ],
)
def test_target(host: str, target: str) -> None:
    for client in OURS:
        options = {"api_endpoint": host, "api_key": "k"}
        made = client(client_options=options)
        assert made.api_endpoint == host
        assert made.transport.host == target


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("", "the endpoint is empty"),
        ("https://example.com", "has a scheme; give the host alone: 'example.com'"),
        ("https://example.com/v1beta", "has a scheme; give the host alone: 'example.com'"),
        ("dns:///example.com", "has a scheme"),
        ("example.com/v1beta", "has a path; give the host alone: 'example.com'"),
        ("unix:/run/socket", "has a path"),
        ("unix:socket", "has a bad port"),
        ("example.com:", "has a bad port"),
        ("example.com:0", "has a bad port"),
        ("example.com:65536", "has a bad port"),
        ("example.com:https", "has a bad port"),
        ("[::1", "is not a host"),
        ("[::1]443", "is not a host"),
        ("[example.com]", "is not a host"),
        (":443", "is not a host"),
        ("exa mple.com", "characters"),
        ("example.com\n", "characters"),
        ("exämple.com", "characters"),
        ("me@example.com", "characters"),
        ("example.com?a=b", "characters"),
        ("example.com#a", "characters"),
        ("example.com\\a", "characters"),
        ("a.example,b.example", "characters"),
    ],
)
def test_no_host(host: str, says: str) -> None:
    """A departure: Google's clients pass these on to grpc, which waits for a name that never resolves."""
    for client in OURS:
        with pytest.raises(ValueError, match=r"^client_options.api_endpoint: ") as caught:
            client(client_options={"api_endpoint": host, "api_key": "k"})
        assert says in str(caught.value)


def test_host_of_wrong_type() -> None:
    for client in OURS:
        with pytest.raises(
            TypeError, match=r"client_options.api_endpoint: expected 'host' or 'host:port', got int"
        ):
            client(client_options={"api_endpoint": 443, "api_key": "k"})


@pytest.mark.parametrize("value", [5, b"u.example"])
def test_universe_of_wrong_type(value: object) -> None:
    for client in OURS:
        with pytest.raises(TypeError, match=r"client_options.universe_domain: expected a string, got"):
            client(client_options={"universe_domain": value, "api_key": "k"})


def test_invalid_mode_is_told_even_with_a_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    transport = OURS[0](client_options={"api_key": "k"}).transport
    theirs_too = theirs.GenerativeServiceClient(credentials=AnonymousCredentials()).transport
    monkeypatch.setenv("GOOGLE_API_USE_MTLS_ENDPOINT", "sometimes")
    both: list[tuple[Any, object]] = [(OURS[0], transport), (THEIRS[0], theirs_too)]
    for client, given in both:
        with pytest.raises(MutualTLSChannelError, match="must be `never`, `auto` or `always`"):
            client(transport=given)
    theirs_too.close()


# The certificate source runs once, when the transport is made.


@pytest.mark.parametrize("client", OURS)
def test_source_runs_once_at_construction(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_USE_CLIENT_CERTIFICATE", "true")
    pair = certificates.Authority("a").issue("b")
    calls: list[None] = []

    def source() -> tuple[bytes, bytes]:
        calls.append(None)
        return pair

    made = client(client_options={"api_key": "k", "client_cert_source": source})
    assert (len(calls), made.api_endpoint, made.transport.host) == (1, MTLS, f"{MTLS}:443")


def _fails() -> tuple[bytes, bytes]:
    raise OSError("the smart card is not there")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (_fails, "client_cert_source failed: the smart card is not there"),
        (lambda: None, "client_cert_source failed: "),
        (lambda: ("text", "text"), "must return the certificate and the key as PEM bytes"),
        (5, "client_cert_source failed: "),
    ],
)
def test_source_that_fails(source: Any, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A departure: one type of error for all of these, at construction."""
    monkeypatch.setenv("GOOGLE_API_USE_CLIENT_CERTIFICATE", "true")
    for client in OURS:
        with pytest.raises(MutualTLSChannelError) as caught:
            client(client_options={"api_key": "k", "client_cert_source": source})
        assert says in str(caught.value)


# The emulator variable, which Google's clients do not have.


@pytest.mark.parametrize(
    "host",
    ["localhost:9", "LOCALHOST:9", "127.0.0.1:9", "127.8.9.1:9", "[::1]:9", "emulator.localhost:9", "::1"],
)
def test_emulator(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", host)
    # It wins over all that decides otherwise.
    monkeypatch.setenv("GOOGLE_API_USE_MTLS_ENDPOINT", "always")
    for client in OURS:
        made = client(client_options={"api_endpoint": "example.com"})
        assert made.api_endpoint == host
        assert made.transport.host == endpoint.with_port(host)
        assert "no credentials" in repr(made.transport)


@pytest.mark.parametrize(
    "host",
    [
        "example.com:9",
        "localhost.example.com:9",
        "0.0.0.0:9",
        "10.0.0.1:9",
        "[2001:db8::1]:9",
        "127.0.0.1.example:9",
    ],
)
def test_emulator_elsewhere(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", host)
    for client in OURS:
        for value in (None, "", "false", "1", "yes"):
            with monkeypatch.context() as patched:
                if value is not None:
                    patched.setenv("GEMINI_EMULATOR_ALLOW_REMOTE", value)
                with pytest.raises(ValueError, match=r"GEMINI_EMULATOR_HOST: .* is another machine"):
                    client()
        with monkeypatch.context() as patched:
            patched.setenv("GEMINI_EMULATOR_ALLOW_REMOTE", "True")
            assert client().api_endpoint == host


@pytest.mark.parametrize(
    "host", ["http://localhost:9", "localhost:9/x", "localhost:x", "x@localhost:9", ":9"]
)
def test_emulator_is_no_host(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", host)
    for client in OURS:
        with pytest.raises(ValueError, match=r"^environment variable GEMINI_EMULATOR_HOST: "):
            client()


def test_empty_emulator_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", "")
    for client in OURS:
        assert client(client_options={"api_key": "k"}).api_endpoint == PLAIN


@pytest.mark.parametrize("where", ["localhost:9", "127.0.0.1:9"])
def test_key_goes_to_an_emulator_of_this_machine_only(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In plaintext an explicit key reaches a loopback emulator; no other secret is sent anywhere."""
    monkeypatch.setenv("GEMINI_EMULATOR_ALLOW_REMOTE", "true")
    for client in OURS:
        monkeypatch.setenv("GEMINI_EMULATOR_HOST", where)
        assert "no credentials" not in repr(client(client_options={"api_key": "k"}).transport)
        monkeypatch.setenv("GEMINI_EMULATOR_HOST", f"{socket.gethostname()}.example:9")
        assert "no credentials" in repr(client(client_options={"api_key": "k"}).transport)
        monkeypatch.setenv("GEMINI_API_KEY", "from-the-environment")
        assert "no credentials" in repr(client().transport)
        monkeypatch.delenv("GEMINI_API_KEY")
