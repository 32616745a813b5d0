"""TLS and mutual TLS on real sockets, and what credentials do there under load.

grpc reads its roots once in a process, so the clients run in processes of their own; the server, of
grpc.aio, stays here. It answers with what it saw: the metadata and the name in the client's certificate.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import textwrap
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import certificates
import clean_environment
import grpc
import grpc.aio
import pytest

from gemwire import v1beta
from gemwire_proto.google.ai.generativelanguage.v1beta import model_service_pb2_grpc as stubs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Models(stubs.ModelServiceServicer):
    """Says what arrived; refuses tokens for two names."""

    async def GetModel(self, request: Any, context: Any) -> Any:  # noqa: N802
        seen = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        token = seen.get("authorization")
        if request.name == "models/refuses" or (
            request.name == "models/revoked" and token == "Bearer token-1"
        ):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "that token is revoked")
        peer = b"".join(context.auth_context().get("x509_common_name", [])).decode()
        return v1beta.Model(name=request.name, display_name=json.dumps(seen), description=peer)


@dataclass(frozen=True)
class World:
    """The server's ports and the folder with its certificates."""

    folder: Path
    mutual: int
    tls: int
    plain: int


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("tls")
    for name in ("ours", "other"):
        authority = certificates.Authority(name)
        (folder / f"{name}.pem").write_bytes(authority.certificate)
        certificates.workload(folder / name, authority)
        if name == "ours":
            chain, key = authority.issue("localhost")
            mutual = grpc.ssl_server_credentials(
                [(key, chain)], authority.certificate, require_client_auth=True
            )
            tls = grpc.ssl_server_credentials([(key, chain)])
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="tls server")
    thread.start()

    async def start() -> tuple[grpc.aio.Server, World]:
        server = grpc.aio.server()
        stubs.add_ModelServiceServicer_to_server(Models(), server)
        ports = [server.add_secure_port("127.0.0.1:0", each) for each in (mutual, tls)]
        ports.append(server.add_insecure_port("127.0.0.1:0"))
        await server.start()
        return server, World(folder, *ports)

    async def stop(server: grpc.aio.Server) -> None:
        await server.stop(None)

    server, made = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    yield made
    asyncio.run_coroutine_threadsafe(stop(server), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


_PRELUDE = '''
import asyncio, concurrent.futures, datetime, json, logging, os, pathlib, sys, threading, time
import google.auth.credentials, google.auth.exceptions, google.oauth2.credentials
from gemwire import errors, v1beta

WORLD = json.loads(sys.argv[1])
FOLDER = pathlib.Path(WORLD["folder"])

def certificate(authority):
    def source():
        return (FOLDER / authority / "chain.pem").read_bytes(), (FOLDER / authority / "key.pem").read_bytes()
    return source

def at(port, host="localhost", **options):
    return {"api_endpoint": f"{host}:{WORLD[port]}", **options}

def seen(model):
    found = json.loads(model.display_name)
    return {"peer": model.description, **{k: v for k, v in found.items() if k in INTERESTING}}

INTERESTING = ("authorization", "x-goog-api-key", "x-goog-user-project")

def failed(error):
    return {"error": type(error).__name__, "text": str(error), "hint": error.hint, "attempts": error.attempts}

def call(name="models/a", **arguments):
    """What a sync call and an asyncio one lead to: the same."""
    def sync():
        with v1beta.ModelServiceClient(**arguments) as client:
            return seen(client.get_model(name=name, retry=None, timeout=10))

    async def aio():
        async with v1beta.ModelServiceAsyncClient(**arguments) as client:
            return seen(await client.get_model(name=name, retry=None, timeout=10))

    results = []
    for flavour in (sync, lambda: asyncio.run(aio())):
        try:
            results.append(flavour())
        except errors.APIError as error:
            results.append(failed(error))
    return results

class Slow(google.auth.credentials.Credentials):
    """A token endpoint that takes its time; its tokens live for 2 s, or as long as is said."""

    def __init__(self, life=2.0, takes=0.3):
        super().__init__()
        self.takes = takes
        self.life, self.spans, self.count, self.down = life, [], 0, False
        #: Set when a renewal has begun; and what it waits for.
        self.begun, self.gate = threading.Event(), threading.Event()
        self.gate.set()

    def refresh(self, request):
        began = time.monotonic()
        self.begun.set()
        time.sleep(self.takes)
        assert self.gate.wait(30)
        self.spans.append((began, time.monotonic()))
        if self.down:
            raise google.auth.exceptions.RefreshError("the token endpoint is down")
        self.count += 1
        self.token = f"token-{self.count}"
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        self.expiry = now + datetime.timedelta(seconds=self.life)

def aio_client(credentials):
    return v1beta.ModelServiceAsyncClient(credentials=credentials, client_options=at("tls"))

def show(value):
    print(json.dumps(value))
'''


def run(world: World, code: str, roots: str = "ours", **variables: str) -> Any:
    """What a program prints that begins with the prelude, in a process that trusts ``roots``."""
    inherited = {k: v for k, v in os.environ.items() if k not in clean_environment.VARIABLES}
    empty = str(world.folder / "empty")
    done = subprocess.run(
        [
            *(sys.executable, "-W", "error", "-c", _PRELUDE + textwrap.dedent(code)),
            json.dumps({**vars(world), "folder": str(world.folder)}),
        ],
        env={
            **inherited,
            "HOME": empty,
            "CLOUDSDK_CONFIG": empty,
            "NO_GCE_CHECK": "true",
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(world.folder / f"{roots}.pem"),
            "GRPC_VERBOSITY": "NONE",
            **variables,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


WITH = {"GOOGLE_API_USE_CLIENT_CERTIFICATE": "true"}


def test_client_certificate(world: World) -> None:
    code = "show(call(client_options=at('mutual', api_key='k', client_cert_source=certificate('ours'))))"
    assert run(world, code, **WITH) == [{"peer": "workload", "x-goog-api-key": "k"}] * 2


def test_client_certificate_is_not_shown_unless_allowed(world: World) -> None:
    code = "show(call(client_options=at('mutual', api_key='k', client_cert_source=certificate('ours'))))"
    for variables in ({}, {"GOOGLE_API_USE_CLIENT_CERTIFICATE": "false"}):
        assert [result["error"] for result in run(world, code, **variables)] == ["Unavailable"] * 2


@pytest.mark.parametrize("variables", [{}, WITH])
def test_workload_certificate(world: World, variables: dict[str, str]) -> None:
    code = "show(call(client_options=at('mutual', api_key='k')))"
    config = str(world.folder / "ours" / "certificate_config.json")
    results = run(world, code, GOOGLE_API_CERTIFICATE_CONFIG=config, **variables)
    assert results == [{"peer": "workload", "x-goog-api-key": "k"}] * 2


@pytest.mark.parametrize("source", ["None", "certificate('other')"])
def test_certificate_missing_or_wrong(world: World, source: str) -> None:
    code = f"show(call(client_options=at('mutual', api_key='secret', client_cert_source={source})))"
    for result in run(world, code, **WITH):
        assert result["error"] == "Unavailable"
        assert (
            result["hint"]
            == "The server closed the connection: it may require a client certificate, or one side lacks TLS."
        )
        assert "secret" not in result["text"]


def test_server_that_is_not_trusted(world: World) -> None:
    for result in run(world, "show(call(client_options=at('tls', api_key='k')))", roots="other"):
        assert result["error"] == "Unavailable"
        assert "its certificate leads to CN=ours, which is not trusted here" in result["text"]
        assert "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH" in result["hint"]


def test_server_of_another_name(world: World) -> None:
    for result in run(world, "show(call(client_options=at('tls', '127.0.0.1', api_key='k')))"):
        assert result["error"] == "Unavailable"
        assert (
            f"failed to connect to 127.0.0.1:{world.tls}: its certificate is for localhost" in result["text"]
        )
        assert "another host name than api_endpoint's" in result["hint"]


def test_server_without_tls(world: World) -> None:
    for result in run(world, "show(call(client_options=at('plain', api_key='k')))"):
        assert result["error"] == "Unavailable"
        assert "it does not speak TLS on this port" in result["text"]
        assert result["hint"].startswith("Check host and port of api_endpoint")


def test_no_tls_to_a_server_with_it(world: World) -> None:
    code = "show(call())"
    for result in run(world, code, GEMINI_EMULATOR_HOST=f"localhost:{world.tls}"):
        assert result["error"] == "Unavailable"
        assert "it speaks TLS, but this client connects unencrypted" in result["text"]
        assert "api_endpoint" in result["hint"]


def test_credentials_over_tls_are_those_of_google_s_client(world: World) -> None:
    code = """
        from google.ai import generativelanguage_v1beta as theirs
        from google.oauth2.credentials import Credentials

        result = []
        for arguments in (
            {"client_options": at("tls", api_key="k")},
            {"credentials": Credentials("a-token"), "client_options": at("tls")},
            {"credentials": Credentials("a-token"), "client_options": at("tls", quota_project_id="project")},
        ):
            client = theirs.ModelServiceClient(**arguments)
            result.append([seen(client.get_model(name="models/a")), *call(**arguments)])
            client.transport.close()
        show(result)
    """
    key, token, quota = run(world, code)
    assert key == [{"peer": "", "x-goog-api-key": "k"}] * 3
    assert token == [{"peer": "", "authorization": "Bearer a-token"}] * 3
    assert quota == [{"peer": "", "authorization": "Bearer a-token", "x-goog-user-project": "project"}] * 3


def test_nothing_secret_in_plaintext(world: World) -> None:
    code = """
        from google.oauth2.credentials import Credentials

        def to(host, **arguments):
            os.environ["GEMINI_EMULATOR_HOST"] = f"{host}:{WORLD['plain']}"
            return call(**arguments)

        key = {"client_options": {"api_key": "k", "quota_project_id": "project"}}
        token = {"credentials": Credentials("a-token"), "client_options": {"quota_project_id": "project"}}
        show({
            "key": to("localhost", **key),
            "token": to("localhost", **token),
            "environment": to("localhost"),
            # This machine by another name, which does not say so.
            "key elsewhere": to("0.0.0.0", **key),
            "token elsewhere": to("0.0.0.0", **token),
        })
    """
    results = run(world, code, GEMINI_EMULATOR_ALLOW_REMOTE="true", GEMINI_API_KEY="of-the-environment")
    assert results.pop("key") == [{"peer": "", "x-goog-api-key": "k", "x-goog-user-project": "project"}] * 2
    assert results == dict.fromkeys(results, [{"peer": ""}] * 2)
    assert len(results) == 4


# Credentials at speed.


def test_one_refresh_for_many_calls(world: World) -> None:
    code = """
        async def main(credentials):
            async with aio_client(credentials) as client:
                waiting = [asyncio.create_task(client.get_model(name="models/a")) for _ in range(200)]
                # Nothing opens the gate but the loop, which therefore has to turn.
                while not credentials.begun.is_set():
                    await asyncio.sleep(0.005)
                for _ in range(20):
                    await asyncio.sleep(0.005)
                early = sum(task.done() for task in waiting)
                credentials.gate.set()
                models = await asyncio.gather(*waiting)
            return early, sorted({seen(model)["authorization"] for model in models})

        credentials = Slow(60.0, takes=0)
        credentials.gate.clear()
        show([*asyncio.run(main(credentials)), len(credentials.spans)])
    """
    assert run(world, code) == [0, ["Bearer token-1"], 1]


def test_one_refresh_for_many_threads(world: World) -> None:
    code = """
        credentials = Slow()
        with v1beta.ModelServiceClient(credentials=credentials, client_options=at("tls")) as client:
            with concurrent.futures.ThreadPoolExecutor(32) as pool:
                models = list(pool.map(lambda _: client.get_model(name="models/a"), range(200)))
        show([sorted({seen(model)["authorization"] for model in models}), len(credentials.spans)])
    """
    assert run(world, code) == [["Bearer token-1"], 1]


def test_renewed_in_the_background(world: World) -> None:
    code = """
        async def main(credentials):
            ended = []
            async with aio_client(credentials) as client:
                until = time.monotonic() + 4
                while time.monotonic() < until:
                    model = await client.get_model(name="models/a")
                    ended.append((time.monotonic(), seen(model)["authorization"]))
                    await asyncio.sleep(0.01)
            return ended

        credentials = Slow()
        ended = asyncio.run(main(credentials))
        spans = credentials.spans[1:]
        inside = [sum(began < at < over for at, _ in ended) for began, over in spans if over < ended[-1][0]]
        show([inside, list(dict.fromkeys(token for _, token in ended))])
    """
    during, tokens = run(world, code)
    # A token lives for two seconds and is renewed after one: twice or more, while calls went on.
    assert len(during) >= 2
    assert min(during) >= 1, during
    assert max(during) >= 3, during
    assert tokens == [f"Bearer token-{n}" for n in range(1, len(tokens) + 1)]
    assert len(tokens) >= 3


def test_revoked_token(world: World) -> None:
    code = """
        async def main(credentials):
            async with aio_client(credentials) as client:
                models = await asyncio.gather(*(client.get_model(name="models/revoked") for _ in range(50)))
            return sorted({seen(model)["authorization"] for model in models})

        aio, sync = Slow(3600.0), Slow(3600.0)
        tokens = asyncio.run(main(aio))
        with v1beta.ModelServiceClient(credentials=sync, client_options=at("tls")) as client:
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                models = list(pool.map(lambda _: client.get_model(name="models/revoked"), range(50)))
        tokens += sorted({seen(model)["authorization"] for model in models})
        show([tokens, len(aio.spans), len(sync.spans)])
    """
    assert run(world, code) == [["Bearer token-2"] * 2, 2, 2]


def test_every_token_refused(world: World) -> None:
    code = """
        results = []
        for credentials in (Slow(3600.0), google.oauth2.credentials.Credentials("cannot-be-renewed")):
            results.append(call(name="models/refuses", credentials=credentials, client_options=at("tls")))
        results.append(call(name="models/refuses", client_options=at("tls", api_key="k")))
        show(results)
    """
    slow, plain, key = run(world, code)
    for result in slow:
        assert result["error"] == "Unauthenticated"
        assert "that token is revoked" in result["text"]
        assert result["attempts"] == 2
    for result in plain:
        assert result["error"] == "Unauthenticated"
        assert "do not contain the necessary fields" in result["text"]
        assert "cannot-be-renewed" not in result["text"]
    for result in key:
        assert (result["error"], result["attempts"]) == ("Unauthenticated", 1)


def test_token_endpoint_that_is_down(world: World) -> None:
    code = """
        async def main(credentials):
            logged = []
            handler = logging.Handler()
            handler.emit = lambda record: logged.append(record.getMessage())
            logging.getLogger("gemwire").addHandler(handler)
            async with aio_client(credentials) as client:
                alive, dead = set(), None
                while dead is None:
                    try:
                        alive.add(seen(await client.get_model(name="models/a"))["authorization"])
                    except errors.APIError as error:
                        dead = failed(error) | {"early": credentials.spans[0][1] + 3 - time.monotonic()}
                    credentials.down = True
                    await asyncio.sleep(0.01)
                credentials.down = False
                again = seen(await client.get_model(name="models/a"))["authorization"]
            return sorted(alive), dead, again, logged

        show(asyncio.run(main(Slow(3.0))))
    """
    alive, dead, again, logged = run(world, code)
    assert alive == ["Bearer token-1"]
    assert dead["error"] == "Unauthenticated"
    assert dead["early"] <= 0, "the token was still good"
    assert "the credentials gave no token: the token endpoint is down" in dead["text"]
    assert again == "Bearer token-2"
    assert any("could not be refreshed" in line for line in logged)
    assert not any("token-1" in line for line in logged)


def test_waiting_for_a_token_ends_with_the_timeout(world: World) -> None:
    code = """
        async def main():
            credentials = Slow(60.0, takes=1.0)
            async with aio_client(credentials) as client:
                first = asyncio.create_task(client.get_model(name="models/a", timeout=0.1))
                second = asyncio.create_task(client.get_model(name="models/a"))
                third = asyncio.create_task(client.get_model(name="models/a"))
                while not credentials.begun.is_set():
                    await asyncio.sleep(0.005)
                third.cancel()
                results = await asyncio.gather(first, second, third, return_exceptions=True)
            return [type(result).__name__ for result in results]

        show(asyncio.run(main()))
    """
    assert run(world, code) == ["DeadlineExceeded", "Model", "CancelledError"]
