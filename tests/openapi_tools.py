"""Tools that read the OpenAPI document as strangers do, in environments of their own."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = Path(__file__).with_name("interop") / "openapi"


def python(tools: str) -> Path:
    """The Python that has some tools, which the first caller on a machine waits for.

    Args:
        tools: ``"tools"`` or ``"generator"``: what is pinned in the file of that name.
    """
    pins = FOLDER / f"{tools}.txt"
    environment = ROOT / ".venvs" / f"openapi-{tools}"
    environment.parent.mkdir(exist_ok=True)
    stamp = environment / ".stamp"
    # Another Python in its place is another environment.
    wanted = f"{sys.version}\n{pins.read_text(encoding='utf-8')}"
    with environment.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
            uv = Path(sys.executable).with_name("uv")
            made = environment / "bin" / "python"
            run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, environment)
            run(uv, "pip", "install", "--quiet", "--python", made, "--requirement", pins)
            stamp.write_text(wanted, encoding="utf-8")
    return environment / "bin" / "python"


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """What a command writes; it must succeed."""
    # Without what would let the development environment shine through.
    environment = {n: v for n, v in os.environ.items() if not n.startswith(("PYTHON", "VIRTUAL_ENV"))}
    for name in ("no_proxy", "NO_PROXY"):
        environment[name] = f"127.0.0.1,{environment.get(name, '')}"
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    return done.stdout
