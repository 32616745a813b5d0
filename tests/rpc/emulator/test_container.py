"""The image and the compose file, whose commands are run here without a container."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from gemwire_emulator.__main__ import build_parser, parse_settings

_ROOT = Path(__file__).parents[3]
_DOCKERFILE = (_ROOT / "emulator/Dockerfile").read_text("utf-8").replace("\\\n", "")


def _read_command(instruction: str) -> list[str]:
    found = re.search(rf"^{instruction}.*?(\[.*\])$", _DOCKERFILE, re.MULTILINE)
    assert found
    command: list[str] = json.loads(found[1])
    return command


def test_the_image_serves_and_its_health_is_checked() -> None:
    program, *options = _read_command("ENTRYPOINT")
    assert program == "python"
    command = [sys.executable, *(o.replace("50051", "0").replace("8080", "0") for o in options), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            check = _read_command("HEALTHCHECK")
            port = ready["http"].rpartition(":")[2]
            healthy = [sys.executable, *(part.replace("8080", port) for part in check[1:])]
            assert subprocess.run(healthy, check=False, timeout=30).returncode == 0
        finally:
            process.terminate()
        assert process.wait(20) == 0
    assert subprocess.run(healthy, check=False, stderr=subprocess.DEVNULL, timeout=30).returncode != 0


def test_compose(tmp_path: Path) -> None:
    text = (_ROOT / "emulator/compose.yaml").read_text("utf-8")
    assert "context: ..\n" in text
    assert "dockerfile: emulator/Dockerfile\n" in text
    [command] = re.findall(r"command: (\[.*\])", text)
    more = [part.replace("/state/", f"{tmp_path}/") for part in json.loads(command)]
    settings = parse_settings(build_parser().parse_args([*_read_command("ENTRYPOINT")[3:], *more]))
    assert (settings.host, settings.port, settings.http_port) == ("0.0.0.0", 50051, 8080)
    assert settings.state == tmp_path / "emulator.db"
    ports = re.findall(r'- "127\.0\.0\.1:(\d+):(\d+)"', text)
    assert ports == [("50051", "50051"), ("8080", "8080")]
