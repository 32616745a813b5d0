"""The sandbox of code execution: what programs may do, and that nothing leads out of it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gemwire_emulator.engines.programs import find_program
from gemwire_emulator.engines.sandbox import Run, Sandbox


def run(code: str) -> Run:
    async def test() -> Run:
        return await Sandbox().run(code)

    return asyncio.run(asyncio.wait_for(test(), 60))


SMALL = """\
import math

class Point:
    def __init__(self, x: float, y: float = 0):
        self.x = x
        self.y = y

    def length(self):
        return math.sqrt(self.x ** 2 + self.y ** 2)

counts: dict = {}
for letter in "abcab":
    counts[letter] = counts.get(letter, 0)
    counts[letter] += 1
point = Point(3, 4)
point.x += 0
total = sum(n for n in range(10) if n % 2)
first, *rest = [1, 2, 3]
try:
    1 / 0
except ZeroDivisionError as error:
    print("caught:", error)
print(sorted(counts.items()), point.length(), f"{total:03d}", first, rest, sep=" | ")
"""


def test_small_programs_run() -> None:
    found = run(SMALL)
    assert found == Run(
        "OUTCOME_OK",
        "caught: division by zero\n[('a', 2), ('b', 2), ('c', 1)] | 5.0 | 025 | 1 | [2, 3]\n",
    )


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("print(1)\nprint(1 / 0)", "1\nZeroDivisionError: division by zero"),
        ("print(1", "SyntaxError"),
        ("x = 'a' * 10 ** 10", "MemoryError"),
        ("def f():\n    return f()\nf()", "RecursionError"),
        ("while True:\n    print('a' * 1000)", "output is longer"),
        ("(" * 10_000, "Error"),
        ("#" * 60_000, "60000 characters"),
    ],
)
def test_programs_that_fail(code: str, says: str) -> None:
    found = run(code)
    assert found.outcome == "OUTCOME_FAILED"
    assert says in found.output
    assert len(found.output) < 50_000


@pytest.mark.parametrize("code", ["while True:\n    pass", "x = 9 ** 9 ** 9"])
def test_endless_programs_are_stopped(code: str) -> None:
    assert run(code).outcome == "OUTCOME_DEADLINE_EXCEEDED"


@pytest.mark.parametrize(
    "code",
    [
        "open('{file}', 'w').write('out')",
        "import os\nos.system('touch {file}')",
        "from pathlib import Path\nPath('{file}').touch()",
        "__import__('os').system('touch {file}')",
        "import math\nmath.__loader__.load_module('os')",
        "import math.os",
        "().__class__.__base__.__subclasses__()",
        "getattr((), '__class' + '__')",
        "getattr(getattr(print, '__self__'), 'open')('{file}', 'w')",
        "'{{0.__class__}}'.format(1)",
        "str.format('{{0.__class__}}', 1)",
        "str.format_map('{{a.__class__}}', {{'a': 1}})",
        "eval('1')",
        "exec('1')",
        "compile('1', '', 'eval')",
        "globals()['__builtins__']",
        "vars(1)",
        "type('X', (), {{}})",
        "g = (x for x in [1])\ng.gi_frame.f_back.f_builtins['open']('{file}', 'w')",
        "def f():\n    yield\nf().gi_code",
        "async def f():\n    pass\nf().cr_frame",
        "try:\n    1 / 0\nexcept Exception as e:\n    e.__traceback__.tb_frame",
        "try:\n    1 / 0\nexcept Exception as e:\n    e.with_traceback(None).tb_frame",
        "lambda: 1 .__globals__",
        "class A:\n    __slots__ = ()\nA.mro()[1].__subclasses__()",
        "class A(Exception):\n    def __reduce__(self):\n        return 1",
        "import math\nmath.sqrt = 1",
        "print.__call__('x')",
        "change_item(print, 'parts', 'Add', 1)",
        "_print('x')",
        "_getattr_(1, '__class__')",
        "breakpoint()",
        "input()",
        "print('x', file=1)",
        "import math\nmath.pi.__class__",
        "[*map(getattr, [1], ['__class__'])]",
        "sorted([1], key=lambda x: x.__class__)",
        "max([''], key='{{0.__class__}}'.format)",
        "setattr(print, 'parts', [])",
        "delattr(print, 'parts')",
        "del __builtins__",
        "raise SystemExit",
    ],
)
def test_nothing_leads_out(code: str, tmp_path: Path) -> None:
    file = tmp_path / "out"
    found = run(code.replace("{file}", str(file)).replace("{{", "{").replace("}}", "}"))
    assert found.outcome == "OUTCOME_FAILED", found
    assert not file.exists()


#: What a program could do that had got past the rules of the language: the other walls must hold alone.
BEHIND = """
import json, os, sys
from gemwire_emulator.engines import sandbox_worker as worker
import socket, subprocess, ctypes
worker.limit_resources()
worker.forbid_everything()
sys.stdout.write("ready\\n")
sys.stdout.flush()
attempts = [
    lambda: open({file!r}, "w"),
    lambda: open("/etc/hostname"),
    lambda: os.listdir("/"),
    lambda: os.open({file!r}, os.O_CREAT),
    lambda: os.system("touch " + {file!r}),
    lambda: subprocess.run(["true"]),
    lambda: os.fork(),
    lambda: socket.socket(),
    lambda: socket.create_connection(("127.0.0.1", 1)),
    lambda: __import__("wave"),
    lambda: ctypes.CDLL(None),
    lambda: eval("1"),
    lambda: os.kill(os.getppid(), 0),
]
for number, attempt in enumerate(attempts):
    try:
        attempt()
    except BaseException as error:
        sys.stdout.write(f"{number} {type(error).__name__}\\n")
    else:
        sys.stdout.write(f"{number} DONE\\n")
sys.stdout.flush()
os._exit(0)
"""


def test_the_walls_behind_the_rules_hold(tmp_path: Path) -> None:
    file = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, "-c", BEHIND.replace("{file!r}", repr(str(file)))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "ready", done.stderr
    assert len(lines) == 14
    assert not [line for line in lines if line.endswith("DONE")]
    assert not file.exists()


def test_many_programs_leave_no_process() -> None:
    async def test() -> list[Run]:
        sandbox = Sandbox()
        runs = [sandbox.run(f"print({n} * 2)") for n in range(6)]
        gone = asyncio.ensure_future(sandbox.run("while True:\n    pass"))
        await asyncio.sleep(0)
        found = await asyncio.gather(*runs)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        return found

    found = asyncio.run(asyncio.wait_for(test(), 120))
    assert [one.output for one in found] == [f"{n * 2}\n" for n in range(6)]
    assert not _list_children()


def _list_children() -> list[str]:
    folder = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    if not folder.exists():
        return []
    found = []
    for child in folder.read_text("ascii").split():
        command = Path(f"/proc/{child}/cmdline").read_bytes()
        if b"sandbox_worker" in command:
            found.append(child)
    return found


@pytest.mark.parametrize(
    ("prompt", "output"),
    [
        ("What is the sum of the first 50 prime numbers? Generate and run code for it.", "5117"),
        ("Show me the 10th prime", "29"),
        ("the first 7 Fibonacci numbers, please", "[0, 1, 1, 2, 3, 5, 8]"),
        ("What is 23 * 47 + 5?", "1086"),
        ("1,234 plus 5 times (2 + 1)", "1249"),
        ("7 divided by 2", "3.5"),
        ("What is 2 to the power of 10?", "1024"),
        ("factorial of 20", "2432902008176640000"),
        ("The sum of natural numbers from 1 to 100", "5050"),
        ("the square root of 2.25", "1.5"),
        ("007 + 1.05", "8.05"),
        ("Run this:\n```python\nprint(6 * 7)\n```", "42"),
    ],
)
def test_programs_for_prompts(prompt: str, output: str) -> None:
    program = find_program(prompt)
    assert program is not None
    found = run(program)
    assert found.outcome == "OUTCOME_OK"
    assert found.output.splitlines()[-1] == output


@pytest.mark.parametrize("prompt", ["Hello", "", "It is 2026-11-22.", "Call 555-123-4567", "(" * 5000])
def test_prompts_without_a_calculation(prompt: str) -> None:
    assert find_program(prompt) is None
