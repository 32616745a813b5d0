"""The emulator inside a test: `gemwire.testing`, and the fixture of the pytest plugin in a real pytest."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gemwire import errors, v1beta
from gemwire.testing import RunningEmulator, emulator
from gemwire_emulator.admission import Quota
from gemwire_emulator.engines.canned import Reply
from gemwire_emulator.fault_rules import FaultRule

MODEL = "models/gemini-2.5-flash"
VARIABLE = "GEMINI_EMULATOR_HOST"


def contents(text: str = "one two three") -> list[dict[str, Any]]:
    return [{"role": "user", "parts": [{"text": text}]}]


def answer(text: str = "Why is the sky blue?") -> str:
    with v1beta.GenerativeServiceClient() as client:
        response = client.generate_content(model=MODEL, contents=contents(text), timeout=20, retry=None)
        return str(response.candidates[0].content.parts[0].text)


def caches() -> int:
    with v1beta.CacheServiceClient() as client:
        return len(list(client.list_cached_contents()))


def make_cache() -> None:
    with v1beta.CacheServiceClient() as client:
        client.create_cached_content(
            cached_content={"model": MODEL, "contents": contents(), "ttl": {"seconds": 60}}
        )


def test_calls_can_be_asserted_on_also_afterwards() -> None:
    with emulator() as gemini:
        assert gemini.calls() == []
        assert answer("hello").startswith("Emulated answer to: hello")
        with v1beta.ModelServiceClient() as client:
            client.get_model(name=MODEL)
        assert [entry.method.rpartition("/")[2] for entry in gemini.calls()] == [
            "GenerateContent",
            "GetModel",
        ]
        assert gemini.address in repr(gemini)
    [entry] = gemini.calls("GenerateContent")
    assert (entry.status, entry.messages) == ("OK", 1)
    assert entry.requests[0].contents[0].parts[0].text == "hello"


def test_faults() -> None:
    with emulator() as gemini:
        gemini.fail("RESOURCE_EXHAUSTED", method="GenerateContent", nth=2, retry_delay=7, message="wait")
        answer()
        with pytest.raises(errors.ResourceExhausted, match="wait") as caught:
            answer()
        assert caught.value.retry_delay == 7
        answer()
        assert [entry.status for entry in gemini.calls()] == ["OK", "RESOURCE_EXHAUSTED", "OK"]
        with pytest.raises(ValueError, match="unknown field colour; a fault has"):
            gemini.fail("UNAVAILABLE", colour=1)
        with pytest.raises(ValueError, match="'AVAILABLE' is not a status code"):
            gemini.fail("AVAILABLE")


def test_replies() -> None:
    with emulator() as gemini:
        gemini.reply("Blue.", match="sky")
        gemini.reply("a b c d", match="letters", model="flash", pieces=4)
        assert answer() == "Blue."
        assert answer("the sea?").startswith("Emulated")
        with v1beta.GenerativeServiceClient() as client:
            stream = client.stream_generate_content(model=MODEL, contents=contents("letters"))
            assert len(list(stream)) == 4
        with pytest.raises(ValueError, match="match: '\\(' is not a regular expression"):
            gemini.reply("x", match="(")
        assert answer() == "Blue."


def test_time_passes_when_told() -> None:
    with emulator() as gemini:
        make_cache()
        gemini.advance(59)
        assert caches() == 1
        gemini.advance(2)
        assert caches() == 0
        with pytest.raises(ValueError, match="the clock cannot go back"):
            gemini.advance(-1)


def test_reset_is_the_start_again() -> None:
    with emulator(replies=[Reply("Kept.", "kept")], frozen_at=1_800_000_000.0) as gemini:
        for _ in range(2):
            assert caches() == 0
            make_cache()
            with v1beta.CacheServiceClient() as client:
                [made] = client.list_cached_contents()
            # What an earlier round let pass is taken back.
            assert made.create_time.seconds == 1_800_000_000
            assert answer("kept") == "Kept."
            assert answer("other").startswith("Emulated")
            gemini.reply("Other.", match="other")
            gemini.fail("INTERNAL", times=0)
            gemini.advance(1000)
            with pytest.raises(errors.Internal):
                answer()
            gemini.reset()
            assert gemini.calls() == []


def test_reset_brings_the_faults_of_the_settings_back() -> None:
    with emulator(faults=[FaultRule.from_json({"status": "INTERNAL", "nth": 2})], seed=3) as gemini:
        for _ in range(2):
            said = answer()
            with pytest.raises(errors.Internal):
                answer()
            gemini.seed(4)
            assert answer() != said
            gemini.fail("ABORTED", times=0)
            gemini.reset()
            assert answer() == said
            gemini.reset()


def test_quota_and_pace_can_change() -> None:
    with emulator() as gemini:
        gemini.quota(requests_per_minute=2)
        answer()
        answer()
        with pytest.raises(errors.ResourceExhausted):
            answer()
        gemini.quota()
        answer()
        gemini.pace(first=0.3)
        answer()
        gemini.pace("instant")
        answer()
        slow, quick = [entry.elapsed or 0 for entry in gemini.calls()][-2:]
        assert slow >= 0.3 > quick
        gemini.pace("fast", latency=0)
        with pytest.raises(ValueError, match="'quick' is not one of"):
            gemini.pace("quick")
        with pytest.raises(ValueError, match="unknown field speed; a pace has"):
            gemini.pace(speed=1)


def test_connections_break_and_move() -> None:
    with emulator() as gemini, v1beta.GenerativeServiceClient() as client:

        def count(**more: Any) -> int:
            return int(client.count_tokens(model=MODEL, contents=contents(), **more).total_tokens)

        gemini.fail(disconnect=True, times=2)
        # The client's own retry: nothing is to be seen of it.
        assert count() == count() == 3
        assert [e.status for e in gemini.calls()] == ["DISCONNECTED", "DISCONNECTED", "OK", "OK"]
        gemini.goaway()
        for _ in range(50):
            count(retry=None)
        assert {e.status for e in gemini.calls()[2:]} == {"OK"}
        assert len({e.peer for e in gemini.calls()}) == 4


def test_snapshots(tmp_path: Path) -> None:
    prepared = tmp_path / "prepared"
    with emulator(frozen_at=1_800_000_000.0) as gemini:
        make_cache()
        gemini.advance(30)
        gemini.snapshot(prepared)
        gemini.advance(60)
        assert caches() == 0
        gemini.restore(prepared)
        assert caches() == 1
        with pytest.raises(FileNotFoundError):
            gemini.restore(tmp_path / "none")
    for _ in range(2):
        with emulator(frozen_at=1_800_000_000.0, snapshot=prepared) as gemini:
            for _ in range(2):
                assert caches() == 1
                gemini.advance(31)
                assert caches() == 0
                gemini.reset()


def test_resources_from_the_start(new_threads: Callable[[str], list[str]]) -> None:
    resource = {
        "rpc": "CreateCachedContent",
        "request": {"cachedContent": {"model": MODEL, "contents": contents(), "ttl": "60s"}},
    }
    with emulator(resources=[resource, resource]):
        assert caches() == 2
    with (
        pytest.raises(ValueError, match=r"resources\[0\]: rpc: .* does not exist"),
        emulator(resources=[{"rpc": "x"}]),
    ):
        pass
    assert new_threads("gemwire-emulator") == []


def test_it_ends_without_a_trace(
    monkeypatch: pytest.MonkeyPatch, new_threads: Callable[[str], list[str]]
) -> None:
    assert new_threads("gemwire-emulator") == []
    with emulator() as gemini:
        assert os.environ[VARIABLE] == gemini.address
        assert new_threads("gemwire-emulator") == ["gemwire-emulator"]
    assert VARIABLE not in os.environ
    assert new_threads("gemwire-emulator") == []
    host, _, port = gemini.address.rpartition(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), 5).close()
    gemini.stop()
    with pytest.raises(RuntimeError, match="has been stopped"):
        gemini.reset()

    monkeypatch.setenv(VARIABLE, "127.0.0.1:1")
    with pytest.raises(ZeroDivisionError), emulator():
        _ = 1 / (os.environ[VARIABLE] == "127.0.0.1:1")
    assert os.environ[VARIABLE] == "127.0.0.1:1"
    assert new_threads("gemwire-emulator") == []


def test_a_start_that_fails_leaves_nothing(tmp_path: Path, new_threads: Callable[[str], list[str]]) -> None:
    (tmp_path / "text").write_text("this is no database " * 100)
    with pytest.raises(sqlite3.DatabaseError), emulator(state=tmp_path / "text"):
        pass
    with pytest.raises(TypeError, match="colour"), emulator(colour=1):
        pass
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RuntimeError), emulator(port=port):
            pass
    assert new_threads("gemwire-emulator") == []
    assert VARIABLE not in os.environ


def test_a_stream_under_way_ends_with_it(new_threads: Callable[[str], list[str]]) -> None:
    with emulator() as gemini:
        gemini.reply("a b c d e f", pieces=6)
        gemini.fail(method="Stream", delay=30)
        with v1beta.GenerativeServiceClient() as client:
            outcome: list[BaseException] = []

            def consume() -> None:
                try:
                    list(client.stream_generate_content(model=MODEL, contents=contents(), retry=None))
                except errors.APIError as error:
                    outcome.append(error)

            thread = threading.Thread(target=consume)
            thread.start()
            while not gemini.calls("StreamGenerateContent"):
                pass
            gemini.stop()
            thread.join(20)
    assert len(outcome) == 1
    assert new_threads("gemwire-emulator") == []


def test_two_at_once() -> None:
    with emulator(replies=[Reply("first")]) as first, v1beta.GenerativeServiceClient() as client:
        with emulator(replies=[Reply("second")]) as second:
            assert first.address != second.address
            assert answer() == "second"
            # A client keeps to the emulator that it was made with.
            response = client.generate_content(model=MODEL, contents=contents())
            assert response.candidates[0].content.parts[0].text == "first"
            make_cache()
            assert caches() == 1
        assert answer() == "first"
        assert caches() == 0
        assert (len(first.calls("GenerateContent")), len(second.calls("GenerateContent"))) == (2, 1)


def test_settings(tmp_path: Path) -> None:
    said: dict[int, str] = {}
    for seed in (1, 2, 1):
        with emulator(seed=seed):
            assert said.setdefault(seed, answer()) == answer()
    assert said[1] != said[2]

    with emulator(quota=Quota(requests_per_minute=1)) as gemini:
        answer()
        with pytest.raises(errors.ResourceExhausted):
            answer()
        gemini.advance(61)
        answer()

    for count in (0, 1):
        with emulator(state=tmp_path / "state"):
            assert caches() == count
            make_cache()

    from gemwire_emulator.server import Settings

    running = RunningEmulator(Settings(seed=3))
    running.stop()


INNER = """
from __future__ import annotations

import os

import pytest

from gemwire import errors, v1beta

MODEL = "models/gemini-2.5-flash"
CONTENTS = [{"role": "user", "parts": [{"text": "hello"}]}]


@pytest.fixture
def client():
    with v1beta.GenerativeServiceClient() as made:
        yield made


@pytest.fixture(scope="module")
def shared():
    with v1beta.GenerativeServiceClient() as made:
        yield made


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    monkeypatch.delenv("GEMINI_EMULATOR_HOST", raising=False)


# The client stands before the emulator, and is made after it all the same.
@pytest.mark.parametrize("number", range(4))
def test_state_is_of_one_test(client, shared, gemini_emulator, tmp_path, number):
    assert os.environ["GEMINI_EMULATOR_HOST"] == gemini_emulator.address
    assert gemini_emulator.calls() == []
    with v1beta.CacheServiceClient() as caches:
        assert list(caches.list_cached_contents()) == []
        caches.create_cached_content(cached_content={"model": MODEL, "contents": CONTENTS})
    for made in (client, shared):
        response = made.generate_content(model=MODEL, contents=CONTENTS)
        assert response.candidates[0].content.parts[0].text.startswith("Emulated")
    gemini_emulator.reply("left behind")
    gemini_emulator.snapshot(tmp_path / "snapshot")
    gemini_emulator.seed(5)
    gemini_emulator.pace(first=0.01)
    gemini_emulator.quota(1000)
    gemini_emulator.fail(disconnect=True)
    gemini_emulator.goaway()
    assert client.count_tokens(model=MODEL, contents=CONTENTS).total_tokens == 1
    gemini_emulator.fail("INTERNAL", times=0)
    with pytest.raises(errors.Internal):
        client.generate_content(model=MODEL, contents=CONTENTS)
    assert [e.status for e in gemini_emulator.calls("CountTokens")] == ["DISCONNECTED", "OK"]
    assert gemini_emulator.calls("GenerateContent")[0].request.contents[0].parts[0].text == "hello"
    assert len(gemini_emulator.calls()) == 7
    gemini_emulator.restore(tmp_path / "snapshot")


@pytest.mark.usefixtures("gemini_emulator")
def test_by_mark(client):
    assert client.generate_content(model=MODEL, contents=CONTENTS).candidates


def test_others_are_left_alone():
    assert "GEMINI_EMULATOR_HOST" not in os.environ
"""


PREPARED = """
import pytest

from gemwire import v1beta


@pytest.fixture(scope="session")
def gemini_emulator_options():
    made = {"corpus": {"name": "corpora/prepared"}}
    return {"resources": [{"rpc": "CreateCorpus", "request": made}], "seed": 3}


@pytest.mark.parametrize("number", range(6))
def test_everything_is_prepared(gemini_emulator, number):
    with v1beta.RetrieverServiceClient() as client:
        assert [corpus.name for corpus in client.list_corpora()] == ["corpora/prepared"]
        client.delete_corpus(name="corpora/prepared")
"""


@pytest.mark.parametrize("inner", [INNER, PREPARED], ids=["empty", "prepared"])
@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["one process", "xdist"])
def test_the_fixture(options: list[str], inner: str, tmp_path: Path) -> None:
    if options:
        pytest.importorskip("xdist")
    (tmp_path / "test_inner.py").write_text(inner)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV_"))}
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, "test_inner.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "6 passed" in ended.stdout
