"""``gemwire batch`` as others run it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gemwire_command
import pytest
from counting_server import Counted, numbers, write
from eventually import comes
from gemwire_command import Ended, Terminal, complaint, run

from gemwire.testing import RunningEmulator, emulator

running, gemini = gemwire_command.running, gemwire_command.gemini


@pytest.fixture
def counted() -> Iterator[Counted]:
    made = Counted()
    yield made
    made.stop()


def records(path: Path) -> list[dict[str, Any]]:
    return sorted((json.loads(line) for line in path.read_text().splitlines()), key=lambda r: r["line"])


def batch(address: str | None, folder: Path, *arguments: str, **more: Any) -> Ended:
    return run(address, "batch", str(folder / "in.jsonl"), str(folder / "out.jsonl"), *arguments, **more)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_every_form_of_a_line(gemini: RunningEmulator, tmp_path: Path) -> None:
    contents = [{"parts": [{"text": "Hello"}]}]
    lines: list[Any] = [
        "Hello",
        {"key": "a", "request": {"contents": contents, "generation_config": {"max_output_tokens": 5}}},
        {"prompt": "Hello", "key": 3},
        {"contents": contents},
    ]
    text = "\n".join(json.dumps(line) for line in lines) + '\n\n{"prompt": 5}\nnonsense\n'
    (tmp_path / "in.jsonl").write_text(text)
    (tmp_path / "config.json").write_text('{"temperature": 0.5, "topK": 3}')
    gemini.reply("Good day.")
    ended = batch(
        gemini.address,
        tmp_path,
        "--system",
        "Be brief.",
        "--config",
        str(tmp_path / "config.json"),
        "--price-in",
        "1e6",
        "--price-out",
        "2e6",
    )
    assert (ended.code, ended.out) == (1, "")
    tokens = "16 input tokens, 12 output tokens"
    for told in ("6 of 6 lines", "2 failed (--retry-failures", "cost ", tokens, "lines/s"):
        assert told in ended.err
    answers = records(tmp_path / "out.jsonl")
    assert [(r["line"], r["key"]) for r in answers] == [(1, None), (2, "a"), (3, 3), (4, None)]
    for answer in answers:
        assert answer["response"]["candidates"][0]["content"]["parts"] == [{"text": "Good day."}]
        assert answer["response"]["usageMetadata"]["promptTokenCount"]
    failed = records(tmp_path / "out.failures.jsonl")
    assert [(r["line"], r["error"]["status"], r["error"]["attempts"]) for r in failed] == [
        (6, "INVALID_ARGUMENT", 0),
        (7, "INVALID_ARGUMENT", 0),
    ]
    seen = {entry.request.contents[0].parts[0].text for entry in gemini.calls("GenerateContent")}
    assert seen == {"Hello"}
    for entry in gemini.calls("GenerateContent"):
        assert entry.request.system_instruction.parts[0].text == "Be brief."
        assert entry.request.generation_config.temperature == 0.5
    assert left(tmp_path) == ["config.json", "in.jsonl", "out.failures.jsonl", "out.jsonl", "out.jsonl.job"]


def test_done_is_done(counted: Counted, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 50)
    first = batch(counted.address, tmp_path, "--json").json
    assert (first["done"], first["answered"], first["before"], first["tokens_in"]) == (50, 50, 0, 150)
    assert left(tmp_path) == ["in.jsonl", "out.jsonl", "out.jsonl.job"]
    again = batch(counted.address, tmp_path, "--json", "--concurrency", "2").json
    assert (again["done"], again["answered"], again["before"]) == (50, 0, 50)
    assert set(counted.counts.values()) == {1}
    assert counted.calls["GetModel"] == 1
    nobody = batch(None, tmp_path, HOME=str(tmp_path), NO_GCE_CHECK="true")
    assert nobody.code == 0, nobody.err  # Nobody has to be asked.


def test_only_what_is_missing_is_asked(counted: Counted, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 30)
    assert batch(counted.address, tmp_path, "-q").code == 0
    kept = (tmp_path / "out.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "out.jsonl").write_bytes(b"".join(kept[:10]) + kept[10][:30])
    counted.counts.clear()
    ended = batch(counted.address, tmp_path)
    assert ended.code == 0
    assert "30 of 30 lines done, 10 in earlier runs" in ended.err
    assert counted.counts.keys() == {json.loads(line)["line"] for line in kept[10:]}
    assert set(counted.counts.values()) == {1}
    assert numbers(tmp_path / "out.jsonl") == list(range(1, 31))


def test_failures_are_sent_again_when_asked(gemini: RunningEmulator, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 20)
    gemini.fail("INTERNAL", method="GenerateContent", times=5, message="Not now.")
    ended = batch(gemini.address, tmp_path, "--retries", "0", "-q")
    assert (ended.code, ended.out, ended.err) == (1, "", "")
    failed = records(tmp_path / "out.failures.jsonl")
    assert len(failed) == 5
    assert failed[0]["key"] == f"k{failed[0]['line']}"
    assert failed[0]["error"] == {
        "code": 500,
        "status": "INTERNAL",
        "message": "Not now.",
        "details": [],
        "attempts": 1,
    }
    calls = len(gemini.calls("GenerateContent"))
    assert batch(gemini.address, tmp_path, "-q").code == 1
    assert len(gemini.calls("GenerateContent")) == calls
    assert batch(gemini.address, tmp_path, "--retry-failures").code == 0
    assert len(gemini.calls("GenerateContent")) == calls + 5
    assert numbers(tmp_path / "out.jsonl") == list(range(1, 21))
    assert left(tmp_path) == ["in.jsonl", "out.jsonl", "out.jsonl.job"]


def test_calls_are_repeated(gemini: RunningEmulator, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 5)
    gemini.fail("RESOURCE_EXHAUSTED", method="GenerateContent", times=3)
    assert batch(gemini.address, tmp_path, "-q").code == 0
    assert numbers(tmp_path / "out.jsonl") == [1, 2, 3, 4, 5]


def test_several_processes(counted: Counted, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 600)
    counted.latency = 0.02
    done = batch(counted.address, tmp_path, "--processes", "2", "--concurrency", "21", "--json").json
    assert done["answered"] == 600
    assert set(counted.counts.values()) == {1}
    assert 2 <= counted.most <= 21
    assert numbers(tmp_path / "out.jsonl") == list(range(1, 601))


def test_a_compressed_input(counted: Counted, tmp_path: Path) -> None:
    write(tmp_path / "plain.jsonl", 10)
    (tmp_path / "in.jsonl.gz").write_bytes(gzip.compress((tmp_path / "plain.jsonl").read_bytes()))
    out = tmp_path / "out.jsonl"
    assert run(counted.address, "batch", str(tmp_path / "in.jsonl.gz"), str(out)).code == 0
    assert numbers(out) == list(range(1, 11))
    # The same text is the same job.
    assert run(counted.address, "batch", str(tmp_path / "plain.jsonl"), str(out)).code == 0
    assert set(counted.counts.values()) == {1}


def test_the_limits_hold(counted: Counted, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 12)
    # 4 calls a second after the first 4, from all processes together; 10 tokens a second, 3 a call.
    for limit in (("--rpm", "240"), ("--rpm", "240", "--processes", "2"), ("--tpm", "600")):
        for path in tmp_path.glob("out.*"):
            path.unlink()
        counted.times.clear()
        assert batch(counted.address, tmp_path, *limit, "-q").code == 0
        assert counted.times[-1] - counted.times[0] > 1.5


def test_fields_that_only_http_carries(tmp_path: Path) -> None:
    contents = [{"parts": [{"text": "Hello"}]}]
    config = {"thinking_config": {"thinking_level": "LOW"}}
    lines = [{"contents": contents}, {"contents": contents, "generation_config": config, "key": "a"}]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, lines)))
    with emulator(http_port=0) as both:
        http = both.http.removeprefix("http://")
        assert batch(both.address, tmp_path, GEMINI_EMULATOR_HTTP_HOST=http).code == 0
        assert sorted(entry.front for entry in both.calls("GenerateContent")) == ["grpc", "http"]
        for path in tmp_path.glob("out.*"):
            path.unlink()
        assert batch(both.address, tmp_path).code == 1
    assert numbers(tmp_path / "out.jsonl") == [1]
    [failed] = records(tmp_path / "out.failures.jsonl")
    assert "calls over HTTP do not go there: set GEMINI_EMULATOR_HTTP_HOST" in failed["error"]["message"]


# What is refused -----------------------------------------------------------------------------------


def refused(
    ended: Ended, folder: Path, told: str, code: int = 2, rest: tuple[str, ...] = ("in.jsonl",)
) -> None:
    assert told in complaint(ended, code)
    assert left(folder) == sorted(rest)


def test_arguments_that_are_wrong(counted: Counted, tmp_path: Path) -> None:
    # More of them are in tests/unit/bulk/test_bulk_arguments.py.
    write(tmp_path / "in.jsonl", 3)
    for arguments, told in [
        (("--concurrency", "many"), "--concurrency: expected a whole number or auto, got 'many'"),
        (("--retries", "-1"), "--retries: -1 is less than 0"),
        (("--price-in", "cheap"), "'--price-in'"),
        (("--price-in", "1"), "--price-in and --price-out must be given together"),
        (("--config", str(tmp_path / "in.jsonl")), "is not JSON"),
        (("--config", "none.json"), "--config none.json: No such file"),
        (("--engine", "spark"), "spark"),
    ]:
        refused(batch(counted.address, tmp_path, *arguments), tmp_path, told)
    assert not counted.calls


def test_an_input_that_is_not_there(counted: Counted, tmp_path: Path) -> None:
    refused(batch(counted.address, tmp_path), tmp_path, "in.jsonl: No such file", rest=())
    assert not counted.calls


def test_outputs_of_others(counted: Counted, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 3)
    out = tmp_path / "out.jsonl"
    out.write_text("mine\n")
    refused(
        batch(counted.address, tmp_path),
        tmp_path,
        "exists without out.jsonl.job",
        rest=("in.jsonl", "out.jsonl"),
    )
    assert out.read_text() == "mine\n"
    out.unlink()
    assert batch(counted.address, tmp_path).code == 0
    before = out.read_bytes()
    files = ("in.jsonl", "out.jsonl", "out.jsonl.job")
    refused(batch(counted.address, tmp_path, "-m", "x"), tmp_path, "another job: model differs", rest=files)
    refused(
        batch(counted.address, tmp_path, "--system", "x"), tmp_path, "another job: config differs", rest=files
    )
    write(tmp_path / "in.jsonl", 4)
    refused(batch(counted.address, tmp_path), tmp_path, "another job: the input differs", rest=files)
    assert out.read_bytes() == before


@pytest.mark.parametrize(
    ("status", "message"), [("UNAUTHENTICATED", "Who?"), ("PERMISSION_DENIED", "Not you.")]
)
@pytest.mark.parametrize("method", ["GetModel", "GenerateContent"])
def test_a_wrong_key_ends_the_job(
    gemini: RunningEmulator, tmp_path: Path, status: str, message: str, method: str
) -> None:
    write(tmp_path / "in.jsonl", 500)
    gemini.fail(status, method=method, times=0, message=message)
    refused(batch(gemini.address, tmp_path, "-c", "4"), tmp_path, f"{status}: {message}", code=1)
    assert len(gemini.calls("GenerateContent")) < 50


def test_a_wrong_key_in_several_processes(gemini: RunningEmulator, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 5000)
    gemini.fail("UNAUTHENTICATED", method="GenerateContent", times=0)
    ended = batch(gemini.address, tmp_path, "-c", "4", "--processes", "2")
    refused(ended, tmp_path, "401 UNAUTHENTICATED", code=1)
    assert len(gemini.calls("GenerateContent")) < 50


def test_a_wrong_key_in_the_middle(gemini: RunningEmulator, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 300)
    gemini.fail("UNAUTHENTICATED", method="GenerateContent", nth=100, times=0)
    assert "401 UNAUTHENTICATED" in complaint(batch(gemini.address, tmp_path, "-c", "8"), 1)
    assert 90 < len(numbers(tmp_path / "out.jsonl")) < 100
    assert not (tmp_path / "out.failures.jsonl").exists()
    gemini.reset()
    assert batch(gemini.address, tmp_path).code == 0
    assert numbers(tmp_path / "out.jsonl") == list(range(1, 301))


def test_a_model_that_is_not_there(gemini: RunningEmulator, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 500)
    refused(batch(gemini.address, tmp_path, "-m", "none"), tmp_path, "404 NOT_FOUND", code=1)
    assert not gemini.calls("GenerateContent")


def test_a_file_that_is_denied_is_one_line(gemini: RunningEmulator, tmp_path: Path) -> None:
    lines = [{"contents": [{"parts": [{"fileData": {"fileUri": "files/of-another"}}]}]}, "Hello"]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, lines)))
    gemini.fail("PERMISSION_DENIED", method="GenerateContent", times=1)
    assert batch(gemini.address, tmp_path, "-c", "1").code == 1
    assert numbers(tmp_path / "out.jsonl") == [2]
    assert numbers(tmp_path / "out.failures.jsonl") == [1]


# On a terminal -------------------------------------------------------------------------------------


def test_a_bar(counted: Counted, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 60)
    counted.latency = 0.1
    arguments = (str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl"), "-c", "4")
    with Terminal(counted.address, "batch", *arguments) as terminal:
        terminal.expect("/60")
        terminal.expect("tokens")
        terminal.expect("0:00:01 left")
        assert terminal.end() == 0
        assert "60 of 60 lines done" in terminal.seen


@pytest.mark.parametrize("processes", ["1", "2"])
def test_ctrl_c(counted: Counted, tmp_path: Path, processes: str) -> None:
    write(tmp_path / "in.jsonl", 5000)
    counted.latency = 0.3
    arguments = ["batch", str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl")]
    with Terminal(counted.address, *arguments, "-c", "10", "--processes", processes) as terminal:
        terminal.expect("/5000")
        assert comes(lambda: len(counted.counts) >= 20)
        terminal.type("\x03")
        terminal.expect("lines are done and saved. Run the same command again to continue")
        assert terminal.end() == 130
    assert "Traceback" not in terminal.seen
    # Those under way were waited for: nothing was asked for in vain.
    assert sorted(counted.counts) == numbers(tmp_path / "out.jsonl")
    counted.latency = 0
    assert run(counted.address, *arguments).code == 0
    assert numbers(tmp_path / "out.jsonl") == list(range(1, 5001))
    assert set(counted.counts.values()) == {1}


def test_ctrl_c_twice(counted: Counted, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 100)
    counted.latency = 0.2
    arguments = ["batch", str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl")]
    with Terminal(counted.address, *arguments, "-c", "10") as terminal:
        terminal.expect("10/100")
        counted.latency = 3600
        terminal.expect("20/100")
        terminal.type("\x03")
        with pytest.raises(AssertionError):
            terminal.expect("saved", within=1)
        terminal.type("\x03")
        terminal.expect("interrupted twice")
        assert terminal.end(within=8) == 130
    assert "Traceback" not in terminal.seen
    assert numbers(tmp_path / "out.jsonl")
