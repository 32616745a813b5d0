"""The emulator as a process: its ready line, its options, its shutdown, and state that survives it."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from emulator_calls import calling
from eventually import comes

from gemwire_emulator.__main__ import build_parser, parse_settings
from gemwire_proto import v1beta
from gemwire_proto.families import PACKAGES

MODEL = "models/gemini-2.5-flash"
Start = Callable[..., "Process"]


class Process:
    """An emulator in a process of its own.

    Attributes:
        ready: Its readiness line.
        address: host:port.
    """

    def __init__(self, folder: Path, *options: str, as_json: bool = True) -> None:
        command = [sys.executable, "-m", "gemwire_emulator", *options, *(["--json"] if as_json else [])]
        pipe = subprocess.PIPE
        # What is killed leaves its temporary files behind.
        its = {**os.environ, "TMPDIR": str(folder)}
        self._process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=its)
        assert self._process.stdout is not None
        assert select.select([self._process.stdout], [], [], 60)[0], "it is not ready after 60 s"
        self.line = self._process.stdout.readline()
        self.ready: dict[str, Any] = json.loads(self.line) if as_json else {}
        self.address: str = self.ready.get("grpc", "")
        self.pid = self._process.pid

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self, within: float = 15) -> tuple[int, str, str]:
        """Exit code and the rest of stdout and stderr."""
        out, err = self._process.communicate(timeout=within)
        return self._process.returncode, out, err

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        if self._process.stdout and not self._process.stdout.closed:
            self._process.communicate()


@pytest.fixture
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts processes that are gone after the test."""
    started: list[Process] = []
    folder = tmp_path_factory.mktemp("temporary")

    def begin(*options: str, **more: Any) -> Process:
        started.append(Process(folder, *options, **more))
        return started[-1]

    yield begin
    for process in started:
        process.close()


def failed(*options: str) -> tuple[int, str]:
    """Exit code and stderr of an emulator that does not start."""
    command = [sys.executable, "-m", "gemwire_emulator", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert not done.stdout
    return done.returncode, done.stderr


def is_refused(address: str) -> bool:
    """Return whether nobody listens at an address."""
    host, _, port = address.rpartition(":")
    with socket.socket() as connection:
        return connection.connect_ex((host, int(port))) != 0


def fields(text: str = "hello") -> dict[str, Any]:
    return {"model": MODEL, "contents": [{"parts": [{"text": text}]}]}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_and_ends_well(start: Start, number: int) -> None:
    process = start()
    host, _, port = process.address.rpartition(":")
    assert (host, process.ready["event"], process.ready["engine"]) == ("127.0.0.1", "ready", "instant")
    assert (process.ready["pid"], int(port) > 0) == (process.pid, True)
    process.send(number)
    assert process.end() == (0, "", "")


def test_people_read_one_line_that_they_can_paste(start: Start) -> None:
    process = start(as_json=False)
    address = process.line.rpartition("=")[2].strip()
    assert process.line.endswith(f"listens on {address}; export GEMINI_EMULATOR_HOST={address}\n")
    process.send(signal.SIGTERM)
    assert process.end()[:2] == (0, "")


def test_googles_client_calls_it(start: Start) -> None:
    glm = pytest.importorskip("google.ai.generativelanguage_v1beta")
    from google.ai.generativelanguage_v1beta.services.generative_service.transports import (
        GenerativeServiceGrpcTransport,
    )

    process = start("--seed", "7")
    with grpc.insecure_channel(process.address) as channel:
        client = glm.GenerativeServiceClient(transport=GenerativeServiceGrpcTransport(channel=channel))
        request = glm.GenerateContentRequest(
            model=MODEL, contents=[glm.Content(parts=[glm.Part(text="Why is the sky blue?")])]
        )
        whole = client.generate_content(request).candidates[0].content.parts[0].text
        assert whole.startswith("Emulated answer to: Why is the sky blue?")
        pieces = [
            chunk.candidates[0].content.parts[0].text for chunk in client.stream_generate_content(request)
        ]
        assert "".join(pieces) == whole
        assert len(pieces) > 5


def test_sigterm_lets_a_running_stream_finish(start: Start) -> None:
    process = start("--between", "0.1")

    async def test() -> int:
        async with calling(process.address) as call:
            stream = call.stream("StreamGenerateContent", **fields())
            count = 0
            async for _ in stream:
                count += 1
                if count == 1:
                    process.send(signal.SIGTERM)
                if count == 3:
                    refused = await call.refused("CountTokens", **fields())
                    assert refused.code == "UNAVAILABLE"
            return count

    assert asyncio.run(test()) > 8
    assert process.end()[0] == 0


def test_live_sessions_are_told_to_go(start: Start) -> None:
    process = start()

    async def test() -> None:
        async with calling(process.address) as call:
            session = call.bidi("BidiGenerateContent")
            await session.write(v1beta.BidiGenerateContentClientMessage(setup={"model": MODEL}))
            await session.read()
            process.send(signal.SIGTERM)
            farewell = await session.read()
            assert farewell.go_away.time_left.ToMilliseconds() == 9000
            await session.done_writing()
            assert await session.read() is grpc.aio.EOF

    asyncio.run(test())
    assert process.end(5)[0] == 0


def test_a_second_signal_does_not_wait(start: Start) -> None:
    process = start("--between", "2")

    async def test() -> None:
        async with calling(process.address) as call:
            stream = call.stream("StreamGenerateContent", **fields())
            assert await stream.read()
            process.send(signal.SIGTERM)
            # It has taken the first one when it accepts nobody any more.
            assert await asyncio.to_thread(comes, lambda: is_refused(process.address))
            process.send(signal.SIGTERM)
            with pytest.raises(grpc.aio.AioRpcError):
                await stream.read()

    began = time.monotonic()
    asyncio.run(test())
    assert process.end(5)[0] == 0
    assert time.monotonic() - began < 5


def test_what_was_answered_survives_kill_9(start: Start, tmp_path: Path) -> None:
    state = str(tmp_path / "state.db")

    async def use(address: str, made: list[str]) -> None:
        async with calling(address) as call:
            assert [c.name for c in (await call("ListCorpora")).corpora] == made
            made += [(await call("CreateCorpus", corpus={})).name for _ in range(3)]

    made: list[str] = []
    for _ in range(3):
        process = start("--state", state)
        asyncio.run(use(process.address, made))
        process.send(signal.SIGKILL)
        assert process.end()[0] == -signal.SIGKILL
    assert len(set(made)) == 9


def test_options_become_faults_replies_quotas_and_time(start: Start, tmp_path: Path) -> None:
    (tmp_path / "faults.json").write_text('[{"method": "EmbedContent", "status": "ABORTED"}]')
    (tmp_path / "replies.json").write_text('[{"match": "hello", "text": "hi"}]')
    process = start(
        *("--faults", str(tmp_path / "faults.json"), "--replies", str(tmp_path / "replies.json")),
        *("--fault", '{"method": "CountTokens", "status": "INTERNAL", "nth": 2}'),
        *("--rpm", "4", "--clock", "2030-01-02T03:04:05Z", "--latency", "0.01"),
    )

    async def test() -> None:
        async with calling(process.address) as call:
            embedding = {"model": "models/gemini-embedding-001", "content": {"parts": [{"text": "x"}]}}
            assert (await call.refused("EmbedContent", **embedding)).code == "ABORTED"
            assert (await call("CountTokens", **fields())).total_tokens == 1
            assert (await call.refused("CountTokens", **fields())).code == "INTERNAL"
            answer = await call("GenerateContent", **fields())
            assert answer.candidates[0].content.parts[0].text == "hi"
            made = await call("CreateCorpus", corpus={})
            assert made.create_time.ToJsonString() == "2030-01-02T03:04:05Z"
            await call("CountTokens", **fields())
            assert (await call.refused("CountTokens", **fields())).code == "RESOURCE_EXHAUSTED"

    asyncio.run(test())


def test_options_become_pace_resources_and_a_journal(start: Start, tmp_path: Path) -> None:
    journal, resources = tmp_path / "calls.jsonl", tmp_path / "resources.json"
    resources.write_text('[{"rpc": "CreateCorpus", "request": {"corpus": {"name": "corpora/made"}}}]')
    process = start(
        *("--pace", "fast", "--first-token", "0.3", "--latency", "0"),
        *("--journal", str(journal), "--resources", str(resources)),
    )

    async def test() -> None:
        async with calling(process.address) as call:
            assert [c.name for c in (await call("ListCorpora")).corpora] == ["corpora/made"]
            answer = await call("GenerateContent", **fields(), key="secret")
            assert answer.usage_metadata.candidates_token_count > 20

    asyncio.run(test())
    # It is there though nothing was said goodbye to.
    process.send(signal.SIGKILL)
    process.end()
    listed, generated = [json.loads(line) for line in journal.read_text().splitlines()]
    assert (listed["status"], generated["status"]) == ("OK", "OK")
    tokens = generated["responses"][0]["usageMetadata"]["candidatesTokenCount"]
    assert generated["elapsed"] >= 0.3 + tokens / 200
    assert generated["metadata"]["x-goog-api-key"] == "…"
    assert "secret" not in journal.read_text()


def test_a_prepared_file_is_the_beginning_of_many(start: Start, tmp_path: Path) -> None:
    prepared = tmp_path / "prepared.db"
    first = start("--state", str(prepared))

    async def make(address: str) -> list[str]:
        async with calling(address) as call:
            await call("CreateCorpus", corpus={})
            return sorted(c.name for c in (await call("ListCorpora")).corpora)

    [made] = asyncio.run(make(first.address))
    first.send(signal.SIGTERM)
    assert first.end()[0] == 0
    before = prepared.read_bytes()
    found = [asyncio.run(make(start("--snapshot", str(prepared)).address)) for _ in range(2)]
    assert found[0] == found[1]
    assert (len(found[0]), made in found[0]) == (2, True)
    assert prepared.read_bytes() == before


def test_a_state_file_has_one_emulator(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    first = start("--state", str(state))

    async def make(address: str, has: int) -> None:
        async with calling(address) as call:
            assert len((await call("ListCorpora")).corpora) == has
            await call("CreateCorpus", corpus={})

    asyncio.run(make(first.address, 0))
    code, err = failed("--state", str(state))
    assert code == 1
    assert err == (
        f"gemwire serve: state: {state} is in use by another emulator or program; stop it, or choose another "
        "file\n"
    )
    asyncio.run(make(first.address, 1))
    # One that was killed holds nothing.
    first.send(signal.SIGKILL)
    first.end()
    asyncio.run(make(start("--state", str(state)).address, 2))


def test_everyone_is_warned_of_an_open_door(start: Start) -> None:
    process = start("--host", "0.0.0.0")
    process.send(signal.SIGTERM)
    code, _, err = process.end()
    assert code == 0
    assert "warning: 0.0.0.0 is reachable from other machines" in err
    assert err.count("\n") == 1


def test_ipv6(start: Start) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    process = start("--host", "::1")
    assert process.address.startswith("[::1]:")

    async def test() -> None:
        async with calling(process.address) as call:
            await call("GetModel", name=MODEL)

    asyncio.run(test())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--port", "x"], "--port: 'x' is not an integer from 0 to 65535"),
        (["--port", "70000"], "--port: '70000'"),
        (["--seed", "-1"], "--seed: '-1'"),
        (["--latency", "nan"], "--latency: 'nan'"),
        (["--rpm", "1.5"], "--rpm: '1.5'"),
        (["--clock", "soon"], "--clock: 'soon'"),
        (["--fault", '{"method": "("}'], "method: is not a regular expression"),
        (["--fault", "x"], "--fault is not valid JSON"),
        (["--fault", "[]"], "a fault must be a JSON object"),
        (["--fault", '{"status": "SAD"}'], "status: 'SAD' is not a status code"),
        (["--fault", '{"colour": 1}'], "unknown field colour; a fault has"),
        (["--faults", "/nowhere"], "/nowhere cannot be read"),
        (["--replies", "{bad}"], "unknown field words; a reply has"),
        (["--replies", "{object}"], "must hold a JSON list of replies"),
        (["--state", "/nowhere/file"], "--state: the directory /nowhere does not exist"),
        (["--journal", "/nowhere/file"], "--journal: the directory /nowhere does not exist"),
        (["--snapshot", "/nowhere/file"], "--snapshot: the file /nowhere/file does not exist"),
        (
            ["--snapshot", "{bad}", "--state", "x"],
            "--state cannot be combined with --snapshot or --resources",
        ),
        (["--resources", "{object}"], "must hold a JSON list of resources"),
        (["--pace", "quick"], "--pace: 'quick' is not one of instant, fast, typical, slow"),
        (["--pace", '{"speed": 1}'], "unknown field speed; a pace has"),
        (["--tokens-per-second", "x"], "--tokens-per-second: 'x'"),
        (["--first-token", "-1"], "--first-token: '-1'"),
        (["--engine", "magic"], "argument --engine: invalid choice: 'magic'"),
        (["--unknown"], "unrecognized arguments: --unknown"),
        (["--po", "0"], "unrecognized arguments: --po 0"),
    ],
)
def test_bad_options_are_told_in_a_sentence(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad").write_text('[{"text": "x", "words": 2}]')
    (tmp_path / "object").write_text("{}")
    from gemwire_emulator.__main__ import main

    given = [
        o.replace("{bad}", str(tmp_path / "bad")).replace("{object}", str(tmp_path / "object"))
        for o in options
    ]
    with pytest.raises(SystemExit) as exit_:
        main(given)
    out, err = capsys.readouterr()
    assert (exit_.value.code, out) == (2, "")
    assert err.startswith("gemwire serve: ")
    assert said in err
    assert err.count("\n") == 1


def test_what_it_cannot_use_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("this is no database, and it is long enough to see that" * 10)
    code, err = failed("--state", str(tmp_path / "text"))
    assert code == 1
    assert "cannot be used as a state file" in err
    assert "Traceback" not in err
    code, err = failed("--snapshot", str(tmp_path / "text"))
    assert (code, "text is not a snapshot" in err, "Traceback" in err) == (1, True, False)
    (tmp_path / "resources").write_text('[{"rpc": "CreateEverything"}]')
    code, err = failed("--resources", str(tmp_path / "resources"))
    assert (code, err) == (1, "gemwire serve: resources[0]: rpc: CreateEverything does not exist\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, err = failed("--port", str(taken.getsockname()[1]))
    assert code == 1
    assert "cannot listen on 127.0.0.1" in err
    assert "Traceback" not in err


def test_settings_can_be_had_without_a_process() -> None:
    settings = parse_settings(
        build_parser().parse_args(["--port", "5", "--clock", "90", "--first-token", ".5"])
    )
    assert (settings.port, settings.frozen_at, settings.pace.first) == (5, 90.0, 0.5)
    assert parse_settings(build_parser().parse_args(["--clock", "1970-01-01T01:00:00+01:00"])).frozen_at == 0


def test_health_and_reflection(start: Start) -> None:
    health_pb2 = pytest.importorskip("grpc_health.v1.health_pb2")
    health_grpc = pytest.importorskip("grpc_health.v1.health_pb2_grpc")
    reflection_pb2 = pytest.importorskip("grpc_reflection.v1alpha.reflection_pb2")
    reflection_grpc = pytest.importorskip("grpc_reflection.v1alpha.reflection_pb2_grpc")
    from google.protobuf import descriptor_pb2, descriptor_pool

    process = start("--between", "0.2")
    ours = "google.ai.generativelanguage.v1beta.GenerativeService"
    with grpc.insecure_channel(process.address) as channel:
        health = health_grpc.HealthStub(channel)
        for name in ("", ours, "google.longrunning.Operations"):
            answer = health.Check(health_pb2.HealthCheckRequest(service=name), timeout=10)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.RpcError) as unknown:
            health.Check(health_pb2.HealthCheckRequest(service="nobody"), timeout=10)
        assert unknown.value.code() is grpc.StatusCode.NOT_FOUND

        ask = reflection_grpc.ServerReflectionStub(channel).ServerReflectionInfo
        request = reflection_pb2.ServerReflectionRequest
        listed, *found, missing = ask(
            iter(
                [
                    request(list_services=""),
                    *(request(file_containing_symbol=s) for s in (ours, "grpc.health.v1.Health")),
                    request(file_by_filename="google/ai/generativelanguage/v1beta/content.proto"),
                    request(file_containing_symbol="no.such.Thing"),
                ]
            ),
            timeout=10,
        )
        names = {service.name for service in listed.list_services_response.service}
        tables = [table for package in PACKAGES.values() for table in package.tables()]
        standard = {"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
        assert names == {table.name for table in tables} | standard
        assert missing.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]
        # What comes is complete: a pool can be built of it.
        files = {
            file.name: file
            for answer in found
            for data in answer.file_descriptor_response.file_descriptor_proto
            for file in [descriptor_pb2.FileDescriptorProto.FromString(data)]
        }
        pool = descriptor_pool.DescriptorPool()

        def add(name: str) -> None:
            file = files.pop(name, None)
            if file is not None:
                for dependency in file.dependency:
                    add(dependency)
                pool.Add(file)

        for name in list(files):
            add(name)
        service = pool.FindServiceByName(ours)
        assert len(service.methods) == len(v1beta.__all__ and service.methods) > 5

        # While it drains, it says that it takes no more.
        watching = health.Watch(health_pb2.HealthCheckRequest(service=ours), timeout=20)
        assert next(watching).status == health_pb2.HealthCheckResponse.SERVING
        process.send(signal.SIGTERM)
        assert next(watching).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watching.cancel()
    assert process.end()[0] == 0
    assert os.getpid() != process.pid
