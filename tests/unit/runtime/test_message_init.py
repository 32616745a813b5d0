"""How clients are made, name by name and error by error, with Google's own clients as judges."""

from __future__ import annotations

import asyncio
import datetime
import inspect
import json
import warnings
from concurrent.futures import Future
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import certificates
import clean_environment
import google.auth
import google.auth.api_key
import google.auth.jwt
import google.auth.transport.grpc
import google.oauth2.credentials
import grpc
import grpc.aio
import pytest
from google.ai import generativelanguage_v1beta as theirs
from google.api_core.client_options import ClientOptions as TheirOptions
from google.api_core.exceptions import DuplicateCredentialArgs
from google.api_core.gapic_v1.client_info import ClientInfo as TheirInfo
from google.auth.credentials import AnonymousCredentials, Credentials, CredentialsWithQuotaProject
from google.auth.exceptions import DefaultCredentialsError, MutualTLSChannelError
from google.oauth2 import service_account

import gemwire
from gemwire import v1beta as ours
from gemwire._transport.aio.grpc_transport import GrpcAsyncIOTransport
from gemwire._transport.sync.grpc_transport import GrpcTransport
from gemwire._transport.token import RefreshFailed, Token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OURS = (ours.GenerativeServiceClient, ours.GenerativeServiceAsyncClient)
#: Their asyncio clients take dicts as options, too, which their annotations do not say.
THEIRS: tuple[Any, ...] = (theirs.GenerativeServiceClient, theirs.GenerativeServiceAsyncClient)
ALL = (*THEIRS, *OURS)
KEY = "AIzaNobodyMaySeeThis"


class Static(CredentialsWithQuotaProject):
    """A token that nobody has to fetch."""

    def __init__(self, quota: str | None = None) -> None:
        super().__init__()
        self.token = "a-token"
        self._quota_project_id = quota

    def refresh(self, request: object) -> None:
        raise AssertionError("it is valid")

    def with_quota_project(self, quota_project_id: str) -> Static:
        return type(self)(quota_project_id)


class Bare(Credentials):
    """A token of credentials that know of no quota projects."""

    def __init__(self) -> None:
        super().__init__()
        self.token = "a-token"

    def refresh(self, request: object) -> None:
        raise AssertionError("it is valid")


@pytest.fixture(autouse=True)
def _environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clean_environment.clear(monkeypatch, tmp_path / "home")


@pytest.fixture(autouse=True)
def _loop() -> Iterator[None]:
    """Google's asyncio clients want a current loop where they are made. Ours do not: see test_no_loop."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    file = tmp_path / "robot.json"
    file.write_text(json.dumps(certificates.service_account()), encoding="utf-8")
    return str(file)


def failure(client: Any, **arguments: Any) -> tuple[str, str]:
    """What a construction fails with."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            client(**arguments)
        except Exception as error:
            return type(error).__name__, str(error)
    raise AssertionError("it did not fail")


def sent(client: Any) -> dict[str, str]:
    """The headers that the credentials of one of our clients add."""
    pairs = client.transport.authorization.pairs(0.0)
    found = pairs.result(10) if isinstance(pairs, Future) else pairs
    if isinstance(found, RefreshFailed):
        raise found.to_error("a method")
    return dict(found)


def sent_by_theirs(client: Any) -> dict[str, str]:
    """The same of one of Google's: what its auth plugin adds, with the options that it was made with."""
    plugin = google.auth.transport.grpc.AuthMetadataPlugin(
        client.transport._credentials, None, default_host=client.transport.DEFAULT_HOST
    )
    context = SimpleNamespace(method_name="m", service_url=f"https://{client.transport.host}/service")
    headers = dict(plugin._get_authorization_headers(context))
    headers.pop("x-goog-api-client", None)
    return headers


# Whose calls they are.


@pytest.mark.parametrize("client", ALL)
def test_nothing(client: Any) -> None:
    kind, text = failure(client)
    assert kind == "DefaultCredentialsError"
    assert text.startswith("Your default credentials were not found.")
    assert ("GEMINI_API_KEY" in text) is (client in OURS)


def _options(**options: Any) -> list[Any]:
    return [options, TheirOptions(**options), gemwire.ClientOptions(**options)]


@pytest.mark.parametrize("client", OURS)
@pytest.mark.parametrize(
    "options", _options(api_key=KEY, api_endpoint="example.com"), ids=["dict", "theirs", "ours"]
)
def test_api_key(client: Any, options: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def consulted(*_: Any, **__: Any) -> Any:
        raise AssertionError("application default credentials were consulted")

    monkeypatch.setattr(google.auth, "default", consulted)
    made = client(client_options=options)
    assert sent(made) == {"x-goog-api-key": KEY}
    assert made.api_endpoint == "example.com"
    assert KEY not in repr(made) + repr(made.transport) + repr(gemwire.ClientOptions.of(options))


def test_api_key_as_in_theirs() -> None:
    for client in THEIRS:
        made = client(client_options={"api_key": KEY})
        assert sent_by_theirs(made) == {"x-goog-api-key": KEY}


@pytest.mark.parametrize("client", OURS)
def test_keys_of_the_environment(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A departure: Google's clients do not look at them."""
    monkeypatch.setenv("GEMINI_API_KEY", "gemini")
    assert sent(client()) == {"x-goog-api-key": "gemini"}
    monkeypatch.setenv("GOOGLE_API_KEY", "google")
    assert sent(client()) == {"x-goog-api-key": "google"}
    monkeypatch.setenv("GOOGLE_API_KEY", "")
    assert sent(client()) == {"x-goog-api-key": "gemini"}
    assert sent(client(client_options={"api_key": "option"})) == {"x-goog-api-key": "option"}
    assert sent(client(credentials=Static())) == {"authorization": "Bearer a-token"}
    for google_s in THEIRS:
        assert failure(google_s)[0] == "DefaultCredentialsError"


@pytest.mark.parametrize("client", OURS)
def test_empty_key(client: Any) -> None:
    """A departure: Google's clients take it for none and go to application default credentials."""
    says = "client_options.api_key: the API key is empty; leave it out to use the environment"
    assert failure(client, client_options={"api_key": ""}) == ("ValueError", says)
    for google_s in THEIRS:
        assert failure(google_s, client_options={"api_key": ""})[0] == "DefaultCredentialsError"


@pytest.mark.parametrize("key", ["secret\n", "\nsecret", "sec ret", "secrét", "secret\0", "sec\tret", " "])
@pytest.mark.parametrize("client", OURS)
def test_key_that_cannot_be_one(client: Any, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ways: list[tuple[dict[str, Any], str]] = [
        ({"client_options": {"api_key": key}}, "client_options.api_key: "),
        ({"client_options": TheirOptions(api_key=key)}, "client_options.api_key: "),
        ({"credentials": google.auth.api_key.Credentials(key)}, "credentials: "),
    ]
    if "\0" not in key and not key.endswith("\n"):  # a variable's line end is left out
        monkeypatch.setenv("GEMINI_API_KEY", key)
        ways.append(({}, "environment variable GEMINI_API_KEY: "))
    for arguments, start in ways:
        kind, text = failure(client, **arguments)
        assert kind == "ValueError"
        assert text.startswith(start + "the API key holds a space, a line break or a character outside ASCII")
        assert "sec" not in text
        assert "ret" not in text.replace("return", "")


EXCLUSIVE = [
    (
        {"credentials": AnonymousCredentials(), "client_options": {"api_key": KEY}},
        ("ValueError", "client_options.api_key and credentials are mutually exclusive"),
    ),
    (
        {"credentials": AnonymousCredentials(), "client_options": {"credentials_file": "f.json"}},
        ("DuplicateCredentialArgs", "'credentials_file' and 'credentials' are mutually exclusive"),
    ),
    (
        {"client_options": {"credentials_file": "/nope.json"}},
        ("DefaultCredentialsError", "File /nope.json was not found."),
    ),
    ({"transport": "carrier-pigeon", "client_options": {"api_key": KEY}}, ("KeyError", None)),
    ({"client_options": {"bogus": 1}}, ("ValueError", "ClientOptions does not accept an option 'bogus'")),
]


@pytest.mark.parametrize(("arguments", "error"), EXCLUSIVE)
def test_wrong(arguments: Any, error: tuple[str, str | None]) -> None:
    for client in ALL:
        kind, text = failure(client, **arguments)
        assert kind == error[0]
        # Ours go on to say what would be right.
        assert error[1] is None or (text == error[1] if client in THEIRS else text.startswith(error[1]))


def test_duplicate_credentials_are_caught_either_way() -> None:
    for client in OURS:
        for kind in (DuplicateCredentialArgs, ValueError):
            with pytest.raises(kind):
                client(credentials=Static(), client_options={"credentials_file": "f.json"})


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"api_key": KEY, "credentials_file": "f.json"},
            "api_key and credentials_file are mutually exclusive",
        ),
        (
            {"client_cert_source": print, "client_encrypted_cert_source": print},
            "client_cert_source and client_encrypted_cert_source are mutually exclusive",
        ),
    ],
)
def test_options_that_exclude_each_other(options: dict[str, Any], says: str) -> None:
    for kind in (TheirOptions, gemwire.ClientOptions):
        assert failure(kind, **options) == ("ValueError", says)
    for client in OURS:
        # A departure: a dict is checked like the object. Google's escapes the check.
        assert failure(client, client_options=options) == ("ValueError", says)


@pytest.mark.parametrize("client", OURS)
def test_credentials_file(client: Any, key_file: str) -> None:
    with pytest.warns(DeprecationWarning, match="credentials_file is deprecated") as caught:
        made = client(client_options={"credentials_file": key_file})
    assert next(w for w in caught if "credentials_file is" in str(w.message)).filename == __file__
    assert made.transport.authorization.credentials.service_account_email.startswith("robot@")


@pytest.mark.parametrize("client", OURS)
def test_application_default_credentials(client: Any, key_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", key_file)
    monkeypatch.setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "of-the-environment")
    assert sent(client())["x-goog-user-project"] == "of-the-environment"
    assert sent(client(client_options={"quota_project_id": "mine"}))["x-goog-user-project"] == "mine"
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    assert sent(client()) == {"x-goog-api-key": KEY}


def test_application_default_credentials_as_in_theirs(key_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", key_file)
    monkeypatch.setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "of-the-environment")
    for client in THEIRS:
        assert sent_by_theirs(client())["x-goog-user-project"] == "of-the-environment"


@pytest.mark.parametrize("client", OURS)
@pytest.mark.parametrize("kind", ["key", "environment key", "token", "token without quota projects"])
def test_quota_project_is_never_dropped(client: Any, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A departure: Google's clients drop it with an API key."""
    options: dict[str, Any] = {"quota_project_id": "mine"}
    credentials: Any = None
    if kind == "key":
        options["api_key"] = KEY
    elif kind == "environment key":
        monkeypatch.setenv("GEMINI_API_KEY", KEY)
    elif kind == "token":
        credentials = Static("another")
    else:
        credentials = Bare()
    assert sent(client(credentials=credentials, client_options=options))["x-goog-user-project"] == "mine"


@pytest.mark.parametrize("client", OURS)
@pytest.mark.parametrize("project", ["a\nb", "prøject", "a\r"])
def test_quota_project_that_no_header_holds(client: Any, project: str) -> None:
    several: list[dict[str, Any]] = [
        {"client_options": {"api_key": KEY}},
        {"credentials": Static(), "client_options": {}},
    ]
    for arguments in several:
        arguments["client_options"]["quota_project_id"] = project
        kind, text = failure(client, **arguments)
        assert kind == "ValueError"
        assert text.startswith("client_options.quota_project_id: ")


@pytest.mark.parametrize("client", OURS)
def test_anonymous(client: Any) -> None:
    assert sent(client(credentials=AnonymousCredentials())) == {}


@pytest.mark.parametrize("client", OURS)
def test_plain_access_token(client: Any) -> None:
    """A token without the means to get another is used while it lives, as Google's clients do."""
    credentials = google.oauth2.credentials.Credentials("ya29.plain")
    assert sent(client(credentials=credentials)) == {"authorization": "Bearer ya29.plain"}
    for google_s in THEIRS:
        assert sent_by_theirs(google_s(credentials=credentials)) == {"authorization": "Bearer ya29.plain"}
    soon = google.oauth2.credentials.Credentials(
        "ya29.plain",
        expiry=datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        + datetime.timedelta(hours=1),
    )
    assert sent(client(credentials=soon)) == {"authorization": "Bearer ya29.plain"}


@pytest.mark.parametrize("client", OURS)
def test_token_that_no_header_holds(client: Any) -> None:
    made = client(credentials=google.oauth2.credentials.Credentials("ya29.plain\n"))
    with pytest.raises(gemwire.errors.Unauthenticated, match="'authorization' contains a line") as caught:
        sent(made)
    assert "ya29" not in str(caught.value)


# Service accounts.


def _claims(headers: dict[str, str]) -> dict[str, Any]:
    kind, _, token = headers["authorization"].partition(" ")
    assert kind == "Bearer"
    claims = google.auth.jwt.decode(token, verify=False)
    return {name: claims.get(name) for name in ("iss", "sub", "aud", "scope")}


AUDIENCE = "https://generativelanguage.googleapis.com/"


@pytest.mark.parametrize(
    ("options", "aud", "scope"),
    [
        ({}, AUDIENCE, None),
        ({"api_endpoint": "example.com:8443"}, AUDIENCE, None),
        ({"universe_domain": "u.example"}, AUDIENCE, None),
        ({"api_audience": "https://other.example"}, AUDIENCE, None),
        ({"scopes": ["one", "two"]}, None, "one two"),
    ],
)
def test_self_signed_token(options: dict[str, Any], aud: str | None, scope: str | None) -> None:
    info = certificates.service_account()
    wanted = {"iss": info["client_email"], "sub": info["client_email"], "aud": aud, "scope": scope}
    for client in OURS:
        assert _claims(sent(client.from_service_account_info(info, client_options=options))) == wanted
    for client in THEIRS:
        made = client.from_service_account_info(info, client_options=options)
        if scope:
            made.transport._credentials = made.transport._credentials.with_scopes(options["scopes"])
        assert _claims(sent_by_theirs(made)) == wanted


def test_distributed_cloud_audience(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "gdch.json"
    file.write_text(json.dumps(certificates.gdch()), encoding="utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    for options, audience in (
        ({}, "generativelanguage.googleapis.com"),
        ({"api_endpoint": "gdch.example"}, "gdch.example"),
        ({"api_audience": "https://a.example"}, "https://a.example"),
    ):
        for client in OURS:
            authorization = client(client_options=options).transport.authorization
            assert isinstance(authorization, Token)
            credentials: Any = authorization.credentials
            assert credentials._audience == audience
        for client in THEIRS:
            assert client(client_options=options).transport._credentials._audience == audience


@pytest.mark.parametrize("client", ALL)
def test_from_service_account(client: Any, key_file: str) -> None:
    info = certificates.service_account()
    for make, source in (
        (client.from_service_account_info, info),
        (client.from_service_account_file, key_file),
        (client.from_service_account_json, key_file),
    ):
        made = make(
            source, credentials=AnonymousCredentials(), client_options={"api_endpoint": "example.com"}
        )
        assert type(made) is client
        assert made.api_endpoint == "example.com"
        transport = made.transport
        held = getattr(transport, "_credentials", None) or transport.settings.authorization.credentials
        assert isinstance(held, service_account.Credentials)
        with pytest.raises(
            ValueError, match=r"client_options.api_key and credentials are mutually exclusive"
        ):
            make(source, client_options={"api_key": KEY})
        with pytest.raises(TypeError):
            make(source, AnonymousCredentials())
    with pytest.raises(FileNotFoundError):
        client.from_service_account_file(key_file + ".not")
    with pytest.raises(ValueError, match="client_email"):
        client.from_service_account_info({"private_key": info["private_key"]})


# Transports.


def test_get_transport_class() -> None:
    client, async_client = OURS
    assert client.get_transport_class() is client.get_transport_class("grpc") is GrpcTransport
    # A departure: of an asyncio client, Google's gives the sync class.
    assert async_client.get_transport_class() is GrpcAsyncIOTransport
    assert async_client.get_transport_class("grpc_asyncio") is GrpcAsyncIOTransport
    for each, name in (
        (client, "grpc_asyncio"),
        (async_client, "grpc"),
        (async_client, "rest"),
        (client, ""),
    ):
        with pytest.raises(KeyError, match="transport: "):
            each.get_transport_class(name)
    assert type(client(client_options={"api_key": KEY}).transport) is GrpcTransport
    assert type(async_client(client_options={"api_key": KEY}).transport) is GrpcAsyncIOTransport
    assert (
        type(async_client(client_options={"api_key": KEY}, transport="grpc_asyncio").transport)
        is GrpcAsyncIOTransport
    )
    assert (GrpcTransport.kind, GrpcAsyncIOTransport.kind) == ("grpc", "grpc_asyncio")


def test_what_a_callable_gets() -> None:
    seen: list[dict[str, Any]] = []

    def transport(**kwargs: Any) -> Any:
        seen.append(kwargs)
        return SimpleNamespace(host="given")

    info = TheirInfo()
    options = {
        "api_endpoint": "example.com",
        "api_audience": "audience",
        "credentials_file": "f.json",
        "quota_project_id": "project",
        "scopes": ["one"],
    }
    for client in ALL:
        made = client(transport=transport, client_options=options, client_info=info)
        assert made.api_endpoint == "example.com"
        assert made.transport.host == "given"
    for kwargs in seen:
        kwargs["scopes"] = list(kwargs["scopes"])
    assert [seen[0]] * 4 == seen
    assert seen[0] == {
        "always_use_jwt_access": True,
        "api_audience": "audience",
        "client_cert_source_for_mtls": None,
        "client_info": info,
        "credentials": None,
        "credentials_file": "f.json",
        "host": "example.com",
        "quota_project_id": "project",
        "scopes": ["one"],
    }
    seen.clear()
    for client in ALL:
        client(transport=transport, client_options={"api_key": KEY})
    assert {type(kwargs["credentials"]) for kwargs in seen} == {google.auth.api_key.Credentials}


@pytest.mark.parametrize(
    ("client", "kind"), list(zip(OURS, (GrpcTransport, GrpcAsyncIOTransport), strict=True))
)
def test_transport_class(client: Any, kind: Any) -> None:
    class Own(kind):  # type: ignore[misc]
        pass

    for each in (kind, Own):
        made = client(transport=each, client_options={"api_key": KEY, "api_endpoint": "example.com"})
        assert type(made.transport) is each
        assert (made.api_endpoint, made.transport.host) == ("example.com", "example.com:443")


def _instances() -> list[tuple[Any, Any]]:
    return [
        (
            THEIRS[0],
            THEIRS[0].get_transport_class("grpc")(credentials=AnonymousCredentials(), host="host.example"),
        ),
        (
            THEIRS[1],
            THEIRS[1].get_transport_class("grpc_asyncio")(
                credentials=AnonymousCredentials(), host="host.example"
            ),
        ),
        (OURS[0], GrpcTransport(credentials=AnonymousCredentials(), host="host.example")),
        (OURS[1], GrpcAsyncIOTransport(credentials=AnonymousCredentials(), host="host.example")),
    ]


def test_transport_instance() -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"credentials": Static()}, "provide its credentials directly."),
        ({"client_options": {"credentials_file": "f.json"}}, "provide its credentials directly."),
        ({"client_options": {"api_key": KEY}}, "provide its credentials directly."),
        ({"client_options": {"scopes": ["one"]}}, "provide its scopes directly."),
    ]
    for client, transport in _instances():
        made = client(transport=transport, client_options={"api_endpoint": "other", "quota_project_id": "q"})
        assert made.transport is transport
        assert made.api_endpoint == transport.host == "host.example:443"
        for arguments, says in wrong:
            assert failure(client, transport=transport, **arguments) == (
                "ValueError",
                f"When providing a transport instance, {says}",
            )


@pytest.mark.parametrize("client", OURS)
def test_channel(client: Any) -> None:
    """Credentials are not looked up: there are none here."""
    make: Any = (grpc.insecure_channel, grpc.aio.insecure_channel)[OURS.index(client)]
    kind = client.get_transport_class()
    for made in (
        client(transport=make("localhost:1")),
        client(transport=kind(channel=make("localhost:1"))),
        client(transport=kind(channel=make("localhost:1"), credentials=Static())),
    ):
        assert sent(made) == {}
    assert failure(client, transport=make("localhost:1"), client_options={"api_key": KEY})[0] == "ValueError"


def test_flavours_do_not_mix() -> None:
    sync, aio = grpc.insecure_channel("localhost:1"), grpc.aio.insecure_channel("localhost:1")
    transports = [client(client_options={"api_key": KEY}).transport for client in OURS]
    for client, others in ((OURS[0], (aio, transports[1])), (OURS[1], (sync, transports[0]))):
        for other in others:
            kind, text = failure(client, transport=other)
            assert kind == "TypeError"
            assert ": expected a " in text
    sync.close()


@pytest.mark.parametrize("info", [gemwire.ClientInfo(user_agent="mine/1"), TheirInfo(user_agent="mine/1")])
@pytest.mark.parametrize("client", OURS)
def test_client_info(client: Any, info: Any) -> None:
    made = client(client_options={"api_key": KEY}, client_info=info)
    text = made.transport.metadata_cache.api_client
    assert text == info.to_user_agent()
    assert text.startswith("mine/1 ")
    assert (
        client(client_options={"api_key": KEY}, client_info=None).transport.metadata_cache.api_client is None
    )
    default = client(client_options={"api_key": KEY}).transport.metadata_cache.api_client
    assert [token.split("/")[0] for token in default.split()] == ["gl-python", "grpc", "gax", "gapic", "pb"]


@pytest.mark.parametrize("client", OURS)
@pytest.mark.parametrize(
    ("arguments", "kind", "says"),
    [
        (
            {"credentials": KEY},
            "TypeError",
            "credentials: expected google.auth credentials, got str; give a key as",
        ),
        ({"credentials": 5}, "TypeError", "credentials: expected google.auth credentials, got int"),
        ({"client_options": 5}, "TypeError", "client_options: expected ClientOptions or a dict, got int"),
        (
            {"client_options": {"api_key": 5}},
            "TypeError",
            "client_options.api_key: expected a string, got int",
        ),
        (
            {"client_options": {"api_key": b"k"}},
            "TypeError",
            "client_options.api_key: expected a string, got bytes",
        ),
        ({"client_options": {"scopes": "one"}}, "TypeError", "client_options.scopes: expected a sequence"),
        ({"client_options": {"quota_project_id": 5}}, "TypeError", "client_options.quota_project_id: "),
        ({"transport": 5}, "TypeError", "transport: expected a name, a transport or a channel, got int"),
        ({"client_info": "mine/1"}, "TypeError", "client_info: expected ClientInfo or None, got str"),
        (
            {"client_info": gemwire.ClientInfo(user_agent="a\nb")},
            "ValueError",
            "client_info: the value of 'x-goog-api-client' contains a line break",
        ),
    ],
)
def test_wrong_types(
    client: Any, arguments: dict[str, Any], kind: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    found, text = failure(client, **arguments)
    assert found == kind
    assert text.startswith(says)
    assert KEY not in text


@pytest.mark.parametrize("client", ALL)
def test_keywords_only(client: Any) -> None:
    names = list(inspect.signature(client.__init__).parameters)[1:]
    assert names == ["credentials", "transport", "client_options", "client_info"]
    with pytest.raises(TypeError):
        client(Static())


# Names.


@pytest.mark.parametrize("client", ALL)
def test_constants(client: Any) -> None:
    assert client.DEFAULT_ENDPOINT == "generativelanguage.googleapis.com"
    assert client.DEFAULT_MTLS_ENDPOINT == "generativelanguage.mtls.googleapis.com"


def result_or_text(function: Any, argument: Any) -> Any:
    try:
        return function(argument)
    except MutualTLSChannelError as error:
        return str(error)


@pytest.mark.parametrize("mode", [None, "never", "auto", "always", "ALWAYS", "", "sometimes"])
@pytest.mark.parametrize("use", [None, "true", "false", "garbage"])
@pytest.mark.parametrize("host", [None, "example.com"])
@pytest.mark.parametrize("source", [None, print])
def test_get_mtls_endpoint_and_cert_source(
    mode: str | None, use: str | None, host: str | None, source: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "u.example")  # not looked at
    for name, value in (("GOOGLE_API_USE_MTLS_ENDPOINT", mode), ("GOOGLE_API_USE_CLIENT_CERTIFICATE", use)):
        if value is not None:
            monkeypatch.setenv(name, value)
    options = TheirOptions(api_endpoint=host, client_cert_source=source)
    results: list[Any] = []
    for client in ALL:
        with pytest.warns(DeprecationWarning, match="get_mtls_endpoint_and_cert_source is deprecated"):
            results.append(result_or_text(client.get_mtls_endpoint_and_cert_source, options))
    assert results == [results[0]] * 4
    if mode in ("ALWAYS", "", "sometimes"):
        assert "must be `never`" in results[0]


def test_get_mtls_endpoint_and_cert_source_without_options() -> None:
    for client in ALL:
        with pytest.warns(DeprecationWarning, match="deprecated"):
            assert client.get_mtls_endpoint_and_cert_source() == (client.DEFAULT_ENDPOINT, None)


@pytest.mark.parametrize("client", ALL)
def test_properties(client: Any) -> None:
    made = client(credentials=AnonymousCredentials(), client_options={"universe_domain": " u.example "})
    assert (made.api_endpoint, made.universe_domain) == ("generativelanguage.u.example", "u.example")
    assert made.transport.host == "generativelanguage.u.example:443"
    for name in ("api_endpoint", "universe_domain", "transport"):
        with pytest.raises(AttributeError):
            setattr(made, name, "x")


SERVICES = sorted(name for name in dir(theirs) if name.endswith("Client"))


#: What the service has in JSON only; Google's package has no clients of these.
HTTP_ONLY = ("AuthTokenService", "FileSearchStoreService")


def test_services_are_the_same() -> None:
    named = {name for name in dir(ours) if name.endswith("Client")}
    assert sorted(name for name in named if not name.startswith(HTTP_ONLY)) == SERVICES
    assert len(named) == len(SERVICES) + 2 * len(HTTP_ONLY)
    assert len(SERVICES) == 18


@pytest.mark.parametrize("name", SERVICES)
def test_path_helpers(name: str) -> None:
    google_s, mine = getattr(theirs, name), getattr(ours, name)
    helpers = [n for n in dir(google_s) if n.endswith("_path")]
    assert [n for n in dir(mine) if n.endswith("_path")] == helpers
    samples = [
        "",
        "x",
        "models/a",
        "models/a/b",
        "corpora/a",
        "tunedModels/a/permissions/b",
        "corpora/a/permissions/b",
    ]
    for helper in helpers:
        theirs_does, ours_does = getattr(google_s, helper), getattr(mine, helper)
        parameters = list(inspect.signature(theirs_does).parameters)
        assert list(inspect.signature(ours_does).parameters) == parameters
        if helper.startswith("parse_"):
            for sample in [*samples, *(s + "\n" for s in samples)]:
                assert ours_does(sample) == theirs_does(sample)
            continue
        parse = "parse_" + helper
        for values in (("a", "b", "c", "d"), ("a/b", "c/d", "e", "f"), ("ü", "", " ", "*")):
            given = dict(zip(parameters, values, strict=False))
            path = theirs_does(**given)
            assert ours_does(**given) == ours_does(*given.values()) == path
            assert getattr(mine, parse)(path) == getattr(google_s, parse)(path)
            for spoiled in (path + "/x", "x" + path, path.upper(), path + "\n"):
                assert getattr(mine, parse)(spoiled) == getattr(google_s, parse)(spoiled)


# Lives.


def test_context_managers() -> None:
    with OURS[0](client_options={"api_key": KEY}) as made:
        assert isinstance(made, OURS[0])
    with pytest.raises(RuntimeError, match="this client is closed"):
        made.list_operations({})

    async def use() -> None:
        async with OURS[1](client_options={"api_key": KEY}) as made:
            assert isinstance(made, OURS[1])
        with pytest.raises(RuntimeError, match="this client is closed"):
            await made.list_operations({})

    asyncio.run(use())


def test_no_loop() -> None:
    """A departure: an asyncio client is made without a loop, even after one ended."""
    asyncio.set_event_loop(None)
    asyncio.run(asyncio.sleep(0))
    assert OURS[1](client_options={"api_key": KEY}).api_endpoint


def test_default_credentials_error_is_google_s() -> None:
    for client in OURS:
        with pytest.raises(DefaultCredentialsError):
            client()
