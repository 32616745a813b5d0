"""The examples of docs/command-line.md run as they stand there, those of a section one after the other."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import gemwire_command
import pytest
from gemwire_command import environment

from gemwire.testing import RunningEmulator

running, gemini = gemwire_command.running, gemwire_command.gemini

PAGE = Path(__file__).parents[3] / "docs" / "command-line.md"
BLOCKS = {
    section.partition("\n")[0]: found
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")
    if (found := re.findall(r"^```shell\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))
}


@pytest.mark.parametrize("section", BLOCKS)
def test_the_examples_run(gemini: RunningEmulator, tmp_path: Path, section: str) -> None:
    its = environment(gemini.address, GEMINI_EMULATOR_HTTP_HOST=gemini.http.removeprefix("http://"))
    command = tmp_path / "bin" / "gemwire"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gemwire.cli.main "$@"\n')
    command.chmod(0o755)
    its["PATH"] = f"{command.parent}:{its['PATH']}"
    for block in BLOCKS[section]:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=tmp_path,
            env=its,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stderr}"
        assert "Traceback" not in done.stderr


def test_there_are_examples() -> None:
    assert len(BLOCKS) > 5


def test_the_exit_codes_are_told() -> None:
    told = re.findall(r"^\| (\d+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert told == ["0", "1", "2", "130", "141"]
