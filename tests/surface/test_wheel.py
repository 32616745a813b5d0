"""The wheel and the sdist: what is in them, and that the wheel works with nothing but its dependencies."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from doc_blocks import read_blocks

from gemwire.testing import RunningEmulator

_ROOT = Path(__file__).parents[2]


def _run(*command: str | Path, cwd: Path, **variables: str) -> str:
    # Without the variables that would let the checkout shine through.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))
    } | variables
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by hatchling as it is installed here: no isolation, no network."""
    folder = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, cwd=_ROOT)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_it_is_for_every_platform(wheel: Path) -> None:
    assert re.fullmatch(r"gemwire-[0-9.]+([a-z]+[0-9]+)?-py3-none-any\.whl", wheel.name)


def test_top_level(wheel: Path, names: set[str]) -> None:
    version = wheel.name.split("-")[1]
    assert {name.split("/")[0] for name in names} == {
        "gemwire",
        "gemwire_proto",
        "gemwire_runtime",
        "gemwire_emulator",
        f"gemwire-{version}.dist-info",
    }


def test_it_holds_the_packages_whole(names: set[str]) -> None:
    expected = {
        path.relative_to(package.parent).as_posix()
        # Beside a package there may be more, such as the emulator's Dockerfile.
        for package in _ROOT.glob("*/gemwire*")
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if ".dist-info/" not in name} == expected
    assert {
        "gemwire/py.typed",
        "gemwire_proto/py.typed",
        "gemwire_runtime/py.typed",
        "gemwire_emulator/py.typed",
        "gemwire_proto/descriptors.binpb",
        "gemwire_proto/v1beta/__init__.pyi",
        "gemwire_proto/google/ai/generativelanguage/v1beta/generative_service_pb2.pyi",
    } <= names


def test_the_sdist_holds_what_builds_the_wheel(tmp_path: Path) -> None:
    _run(sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", tmp_path, cwd=_ROOT)
    (built,) = tmp_path.iterdir()
    with tarfile.open(built) as archive:
        found = {name.partition("/")[2] for name in archive.getnames()}
    assert {name.partition("/")[0] for name in found} == {
        *("client", "runtime", "generated", "emulator", "protos"),
        *("CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml", ".gitignore"),
    }
    assert {"client/gemwire/py.typed", "generated/gemwire_proto/descriptors.binpb"} <= found


def test_metadata(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode()
        assert any(name.endswith("licenses/LICENSE") for name in archive.namelist())
    urls = {line.split()[1].rstrip(",") for line in metadata.splitlines() if line.startswith("Project-URL: ")}
    assert urls == {"Documentation", "Repository", "Issues", "Changelog"}
    required = {
        line.partition(": ")[2].partition(";")[0].strip()
        for line in metadata.splitlines()
        if line.startswith("Requires-Dist: ") and "extra ==" not in line
    }
    assert {re.split(r"[<>=~\[]", requirement)[0] for requirement in required} == {
        "google-auth",
        "googleapis-common-protos",
        "grpcio",
        "protobuf",
    }


_PROGRAM = """
import importlib.metadata, pathlib, sys
from gemwire import v1, v1beta
import gemwire, gemwire_emulator, gemwire_proto, gemwire_runtime
home = pathlib.Path(sys.prefix)
for package in (gemwire, gemwire_emulator, gemwire_proto, gemwire_runtime):
    assert home in pathlib.Path(package.__file__).parents, package.__file__
request = v1beta.GenerateContentRequest(model="models/m", contents=[{"parts": [{"text": "hi"}]}])
assert v1.GenerateContentRequest.FromString(request.SerializeToString()).contents[0].parts[0].text == "hi"
for front in (v1, v1beta):
    for name in front.__all__:
        getattr(front, name)
from gemwire_proto.v1beta.generative_service import GenerativeService
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2_grpc
print(importlib.metadata.version("gemwire"))
"""


def test_it_works_in_a_fresh_environment(wheel: Path, tmp_path: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    environment = tmp_path / "env"
    python = environment / "bin" / "python"
    # The versions of .venv, so that the result does not change with the day.
    pins = _ROOT / "requirements-dev.txt"
    _run(uv, "venv", "--quiet", "--python", sys.executable, environment, cwd=tmp_path)
    _run(uv, "pip", "install", "--quiet", "--python", python, "--constraint", pins, wheel, cwd=tmp_path)
    version = _run(python, "-W", "error", "-c", _PROGRAM, cwd=tmp_path).strip()
    assert version == wheel.name.split("-")[1]
    _run(uv, "pip", "check", "--python", python, cwd=tmp_path)


def test_the_readme_begins_with_what_works_in_a_fresh_environment(wheel: Path, tmp_path: Path) -> None:
    commands, program = (
        next(iter(read_blocks("README.md", language))).source for language in ("sh", "python")
    )
    environment = tmp_path / "env"
    _run(sys.executable, "-m", "venv", environment, cwd=tmp_path)
    # Constraints have no extras.
    pins = re.sub(r"\[[a-z,]+\]==", "==", (_ROOT / "requirements-dev.txt").read_text(encoding="utf-8"))
    (tmp_path / "pins.txt").write_text(pins, encoding="utf-8")
    script = f"{commands}\npython -W error - <<'END'\n{program}\nEND\n"
    variables = {
        "PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PIP_FIND_LINKS": str(wheel.parent),
        "PIP_CONSTRAINT": str(tmp_path / "pins.txt"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    running = RunningEmulator()
    try:
        variables["GEMINI_EMULATOR_HOST"] = running.address
        printed = _run("bash", "-euc", script, cwd=tmp_path, **variables)
    finally:
        running.stop()
    assert "Emulated answer" in printed
