"""The command ``gemwire`` as others run it: a process, with pipes or a terminal around it."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from eventually import comes

from gemwire.testing import RunningEmulator

#: Makes the terminal on standard input the one that Ctrl-C is heard from, and becomes the command.
_LAUNCH = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "gemwire.cli.main", *sys.argv[1:]])
"""
_OURS = ("GEMINI_", "GOOGLE_", "CLOUDSDK_")
_PROXIES = {f"{name}_proxy" for name in ("grpc", "http", "https", "no_grpc", "no")}


@dataclass(frozen=True)
class Ended:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


def environment(address: str | None, **variables: str) -> dict[str, str]:
    """What a command finds: nothing of this machine's credentials and proxies, and the emulator."""
    its = {n: v for n, v in os.environ.items() if not n.startswith(_OURS) and n.lower() not in _PROXIES}
    its |= {"PYTHONIOENCODING": "utf-8", **variables}
    if address:
        its["GEMINI_EMULATOR_HOST"] = address
    return its


def run(
    address: str | None, *arguments: str, stdin: str = "", timeout: float = 90, **variables: str
) -> Ended:
    """Run a command between pipes."""
    done = subprocess.run(
        [sys.executable, "-m", "gemwire.cli.main", *arguments],
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
        env=environment(address, **variables),
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def complaint(ended: Ended, code: int) -> str:
    """The one line that an error is."""
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.startswith("gemwire")
    assert ended.err.count("\n") == 1
    return ended.err


class Terminal:
    """A command on a pseudo-terminal of 100 columns.

    Attributes:
        seen: All that came on it.
        piped: What came on standard output, where that is a pipe.
    """

    def __init__(
        self, address: str | None, *arguments: str, stdout: int | None = None, **variables: str
    ) -> None:
        """Start it.

        Args:
            address: The emulator.
            arguments: Of the command.
            stdout: `subprocess.PIPE` to have standard output beside the terminal.
            variables: Of its environment.
        """
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCH, *arguments],
            stdin=slave,
            stdout=slave if stdout is None else stdout,
            stderr=slave,
            start_new_session=True,
            env=environment(address, TERM="xterm", **variables),
        )
        os.close(slave)
        self.seen = ""
        self.piped = ""
        self._read = 0

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        os.close(self._master)

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    def expect(self, text: str, within: float = 60) -> str:
        """Wait until a text has come after all that was expected before.

        Returns:
            What came in between, and the text.
        """
        end = time.monotonic() + within
        while (at := self.seen.find(text, self._read)) < 0:
            if not self._more(end - time.monotonic()):
                code = self._process.poll()
                state = "still running" if code is None else f"ended with code {code}"
                raise AssertionError(
                    f"no {text!r} in {self.seen[self._read :]!r} after {self.seen!r}; {state}"
                )
        start, self._read = self._read, at + len(text)
        return self.seen[start : self._read]

    def wait_for_reader(self) -> None:
        """Wait until the command sleeps, as it does when it waits for a key.

        Python keeps a SIGINT that comes between the prompt and the ``select()`` of ``input()`` until the next
        key: no ``select()`` ends for it. On a busy machine that moment is long.
        """
        stat = Path(f"/proc/{self._process.pid}/stat")
        assert comes(lambda: stat.read_text().rpartition(")")[2].split()[0] == "S"), "it does not sleep"

    def end(self, within: float = 60) -> int:
        """Wait for the end of the command.

        Returns:
            Its exit code.
        """
        end = time.monotonic() + within
        if self._process.stdout:
            self.piped = self._process.stdout.read().decode()
        while self._more(end - time.monotonic()):
            pass
        return self._process.wait(max(end - time.monotonic(), 1))

    def _more(self, within: float) -> bool:
        if within <= 0 or not select.select([self._master], [], [], within)[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:
            # What Linux says when the last of the other side has gone.
            return False
        self.seen += data.decode()
        return bool(data)


@pytest.fixture(scope="module")
def running() -> Iterator[RunningEmulator]:
    """An emulator of gRPC and HTTP that tunes fast."""
    made = RunningEmulator(tuning_seconds=0.5, http_port=0)
    yield made
    made.stop()


@pytest.fixture
def gemini(running: RunningEmulator) -> RunningEmulator:
    """The same, without what other tests did."""
    running.reset()
    return running
