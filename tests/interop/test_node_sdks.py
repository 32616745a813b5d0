"""Google's JavaScript SDKs as judges of the emulator; the tests are in node/, in their own language."""

from __future__ import annotations

import json
import os
from pathlib import Path

import node_packages
import pytest

from gemwire.testing import RunningEmulator

FOLDER = Path(__file__).parent / "node"


@pytest.mark.parametrize(
    ("program", "wire"),
    [
        ("genai.mjs", ""),
        ("genai_vertex.mjs", ""),
        ("generative_ai.mjs", ""),
        ("gapic.mjs", "grpc"),
        ("gapic.mjs", "rest"),
    ],
)
def test_a_sdk_sees_no_difference(
    program: str, wire: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    node_packages.install(FOLDER)
    (tmp_path / "my-bucket").mkdir()
    hi, ho = ({"role": role, "parts": [{"text": text}]} for role, text in (("user", "Hi"), ("model", "Ho")))
    (tmp_path / "my-bucket" / "train.jsonl").write_text(json.dumps({"contents": [hi, ho]}))
    (tmp_path / "my-bucket" / "in.jsonl").write_text(json.dumps({"request": {"contents": [hi]}}))
    # A tuning ends in a moment, as nobody moves the clock from there.
    emulator = RunningEmulator(http_port=0, tuning_seconds=0.2, storage=tmp_path)
    try:
        for name in [name for name in os.environ if name.endswith("_API_KEY")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("EMULATOR_HTTP", emulator.http)
        monkeypatch.setenv("EMULATOR_GRPC", emulator.address)
        monkeypatch.setenv("EMULATOR_WIRE", wire)
        # Its Node client looks for a project's credentials even where it is told that there are none.
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "a-project")
        code, said = node_packages.run(
            node_packages.BIN / "node", "--test", "--test-timeout=90000", program, folder=FOLDER, timeout=110
        )
        assert code == 0, said
        assert emulator.calls()
    finally:
        emulator.stop()
