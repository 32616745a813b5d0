"""Where credentials come from, how they stay fresh, and that nobody sees them.

What needs TLS is in test_mtls.py. Here the callers are put together by hand, with tokens over
plaintext, which a client would never do.
"""

from __future__ import annotations

import asyncio
import datetime
import itertools
import json
import logging
import pickle
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import google.auth.credentials
import grpc
import pytest
from eventually import PATIENCE, comes
from google.auth import api_key
from google.auth.exceptions import DefaultCredentialsError, RefreshError, TransportError
from google.oauth2 import credentials as oauth2
from scripted_grpc_server import Api, Fail, Loopback, nap

from gemwire import ClientOptions, errors, v1beta
from gemwire._transport.aio.caller import AsyncCaller
from gemwire._transport.aio.channel_pool import ChannelPool as AsyncChannelPool
from gemwire._transport.channel_options import Target
from gemwire._transport.sync.caller import Caller
from gemwire._transport.sync.channel_pool import ChannelPool
from gemwire._transport.token import STUCK_AFTER, Pairs, RefreshFailed, Token
from gemwire_proto.v1beta.generative_service import GENERATE_CONTENT, STREAM_GENERATE_CONTENT

KEY = "AIzaSecretSecretSecret"
HOST = "generativelanguage.googleapis.com"
RPC = "GenerateContent"


class Credentials(google.auth.credentials.CredentialsWithQuotaProject):
    """Credentials whose renewals the test decides on."""

    def __init__(self, life: float = 3600, takes: float = 0.0) -> None:
        super().__init__()
        self.life = life
        self.takes = takes
        #: A renewal waits until it is set.
        self.gate = threading.Event()
        self.gate.set()
        self.refreshed = 0
        #: Raised by every renewal, or by the first of them.
        self.error: BaseException | None = None
        self.errors: list[BaseException] = []
        self.threads: set[str] = set()

    def refresh(self, request: Any) -> None:
        time.sleep(self.takes)
        assert self.gate.wait(PATIENCE)
        self.refreshed += 1
        self.threads.add(threading.current_thread().name)
        if self.error or self.errors:
            raise self.error or self.errors.pop(0)
        self.token = f"secret-{self.refreshed}"
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        self.expiry = now + datetime.timedelta(seconds=self.life)

    def with_quota_project(self, quota_project_id: str) -> Credentials:
        self._quota_project_id = quota_project_id
        return self


def bearer(number: int) -> str:
    return f"Bearer secret-{number}"


def token(credentials: Any) -> Token:
    return Token(credentials, HOST, None)


def waited_for(ready: Pairs | Future[Pairs | RefreshFailed]) -> dict[str, str]:
    """The pairs, or the error of a refresh that failed."""
    outcome = ready.result(PATIENCE) if isinstance(ready, Future) else ready
    if isinstance(outcome, RefreshFailed):
        raise outcome.to_error("")
    return dict(outcome)


def settled(it: Token) -> dict[str, str]:
    """The pairs, waited for."""
    return waited_for(it.pairs(time.monotonic()))


def settle_threads() -> None:
    """Wait until every refresh that was started has ended."""
    assert comes(lambda: not [one for one in threading.enumerate() if one.name == "gemwire-credentials"])


# Sources


@pytest.fixture
def _no_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without application default credentials."""
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))


def sent_by(api: Api, **arguments: Any) -> dict[str, str]:
    ready = api.client(**arguments).transport.authorization.pairs(time.monotonic())
    assert isinstance(ready, tuple)
    return dict(ready)


def adc(path: Path) -> Path:
    file = path / "adc.json"
    file.write_text(
        json.dumps({"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"})
    )
    return file


@pytest.mark.usefixtures("_no_defaults")
def test_the_order_of_sources(api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(DefaultCredentialsError, match="GEMINI_API_KEY"):
        api.client()
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(adc(tmp_path)))
    assert "google.oauth2.credentials.Credentials" in repr(api.client().transport)
    monkeypatch.setenv("GEMINI_API_KEY", "gemini-key")
    assert sent_by(api) == {"x-goog-api-key": "gemini-key"}
    monkeypatch.setenv("GOOGLE_API_KEY", "google-key")
    assert sent_by(api) == {"x-goog-api-key": "google-key"}
    assert sent_by(api, client_options={"api_key": "mine"}) == {"x-goog-api-key": "mine"}
    assert sent_by(api, credentials=api_key.Credentials("theirs")) == {"x-goog-api-key": "theirs"}
    assert "Credentials" in repr(api.client(credentials=Credentials()).transport)
    monkeypatch.setenv("GOOGLE_API_KEY", "")
    assert sent_by(api) == {"x-goog-api-key": "gemini-key"}


def test_the_emulator_comes_before_the_environment(
    api: Api, server: Loopback, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", KEY)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(adc(tmp_path)))
    api(api.client().generate_content(model="m"))
    api(api.client(credentials=Credentials()).generate_content(model="m"))
    for call in server.journal:
        assert {key for key, _ in call.metadata} == {
            "user-agent",
            "x-goog-api-client",
            "x-goog-request-params",
        }


@pytest.mark.parametrize("key", ["two words", "line\n", "ключ", "\x00"])
def test_keys_that_no_header_can_carry(api: Api, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    with pytest.raises(ValueError, match="API key holds") as caught:
        api.client(client_options={"api_key": key})
    assert key not in str(caught.value)
    # The line end of a variable is left out.
    monkeypatch.setenv("GEMINI_API_KEY", key.replace("\x00", "\x01").replace("line\n", "li\nne"))
    with pytest.raises(ValueError, match="environment variable GEMINI_API_KEY: the API key holds"):
        api.client()


def test_the_quota_project_goes_along(api: Api) -> None:
    quota = ("x-goog-user-project", "p")
    options = ClientOptions(quota_project_id="p")
    assert quota in sent_by(api, client_options=ClientOptions(api_key=KEY, quota_project_id="p")).items()

    def pairs(credentials: Any, client_options: ClientOptions) -> dict[str, str]:
        client = api.client(credentials=credentials, client_options=client_options)
        return settled(client.transport.authorization)

    assert pairs(Credentials(), options) == {"authorization": bearer(1), quota[0]: "p"}
    assert pairs(oauth2.Credentials(token="t"), options) == {"authorization": "Bearer t", quota[0]: "p"}
    own = Credentials().with_quota_project("own")
    assert pairs(own, ClientOptions())["x-goog-user-project"] == "own"


# Renewal


def test_a_token_is_fetched_once_for_all() -> None:
    credentials = Credentials(takes=0.1)
    it = token(credentials)
    assert credentials.refreshed == 0
    waiting = [it.pairs(time.monotonic()) for _ in range(50)]
    assert {waited_for(ready)["authorization"] for ready in waiting} == {bearer(1)}
    assert settled(it) == {"authorization": bearer(1)}
    assert credentials.refreshed == 1
    assert credentials.threads == {"gemwire-credentials"}


def test_it_is_renewed_in_the_background_before_it_expires() -> None:
    credentials = Credentials(life=3600)
    it = token(credentials)
    settled(it)
    now = time.monotonic()
    for later in (0, 1800, 3200):
        assert it.pairs(now + later) == (("authorization", bearer(1)),)
        settle_threads()
    assert credentials.refreshed == 1
    # Less than five minutes are left: the old one still serves while the new one comes.
    credentials.takes = 0.1
    for _ in range(20):
        assert it.pairs(now + 3400) == (("authorization", bearer(1)),)
    assert comes(lambda: it.pairs(now) == (("authorization", bearer(2)),))
    assert credentials.refreshed == 2


def test_a_short_lived_one_at_half_its_life() -> None:
    credentials = Credentials(life=200)
    it = token(credentials)
    settled(it)
    now = time.monotonic()
    for later in (0, 90):
        it.pairs(now + later)
        settle_threads()
    assert credentials.refreshed == 1
    it.pairs(now + 110)
    assert comes(lambda: credentials.refreshed == 2)


def test_a_renewal_that_fails_fails_no_call(caplog: pytest.LogCaptureFixture) -> None:
    credentials = Credentials(life=3600)
    it = token(credentials)
    settled(it)
    now = time.monotonic()
    credentials.error = RefreshError(f"no way {KEY}")
    assert it.pairs(now + 3400) == (("authorization", bearer(1)),)
    assert comes(lambda: credentials.refreshed == 2)
    assert comes(lambda: "the token could not be refreshed (RefreshError)" in caplog.text)
    assert KEY not in caplog.text
    assert "secret" not in caplog.text
    # Not again at once, and not never.
    assert it.pairs(now + 1) == (("authorization", bearer(1)),)
    assert credentials.refreshed == 2
    assert comes(lambda: it.pairs(now + 30) == (("authorization", bearer(1)),) and credentials.refreshed == 3)
    # Once the token is dead, calls hear of it; and when the endpoint is back, all is well.
    gone = it.pairs(now + 4000)
    with pytest.raises(errors.Unauthenticated, match="the credentials gave no token: no way"):
        waited_for(gone)
    credentials.error = None
    failed = credentials.refreshed
    # A renewal in the background may fail in between.
    renewed = {bearer(failed + more) for more in (1, 2, 3)}
    assert waited_for(it.pairs(now + 4000))["authorization"] in renewed


def test_a_refused_token_is_replaced_once() -> None:
    credentials = Credentials()
    it = token(credentials)
    settled(it)
    old = it.pairs(time.monotonic())
    assert isinstance(old, tuple)
    # Many calls with the same token are refused.
    for _ in range(10):
        assert it.invalidate(old)
        assert settled(it) == {"authorization": bearer(2)}
    assert credentials.refreshed == 2


def test_a_plain_access_token_is_taken_as_it_is() -> None:
    it = token(oauth2.Credentials(token="t"))
    assert settled(it) == {"authorization": "Bearer t"}
    pairs = it.pairs(time.monotonic())
    assert isinstance(pairs, tuple)
    it.invalidate(pairs)
    with pytest.raises(errors.Unauthenticated, match="gave no token"):
        settled(it)


def test_a_token_that_no_header_can_carry_is_not_shown() -> None:
    with pytest.raises(errors.Unauthenticated) as caught:
        settled(token(oauth2.Credentials(token="secret\n")))
    assert "secret" not in str(caught.value)


# In calls


class Callers:
    """Calls with a token, in one flavour."""

    def __init__(self, api: Api, server: Loopback) -> None:
        self._api = api
        self._target = Target(server.address, plaintext=True)
        self._made: list[Any] = []

    def __call__(self, credentials: Credentials) -> Any:
        if self._api.is_async:
            made: Any = AsyncCaller(AsyncChannelPool(self._target), token(credentials), None)
        else:
            made = Caller(ChannelPool(self._target), token(credentials), None)
        self._made.append(made)
        return made

    def close(self) -> None:
        for made in self._made:
            self._api(made.pool.close())


@pytest.fixture
def caller(api: Api, server: Loopback) -> Iterator[Callers]:
    made = Callers(api, server)
    yield made
    made.close()


ASK = {"model": "models/m"}


def sent_tokens(server: Loopback) -> list[Any]:
    return [call.values("authorization")[0] for call in server.journal]


def test_calls_carry_the_token(api: Api, server: Loopback, caller: Callers) -> None:
    made = caller(Credentials())
    api(made.unary(GENERATE_CONTENT, ASK))
    api.list(api(made.server_stream(STREAM_GENERATE_CONTENT, ASK)))
    api(made.unary(GENERATE_CONTENT, ASK, metadata=[("x-mine", "1")]))
    assert sent_tokens(server) == [bearer(1)] * 3


def test_unauthenticated_forces_one_renewal(api: Api, server: Loopback, caller: Callers) -> None:
    server.on(RPC, Fail("UNAUTHENTICATED"), v1beta.GenerateContentResponse(model_version="x"))
    credentials = Credentials()
    # Also where nothing else is repeated.
    assert api(caller(credentials).unary(GENERATE_CONTENT, ASK, retry=None)).model_version == "x"
    assert sent_tokens(server) == [bearer(1), bearer(2)]


def test_only_one(api: Api, server: Loopback, caller: Callers) -> None:
    server.on(RPC, Fail("UNAUTHENTICATED", "who are you"))
    credentials = Credentials()
    with pytest.raises(errors.Unauthenticated, match="who are you") as caught:
        api(caller(credentials).unary(GENERATE_CONTENT, ASK))
    assert caught.value.attempts == len(server.journal) == credentials.refreshed == 2
    assert "secret" not in str(caught.value) + repr(caught.value)


def test_streams_do_so_too(api: Api, server: Loopback, caller: Callers) -> None:
    server.on("StreamGenerateContent", Fail("UNAUTHENTICATED"), v1beta.GenerateContentResponse())
    stream = api(caller(Credentials()).server_stream(STREAM_GENERATE_CONTENT, ASK))
    assert stream.attempts == 2
    assert len(api.list(stream)) == 1


def test_an_api_key_is_not_renewed(api: Api, server: Loopback) -> None:
    server.on(RPC, Fail("UNAUTHENTICATED"))
    with pytest.raises(errors.Unauthenticated):
        api(api.client(client_options={"api_key": KEY}).generate_content(model="m"))
    assert len(server.journal) == 1


def test_a_call_does_not_wait_longer_than_its_timeout(api: Api, server: Loopback, caller: Callers) -> None:
    credentials = Credentials()
    credentials.gate.clear()
    made = caller(credentials)
    with pytest.raises(errors.DeadlineExceeded, match="gave no token within"):
        api(made.unary(GENERATE_CONTENT, ASK, timeout=0.2))
    # The renewal goes on, and serves the next call.
    early = credentials.refreshed
    assert not early
    credentials.gate.set()
    api(made.unary(GENERATE_CONTENT, ASK, timeout=PATIENCE))
    assert credentials.refreshed == 1


def test_the_wait_counts_against_the_timeout(api: Api, server: Loopback, caller: Callers) -> None:
    left: list[float] = []

    def script(_: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        left.append(context.time_remaining())
        nap(30, context)
        yield v1beta.GenerateContentResponse()

    server.on(RPC, script)
    with pytest.raises(errors.DeadlineExceeded):
        api(caller(Credentials(takes=0.5)).unary(GENERATE_CONTENT, ASK, timeout=1.2))
    assert 0 < left[0] <= 1.2 - 0.5


def test_no_credentials_to_be_had(api: Api, server: Loopback, caller: Callers) -> None:
    credentials = Credentials()
    credentials.error = RefreshError("endpoint down")
    with pytest.raises(errors.Unauthenticated, match="gave no token: endpoint down"):
        api(caller(credentials).unary(GENERATE_CONTENT, ASK))
    assert not server.journal


class Stop(BaseException):
    """Neither an Exception nor known to anyone."""


@pytest.mark.parametrize(
    "raised", [SystemExit(3), KeyboardInterrupt(), Stop("halt"), StopIteration(), OSError("disk")]
)
def test_whatever_a_renewal_raises_ends_one_call_only(
    api: Api, server: Loopback, caller: Callers, raised: BaseException
) -> None:
    credentials = Credentials()
    credentials.errors = [raised]
    made = caller(credentials)
    with pytest.raises(
        errors.Unauthenticated, match=f"gave no token: .*({raised}|{type(raised).__name__})"
    ) as caught:
        api(made.unary(GENERATE_CONTENT, ASK, timeout=PATIENCE))
    assert caught.value.__cause__ is raised
    assert caught.value.method.endswith("/GenerateContent")
    api(made.unary(GENERATE_CONTENT, ASK, timeout=PATIENCE))
    api.list(api(made.server_stream(STREAM_GENERATE_CONTENT, ASK, timeout=PATIENCE)))
    assert sent_tokens(server) == [bearer(2)] * 2


@pytest.mark.parametrize(
    "down",
    [
        TransportError("connection refused"),
        RefreshError("busy", retryable=True),
        ConnectionResetError("reset by peer"),
        TimeoutError("no answer"),
    ],
)
def test_an_endpoint_that_is_down_for_a_moment_is_tried_again(
    api: Api, server: Loopback, caller: Callers, down: Exception
) -> None:
    credentials = Credentials()
    credentials.errors = [down, down]
    # Although the call itself is not to be repeated: it was not made yet.
    api(caller(credentials).unary(GENERATE_CONTENT, ASK, retry=None, timeout=PATIENCE))
    assert credentials.refreshed == 3
    assert sent_tokens(server) == [bearer(3)]


def test_an_error_that_wraps_the_connections_is_temporary_too(
    api: Api, server: Loopback, caller: Callers
) -> None:
    # As google-auth raises it for the metadata server.
    wrapped = RefreshError("no metadata server")
    wrapped.__cause__ = TransportError("refused")
    credentials = Credentials()
    credentials.errors = [wrapped]
    api(caller(credentials).unary(GENERATE_CONTENT, ASK, timeout=PATIENCE))
    assert credentials.refreshed == 2


def test_a_bad_certificate_of_the_endpoint_is_not(api: Api, caller: Callers) -> None:
    wrapped = TransportError("certificate verify failed")
    wrapped.__context__ = ssl.SSLCertVerificationError("expired")
    credentials = Credentials()
    credentials.error = wrapped
    with pytest.raises(errors.Unauthenticated, match="certificate verify failed"):
        api(caller(credentials).unary(GENERATE_CONTENT, ASK, timeout=PATIENCE))
    assert credentials.refreshed == 1


def test_an_endpoint_that_stays_down_is_unavailable(api: Api, server: Loopback, caller: Callers) -> None:
    credentials = Credentials()
    credentials.error = TransportError("connection refused")
    made = caller(credentials)
    began = time.monotonic()
    with pytest.raises(errors.Unavailable, match="gave no token yet: connection refused") as caught:
        api(made.unary(GENERATE_CONTENT, ASK, timeout=1.5))
    assert time.monotonic() - began <= 1.5
    assert caught.value.__cause__ is credentials.error
    assert 2 <= credentials.refreshed <= 5
    assert not server.journal
    credentials.error = None
    api(made.unary(GENERATE_CONTENT, ASK, timeout=PATIENCE))


def test_while_it_is_down_all_calls_share_its_renewals(server: Loopback) -> None:
    credentials = Credentials()
    credentials.errors = [TransportError("connection refused") for _ in range(3)]

    async def main() -> None:
        channels = AsyncChannelPool(Target(server.address, plaintext=True))
        caller = AsyncCaller(channels, token(credentials), None)
        await asyncio.gather(*(caller.unary(GENERATE_CONTENT, ASK, timeout=PATIENCE) for _ in range(40)))
        await channels.close()

    asyncio.run(main())
    assert credentials.refreshed == 4
    assert sent_tokens(server) == [bearer(4)] * 40


def test_a_new_call_does_not_hurry_an_endpoint_that_is_down() -> None:
    credentials = Credentials()
    credentials.error = TransportError("connection refused")
    it = token(credentials)
    for _ in range(20):
        with pytest.raises(errors.Unavailable):
            waited_for(it.pairs(0))
    assert credentials.refreshed == 1
    credentials.error = None
    assert waited_for(it.pairs(time.monotonic() + 1)) == {"authorization": bearer(2)}


def test_a_renewal_that_hangs_stops_no_later_call() -> None:
    credentials = Credentials()
    credentials.gate.clear()
    it = token(credentials)
    now = time.monotonic()
    first = it.pairs(now)
    assert isinstance(first, Future)
    assert it.pairs(now + STUCK_AFTER / 2) is first
    stuck = threading.active_count()
    # Another begins beside it, and after ever longer times: threads that hang are few.
    for hours in range(24 * 60):
        assert it.pairs(now + STUCK_AFTER * (hours + 1)) is first
    assert stuck < threading.active_count() <= stuck + 12
    credentials.gate.set()
    assert waited_for(first)["authorization"].startswith("Bearer secret-")
    settle_threads()
    assert isinstance(it.pairs(time.monotonic()), tuple)


def test_a_renewal_beside_one_that_hangs_serves_the_calls_of_both() -> None:
    gate, renewals = threading.Event(), itertools.count()

    class Hanging(Credentials):
        def refresh(self, request: Any) -> None:
            if next(renewals) == 0:
                gate.wait(4 * PATIENCE)
                raise TransportError("long gone")
            super().refresh(request)

    it = token(Hanging())
    now = time.monotonic()
    first = it.pairs(now)
    second = it.pairs(now + STUCK_AFTER)
    assert waited_for(first) == waited_for(second) == {"authorization": bearer(1)}
    gate.set()
    settle_threads()
    # The late end of the first changes nothing.
    assert settled(it) == {"authorization": bearer(1)}


def test_a_thread_that_cannot_start_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    it = token(Credentials())
    with monkeypatch.context() as limited:
        limited.setattr(threading, "_start_new_thread", _refuse_thread)
        with pytest.raises(errors.Unavailable, match="can't start new thread"):
            waited_for(it.pairs(0))
    assert waited_for(it.pairs(time.monotonic() + 1)) == {"authorization": bearer(1)}


def _refuse_thread(*_: object, **__: object) -> None:
    raise RuntimeError("can't start new thread")


def test_the_loop_goes_on_while_a_token_is_fetched(server: Loopback) -> None:
    credentials = Credentials()
    credentials.gate.clear()

    async def main() -> None:
        channels = AsyncChannelPool(Target(server.address, plaintext=True))
        caller = AsyncCaller(channels, token(credentials), None)
        calls = [asyncio.create_task(caller.unary(GENERATE_CONTENT, ASK)) for _ in range(40)]
        # Nothing opens the gate but the loop.
        for _ in range(20):
            await asyncio.sleep(0.005)
            assert not calls[0].done()
            # One that gives up does not take the token away from the others.
            calls[1].cancel()
        credentials.gate.set()
        await asyncio.gather(calls[0], *calls[2:])
        await channels.close()

    asyncio.run(main())
    assert credentials.refreshed == 1
    assert sent_tokens(server) == [bearer(1)] * 39


# Secrecy


def test_secrets_are_nowhere(api: Api, server: Loopback, caplog: pytest.LogCaptureFixture) -> None:
    server.on(RPC, v1beta.GenerateContentResponse(), Fail("INVALID_ARGUMENT", "bad"))
    options = ClientOptions(api_key=KEY, log_content=True)
    client = api.client(client_options=options)
    with caplog.at_level(logging.DEBUG):
        api(client.generate_content(model="m"))
        with pytest.raises(errors.InvalidArgument) as caught:
            api(client.generate_content(model="m"))
    assert server.journal[0].values("x-goog-api-key") == [KEY]
    shown = [
        options,
        client,
        client.transport,
        client.transport.authorization,
        caught.value,
        vars(caught.value),
    ]
    assert KEY not in repr(shown) + str(caught.value) + caplog.text + str(pickle.dumps(caught.value))
    with pytest.raises(TypeError) as refused:
        pickle.dumps(client)
    assert KEY not in str(refused.value)


def test_nor_is_a_token(
    api: Api, server: Loopback, caller: Callers, caplog: pytest.LogCaptureFixture
) -> None:
    server.on(RPC, v1beta.GenerateContentResponse(), Fail("INVALID_ARGUMENT", "bad"))
    made = caller(Credentials())
    with caplog.at_level(logging.DEBUG, "gemwire"):
        api(made.unary(GENERATE_CONTENT, ASK))
        with pytest.raises(errors.InvalidArgument) as caught:
            api(made.unary(GENERATE_CONTENT, ASK))
    assert sent_tokens(server) == [bearer(1)] * 2
    shown = repr([made.authorization, caught.value, vars(caught.value)]) + caplog.text
    assert "secret-1" not in shown + str(pickle.dumps(caught.value))
