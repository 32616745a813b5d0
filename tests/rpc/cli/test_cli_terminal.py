"""What people see: chats and progress on a pseudo-terminal."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import gemwire_command
import pytest
from gemwire_command import Terminal, run

from gemwire.testing import RunningEmulator
from gemwire_emulator.latency import LatencyProfile

running, gemini = gemwire_command.running, gemwire_command.gemini

CTRL_C, CTRL_D, UP = "\x03", "\x04", "\x1b[A"


@pytest.fixture
def slow() -> Iterator[RunningEmulator]:
    """An emulator that writes slowly."""
    made = RunningEmulator(pace=LatencyProfile(between=0.2))
    yield made
    made.stop()


def texts(gemini: RunningEmulator) -> list[list[str]]:
    """What each request said, the earlier turns included."""
    calls = gemini.calls("StreamGenerateContent")
    return [[content.parts[0].text for content in call.requests[0].contents] for call in calls]


def test_a_conversation(gemini: RunningEmulator, tmp_path: Path) -> None:
    gemini.reply("Hello Ann.", match="Ann", pieces=2)
    gemini.reply("It is Ann.", match="name")
    kept = tmp_path / "kept.json"
    with Terminal(gemini.address, "chat", "--system", "Be kind.") as chat:
        chat.expect("models/gemini-2.5-flash; /help lists commands")
        chat.expect("> ")
        chat.type("I am Ann.\r")
        chat.expect("\r\nHello Ann.\r\n")
        chat.expect("> ")
        chat.type("/history\r")
        chat.expect("user: I am Ann.\r\nmodel: Hello Ann.\r\n")
        chat.type("My name?\r")
        chat.expect("\r\nIt is Ann.\r\n")
        chat.type("/help\r")
        chat.expect("/save FILE")
        chat.type("/nonsense\r")
        chat.expect("gemwire: unknown command /nonsense; /help lists all commands")
        chat.type(f"/save {kept}\r")
        chat.expect("> ")
        chat.type("/reset\r")
        chat.expect("> ")
        chat.type(f"{UP}{UP}{UP}{UP}{UP}\r")
        chat.expect("\r\nIt is Ann.\r\n")
        chat.expect("> ")
        chat.type(CTRL_D)
        assert chat.end() == 0
    first = ["I am Ann."]
    assert texts(gemini) == [first, [*first, "Hello Ann.", "My name?"], ["My name?"]]
    assert run(gemini.address, "rpc", "Generative.GenerateContent", stdin=kept.read_text()).code == 0


def test_an_error_does_not_end_it(gemini: RunningEmulator) -> None:
    gemini.reply("Well.")
    gemini.fail("PERMISSION_DENIED", method="StreamGenerateContent", times=1)
    with Terminal(gemini.address, "chat") as chat:
        chat.type("First\r")
        chat.expect("gemwire: 403 PERMISSION_DENIED")
        chat.type("Second\r")
        chat.expect("Well.")
        chat.type("/quit\r")
        assert chat.end() == 0
    assert texts(gemini)[-1] == ["Second"]


def test_ctrl_c_ends_the_answer_and_not_the_session(slow: RunningEmulator) -> None:
    slow.reply("a very long answer " * 20, match="long", pieces=60)
    slow.reply("Short.", match="short")
    with Terminal(slow.address, "chat") as chat:
        chat.expect("> ")
        chat.type("a long one\r")
        chat.expect("a very long")
        chat.type(CTRL_C)
        chat.expect("(cancelled; this turn is discarded)")
        chat.expect("> ")
        chat.type("half a line")
        chat.expect("half a line")
        chat.wait_for_reader()
        chat.type(CTRL_C)
        chat.expect("> ")
        chat.type("a short one\r")
        chat.expect("\r\nShort.\r\n")
        chat.expect("> ")
        chat.type(CTRL_D)
        assert chat.end() == 0
        assert "Traceback" not in chat.seen
    assert texts(slow) == [["a long one"], ["a short one"]]
    assert [call.status for call in slow.calls("StreamGenerateContent")] == ["CANCELLED", "OK"]


def test_ctrl_c_ends_other_commands(slow: RunningEmulator) -> None:
    slow.reply("a very long answer " * 20, pieces=60)
    with Terminal(slow.address, "generate", "x") as terminal:
        terminal.expect("a very")
        terminal.type(CTRL_C)
        assert terminal.end() == 130
        assert "Traceback" not in terminal.seen


def test_tuning_shows_how_far_it_is(gemini: RunningEmulator, tmp_path: Path) -> None:
    examples = tmp_path / "examples.csv"
    examples.write_text("text_input,output\n" + "".join(f"{n},{n + 1}\n" for n in range(8)))
    create = ("tuned-models", "create", str(examples), "--epochs", "4")
    with Terminal(gemini.address, *create, "--id", "seen", stdout=subprocess.PIPE) as terminal:
        assert terminal.end() == 0
        assert terminal.piped == "tunedModels/seen\n"
        assert "\x1b[" in terminal.seen
        total = re.findall(r"(\d+)/(\d+) steps", terminal.seen)
        assert total[-1][0] == total[-1][1]
        assert "loss" in terminal.seen
        assert "━" in terminal.seen
        assert re.search(r"│[\u2800-\u28ff]", terminal.seen), "the curve is drawn in dots"
    with Terminal(gemini.address, *create, "--id", "json", "--json", stdout=subprocess.PIPE) as terminal:
        assert terminal.end() == 0
        assert '"tunedModels/json"' in terminal.piped
        assert "\x1b" not in terminal.piped
        assert "│" not in terminal.seen
    piped = run(gemini.address, *create, "--id", "piped")
    assert piped.out == "tunedModels/piped\n"
    assert piped.err.startswith("mean loss over ")
    assert "\x1b" not in piped.err


def test_ctrl_c_leaves_the_tuning_alone(tmp_path: Path) -> None:
    long = RunningEmulator(tuning_seconds=600)
    examples = tmp_path / "examples.csv"
    examples.write_text("text_input,output\na,b\n")
    try:
        with Terminal(long.address, "tuned-models", "create", str(examples), "--id", "slow") as terminal:
            terminal.expect("steps")
            terminal.type(CTRL_C)
            terminal.expect("The tuning continues; run gemwire tuned-models get tunedModels/slow")
            assert terminal.end() == 130
        state = run(long.address, "tuned-models", "get", "slow", "--json").json["state"]
        assert state == "CREATING"
    finally:
        long.stop()


def test_nothing_is_waited_for_at_a_terminal(gemini: RunningEmulator) -> None:
    for command, says in (("generate", "prompt: missing; pass it"), ("embed", "prompt: missing; pass it")):
        with Terminal(gemini.address, command) as terminal:
            assert terminal.end() == 2
            assert says in terminal.seen
    with Terminal(gemini.address, "rpc", "Generative.CountTokens") as terminal:
        assert terminal.end() == 2
        assert "missing request; pass it" in terminal.seen
    with Terminal(gemini.address, "files", "list") as terminal:
        assert terminal.end() == 0
        assert "Listed 0 items." in terminal.seen
