"""``gemwire generate``: what is sent, what comes out where, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import gemwire_command
import pytest
from gemwire_command import Ended, Terminal, complaint, environment, run

from gemwire.cli import output
from gemwire.testing import RunningEmulator

running, gemini = gemwire_command.running, gemwire_command.gemini

WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "type": {"type": "STRING"}, "days": {"type": "integer"}},
        "required": ["city", "days"],
    },
}
BELL = {"name": "ring_bell", "description": "Ring the bell"}


def tools_file(folder: Path, tools: Any) -> str:
    path = folder / "tools.json"
    path.write_text(tools if isinstance(tools, str) else json.dumps(tools), encoding="utf-8")
    return str(path)


def sent(gemini: RunningEmulator) -> Any:
    """The one request that came."""
    (call,) = gemini.calls("StreamGenerateContent")
    return output.to_dict(call.requests[0])


@pytest.mark.parametrize(
    "tools",
    [
        [WEATHER, BELL],
        [{"functionDeclarations": [WEATHER, BELL]}],
        [{"function_declarations": [WEATHER]}, BELL],
        {"functionDeclarations": [WEATHER, BELL]},
    ],
)
def test_tools_in_every_form(gemini: RunningEmulator, tmp_path: Path, tools: Any) -> None:
    ended = run(
        gemini.address,
        "generate",
        "Paris?",
        "--tools",
        tools_file(tmp_path, tools),
        "--allowed-function",
        "get_weather",
    )
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("get_weather(")
    assert 'city="' in ended.out
    assert ended.out.endswith(")\n")
    request = str(sent(gemini))
    for part in ("get_weather", "ring_bell", "ANY", "INTEGER"):
        assert part in request


def test_calls_as_json(gemini: RunningEmulator, tmp_path: Path) -> None:
    file = tools_file(tmp_path, [BELL])
    arguments = ("generate", "Ring!", "--tools", file, "--tool-mode", "any")
    assert run(gemini.address, *arguments).out == "ring_bell()\n"
    lines = run(gemini.address, *arguments, "--json").out.splitlines()
    calls = [
        part["function_call"]
        for line in lines
        for part in json.loads(line)["candidates"][0]["content"]["parts"]
        if "function_call" in part
    ]
    assert calls == [{"name": "ring_bell", "args": {}}]


def test_tool_modes(gemini: RunningEmulator, tmp_path: Path) -> None:
    gemini.reply("No need.")
    file = tools_file(tmp_path, [{"codeExecution": {}}, BELL])
    for mode in ("auto", "none"):
        assert run(gemini.address, "generate", "x", "--tools", file, "--tool-mode", mode).out == "No need.\n"
        assert mode.upper() in str(gemini.calls("StreamGenerateContent")[-1].requests)


@pytest.mark.parametrize(
    ("tools", "says"),
    [
        ("{", "is not JSON: line 1, column 2"),
        ('[{"name": "a", "name": "b"}]', "duplicate key 'name'"),
        ([5], "[0]: expected a function declaration or a tool"),
        ([], "no functions in the file"),
        ([{"description": "x"}], "[0].name: required in a function declaration"),
        ([BELL, {"nam": "x"}], "[1]: FunctionDeclaration has no field 'nam'; it has name"),
        ([{"name": 5}], "[0].name: expected string"),
        ([{"name": "x", "parameters": {"type": "text"}}], "[0].parameters.type: expected one of"),
        (
            [{"function_declarations": [BELL, {"name": "x", "parameters": {"properties": {"a": {"x": 1}}}}]}],
            "[0].function_declarations[1].parameters.properties[a]: Schema has no field 'x'",
        ),
        ([{"functionDeclarations": 5}], "[0].functionDeclarations: expected a list"),
        ([{"codeExecution": {"x": 1}}], "[0].codeExecution: CodeExecution has no field 'x'"),
    ],
)
def test_tools_that_are_none(tmp_path: Path, tools: Any, says: str) -> None:
    file = tools_file(tmp_path, tools)
    told = complaint(run("127.0.0.1:1", "generate", "x", "--tools", file), 2)
    assert f"--tools {file}" in told
    assert says in told


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--tool-mode", "any"), "--tool-mode requires --tools"),
        (("--allowed-function", "x"), "--allowed-function requires --tools"),
        (("--tools", "TOOLS", "--allowed-function", "x"), "which declares ring_bell"),
        (("--tools", "TOOLS", "--allowed-function", "ring_bell", "--tool-mode", "none"), "not none"),
        (("--tools", "TOOLS", "--tool-mode", "x"), "--tool-mode"),
        (("--tools", "absent.json"), "--tools absent.json: No such file"),
        (("--schema", "absent.json"), "--schema absent.json: No such file"),
        (("--schema", "TOOLS"), "expected a JSON object"),
        (("--file", "."), "--file .: Is a directory"),
        (("--temperature", "warm"), "--temperature"),
    ],
)
def test_options_that_do_not_fit(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    file = tools_file(tmp_path, [BELL])
    given = (file if argument == "TOOLS" else argument for argument in arguments)
    assert says in complaint(run("127.0.0.1:1", "generate", "x", *given), 2)


def test_settings_reach_the_service(gemini: RunningEmulator, tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}')
    ended = run(
        gemini.address,
        *("generate", "A number.", "-m", "gemini-2.5-pro", "--system", "Be brief.", "--temperature", "0.5"),
        *("--max-tokens", "50", "--seed", "7", "--stop", "a", "--stop", "b", "--schema", str(schema)),
    )
    assert isinstance(ended.json["n"], int)
    request = sent(gemini)
    assert request["model"] == "models/gemini-2.5-pro"
    assert request["system_instruction"] == {"parts": [{"text": "Be brief."}]}
    config = request["generation_config"]
    assert (config["temperature"], config["max_output_tokens"], config["seed"]) == (0.5, 50, 7)
    assert config["stop_sequences"] == ["a", "b"]
    assert config["response_json_schema"]["required"] == ["n"]


def test_files_come_before_the_prompt(gemini: RunningEmulator, tmp_path: Path) -> None:
    gemini.reply("Seen.")
    (tmp_path / "notes").write_text("words", encoding="utf-8")
    (tmp_path / "data.json").write_text("{}", encoding="utf-8")
    (tmp_path / "code.ts").write_text("let x = 1", encoding="utf-8")
    (tmp_path / "picture").write_bytes(b"\x89PNG\r\n\x1a\n\xff")
    (tmp_path / "sound.mp3").write_bytes(b"\xff\xfb\x90")
    names = ("notes", "data.json", "code.ts", "picture", "sound.mp3")
    files = [a for name in names for a in ("-f", str(tmp_path / name))]
    assert run(gemini.address, "generate", *files, "-f", "-", "What?", stdin="piped").out == "Seen.\n"
    parts = sent(gemini)["contents"][0]["parts"]
    texts = [part.get("text") or part["inline_data"]["mime_type"] for part in parts]
    assert texts == ["words", "{}", "let x = 1", "image/png", "audio/mpeg", "piped", "What?"]


@pytest.mark.parametrize(("data", "says"), [(b"", "is empty"), (b"\xff\x00", "unsupported type")])
def test_files_that_cannot_be_sent(tmp_path: Path, data: bytes, says: str) -> None:
    file = tmp_path / "file.bin"
    file.write_bytes(data)
    assert says in complaint(run("127.0.0.1:1", "generate", "x", "-f", str(file)), 2)


def test_stdout_is_the_answer_alone(gemini: RunningEmulator) -> None:
    gemini.reply("Blue.\n")
    assert run(gemini.address, "generate", "x") == Ended(0, "Blue.\n", "")
    ended = run(gemini.address, "generate", "x", "--usage")
    assert ended.out == "Blue.\n"
    assert "input tokens" in ended.err
    ended = run(gemini.address, "generate", "x", "--usage", "--json")
    assert json.loads(ended.out)["usage_metadata"]
    assert "input tokens" in ended.err


def test_usage_shows_on_a_terminal(gemini: RunningEmulator) -> None:
    gemini.reply("Blue.")
    with Terminal(gemini.address, "generate", "x", stdout=subprocess.PIPE) as terminal:
        assert terminal.end() == 0
        assert terminal.piped == "Blue.\n"
        assert "input tokens" in terminal.seen
        assert " total " in terminal.seen
    with Terminal(gemini.address, "generate", "x", "--json") as terminal:
        assert terminal.end() == 0
        assert "input tokens" not in terminal.seen


def test_answers_that_are_none_or_short(gemini: RunningEmulator) -> None:
    blocked = "[[block:HARM_CATEGORY_HARASSMENT]]"
    assert "the prompt was blocked (SAFETY)" in complaint(run(gemini.address, "generate", blocked), 1)
    ended = run(gemini.address, "generate", blocked, "--json")
    assert ended.code == 1
    assert json.loads(ended.out)["prompt_feedback"]["block_reason"] == "SAFETY"
    ended = run(gemini.address, "generate", "x", "--max-tokens", "3")
    assert ended.code == 0
    assert ended.err == "gemwire: the answer is incomplete: MAX_TOKENS; raise --max-tokens\n"
    assert "prompt: must not be empty" in complaint(run(gemini.address, "generate", stdin=" \n"), 2)


def test_an_error_in_the_middle_begins_a_line(gemini: RunningEmulator) -> None:
    gemini.reply("One two three.", pieces=3)
    gemini.fail("INTERNAL", method="StreamGenerateContent", after_messages=2)
    ended = run(gemini.address, "generate", "x")
    assert ended.code == 1
    assert ended.out.endswith("\n")
    assert ended.out.startswith("One")
    assert ended.err.startswith("gemwire: 500 INTERNAL")


@pytest.mark.parametrize("form", [("--json",), ()])
def test_a_reader_that_leaves(gemini: RunningEmulator, form: tuple[str, ...]) -> None:
    gemini.reply("\n".join(f"line {n}" for n in range(20_000)), pieces=400)
    command = [sys.executable, "-m", "gemwire.cli.main", "generate", "x", *form]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env=environment(gemini.address),
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == 141
