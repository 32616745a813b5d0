"""A sandbox for small Python programs: no files, no network, no imports; bounded in time, memory and output.

A program runs in a process of its own (`sandbox_worker`), which is killed when its time is over.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass

#: Seconds that a program may take by the clock; its process limits the CPU time to less.
_SECONDS = 10.0
#: Programs that run at the same time.
_CONCURRENT = max(1, (os.cpu_count() or 1) // 2)
#: Characters of a program.
_LONGEST = 50_000
_TOO_SLOW = "The program took too long and was stopped."


@dataclass(frozen=True)
class Run:
    """How a program ended.

    Attributes:
        outcome: Name of a `CodeExecutionResult.Outcome`.
        output: What it printed, or why it failed.
    """

    outcome: str
    output: str


class Sandbox:
    """A runner of programs, of which a few run at once."""

    def __init__(self) -> None:
        """Create a runner; no process is started."""
        self._slots = asyncio.Semaphore(_CONCURRENT)

    async def run(self, code: str) -> Run:
        """Run a program to its end, or until its time is over."""
        if len(code) > _LONGEST:
            return Run("OUTCOME_FAILED", f"The program has {len(code)} characters; {_LONGEST} are allowed.")
        async with self._slots:
            # Isolated: neither the environment nor the current directory has a say in what is imported.
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-m", "gemwire_emulator.engines.sandbox_worker"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={},
                cwd="/" if os.name == "posix" else None,
                start_new_session=True,
            )
            try:
                output, _ = await asyncio.wait_for(
                    process.communicate(code.encode(errors="replace")), _SECONDS
                )
            except asyncio.TimeoutError:
                return Run("OUTCOME_DEADLINE_EXCEEDED", _TOO_SLOW)
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        return _parse(output, process.returncode)


def _parse(output: bytes, code: int | None) -> Run:
    """Return how a program ended, from the answer of its process, which may have been killed."""
    if code == -signal.SIGXCPU:
        return Run("OUTCOME_DEADLINE_EXCEEDED", _TOO_SLOW)
    try:
        answer = json.loads(output)
        return Run(str(answer["outcome"]), str(answer["output"]))
    except (ValueError, KeyError, TypeError):
        return Run("OUTCOME_FAILED", f"The process of the program ended with the code {code}.")
