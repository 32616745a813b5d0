"""A proxy of the environment is for the world outside: an emulator on this machine is called directly."""

from __future__ import annotations

import os
import subprocess
import sys

import gemwire_command
import pytest

from gemwire.testing import RunningEmulator

running, gemini = gemwire_command.running, gemwire_command.gemini

_CALL = """
from gemwire import v1beta
print(v1beta.ModelServiceClient().get_model(name='models/gemini-2.5-flash').name)
"""
_AWAITED = """
import asyncio
from gemwire import v1beta
async def main():
    async with v1beta.ModelServiceAsyncClient() as client:
        print((await client.get_model(name='models/gemini-2.5-flash')).name)
asyncio.run(main())
"""


@pytest.mark.parametrize("variable", ["grpc_proxy", "https_proxy", "http_proxy"])
@pytest.mark.parametrize("program", [_CALL, _AWAITED], ids=["sync", "async"])
def test_no_proxy_to_an_emulator_on_this_machine(
    gemini: RunningEmulator, program: str, variable: str
) -> None:
    environment = {**os.environ, "GEMINI_EMULATOR_HOST": gemini.address, variable: "http://127.0.0.1:1"}
    environment.pop("no_proxy", None)
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.stdout == "models/gemini-2.5-flash\n", ended.stderr
