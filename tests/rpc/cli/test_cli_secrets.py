"""No command prints a key or a password, however it ends."""

from __future__ import annotations

from pathlib import Path

import gemwire_command
import pytest
from gemwire_command import run

from gemwire.testing import RunningEmulator

running, gemini = gemwire_command.running, gemwire_command.gemini

KEY = "AIzaCommand0123456789"
_COMMANDS = {
    "generate": ("generate", "--model", "gemini-2.5-flash", "Hello"),
    "models": ("models", "list"),
    "rpc": ("rpc", "GenerativeService/GenerateContent", '{"model": "models/none"}'),
    "doctor": ("doctor",),
    "batch": ("batch", "in.jsonl", "out.jsonl", "--model", "gemini-2.5-flash"),
}
_REFUSED = {
    "bad key": {"GEMINI_API_KEY": f"{KEY} "},
    "emulator with a user": {"GEMINI_EMULATOR_HOST": f"http://user:{KEY}@127.0.0.1:1"},
    "emulator with a query": {"GEMINI_EMULATOR_HOST": f"127.0.0.1:1?key={KEY}", "GEMINI_API_KEY": KEY},
}
_UNCONNECTED = {
    "unreachable proxy": {"GEMINI_API_KEY": KEY, "grpc_proxy": f"http://user:{KEY}@127.0.0.1:1"},
    "bad proxy": {"GEMINI_API_KEY": KEY, "grpc_proxy": f"http://user:{KEY}@127.0.0.1:port"},
}


@pytest.mark.parametrize(
    ("command", "environment"),
    [(c, e) for c in _COMMANDS for e in _REFUSED]
    + [(c, e) for c in ("generate", "rpc") for e in _UNCONNECTED],
)
def test_commands_that_fail(
    command: str, environment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in.jsonl").write_text('"Hello"\n')
    timeout = ("--timeout", "2") if command in ("generate", "rpc", "batch") else ()
    variables = {"HOME": str(tmp_path), "NO_GCE_CHECK": "true", **(_REFUSED | _UNCONNECTED)[environment]}
    ended = run(None, *_COMMANDS[command], *timeout, timeout=60, **variables)
    assert ended.code != 0 or command == "doctor", ended
    assert KEY not in ended.out + ended.err
    assert "Traceback" not in ended.err
    for written in tmp_path.iterdir():
        assert KEY not in written.read_text()


def test_a_call_that_the_service_refuses(gemini: RunningEmulator) -> None:
    ended = run(gemini.address, *_COMMANDS["rpc"], GEMINI_API_KEY=KEY)
    assert ended.code != 0
    assert KEY not in ended.out + ended.err
