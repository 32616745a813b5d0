"""The examples of README run, block by block, against the emulator."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gemwire.testing import emulator

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md"]


@pytest.mark.parametrize("page", PAGES)
def test_examples_run(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(
        r"^```python\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    assert blocks
    namespace: dict[str, object] = {"__name__": page}
    with emulator():
        for number, block in enumerate(blocks):
            exec(compile(block, f"{page}, block {number + 1}", "exec"), namespace)
            assert capsys.readouterr().out.strip(), block
