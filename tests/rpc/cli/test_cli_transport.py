"""``--transport``: how the calls of a command are made."""

from __future__ import annotations

import gemwire_command
import pytest

from gemwire.testing import RunningEmulator

running, gemini = gemwire_command.running, gemwire_command.gemini

_COMMANDS = (
    ("generate", "Hello"),
    ("embed", "Hello"),
    ("count-tokens", "Hello"),
    ("rpc", "Model.GetModel", '{"name": "models/gemini-2.5-flash"}'),
)


@pytest.mark.parametrize("command", _COMMANDS, ids=lambda each: each[0])
def test_h2(gemini: RunningEmulator, command: tuple[str, ...]) -> None:
    plain = gemwire_command.run(gemini.address, *command)
    ended = gemwire_command.run(gemini.address, *command, "--transport", "h2")
    assert ended.code == 0, ended.err
    assert ended.out == plain.out


def test_chat_over_h2(gemini: RunningEmulator) -> None:
    ended = gemwire_command.run(gemini.address, "chat", "--transport", "h2", stdin="Hello\n")
    assert ended.code == 0, ended.err
    assert ended.out


def test_a_name_that_is_none(gemini: RunningEmulator) -> None:
    ended = gemwire_command.run(gemini.address, "generate", "Hello", "--transport", "http3")
    assert ended.code == 2
    assert "'h2'" in ended.err
    assert not gemini.calls()
