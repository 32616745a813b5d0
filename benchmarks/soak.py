"""Full load under random faults: every call ends in a result or a typed error, and nothing is left behind.

    python benchmarks/soak.py [--seconds 3600] [--transport NAME] [--seed N]

A server in a process of its own and a TCP proxy before it, both on loopback. Callers make unary calls and
streams as fast as they are answered: some read to the end, some leave in the middle, some have deadlines that
are too short, some are refused by the server. Meanwhile, every second or so, one of the faults below hits
the server or the network. After each tenth: the memory of this process, what of it malloc has given out,
and the blocks of Python objects. At the end: how the calls ended, the slowest against its deadline, the
growth of memory after the first tenth, and the descriptors, threads, tasks and calls at the server that are
left.
A line that ends in FAIL is not what gemwire promises. The same seed gives the same order of faults.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import ctypes
import gc
import random
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from faults import (
    TRANSPORTS,
    AsyncFace,
    Audit,
    Call,
    Ended,
    Face,
    Proxy,
    Server,
    face_to,
    resident,
    until_good,
    warm_up,
)

#: Calls under way at a time.
CALLERS = 32
#: Seconds beyond its deadline that a call may take on a busy machine.
GRACE = 5.0
#: Megabytes of growth that are noise: allocators and caches settle for a while.
NOISE = 25.0
#: Megabytes that malloc may give out for good in the second half, when nothing settles any more.
CREEP = 3.0


class _Mallinfo(ctypes.Structure):
    """The figures of glibc's mallinfo2(3)."""

    _fields_ = [
        *((name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd")),
        *((name, ctypes.c_size_t) for name in ("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")),
    ]


def allocated() -> float:
    """Megabytes that malloc has given out, without what it holds in reserve; 0 without glibc 2.33."""
    mallinfo = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if mallinfo is None:
        return 0.0
    mallinfo.restype = _Mallinfo
    info = mallinfo()
    return float(info.uordblks + info.hblkhd) / 1e6


@dataclass(frozen=True)
class Sample:
    """Memory of this process at one time."""

    calls: int
    resident: float
    allocated: float
    blocks: int

    @classmethod
    def take(cls, calls: int) -> Sample:
        """Collect garbage, and measure."""
        gc.collect()
        return cls(calls, resident(), allocated(), sys.getallocatedblocks())

    def __str__(self) -> str:
        return (
            f"{self.calls} calls, {self.resident:.1f} MB resident, "
            f"{self.allocated:.1f} MB given out by malloc, {self.blocks} Python blocks"
        )


@dataclass
class Report:
    """Results of one run."""

    transport: str
    seconds: float = 0.0
    ends: collections.Counter[str] = field(default_factory=collections.Counter)
    faults: collections.Counter[str] = field(default_factory=collections.Counter)
    untyped: list[str] = field(default_factory=list)
    late: float = float("-inf")
    latest: str = ""
    #: The longest time in seconds for which this process did not run when it should.
    pause: float = 0.0
    #: After each tenth of the time.
    memory: list[Sample] = field(default_factory=list)
    back: float = 0.0
    left: str = ""

    @property
    def growth(self) -> float:
        """Megabytes by which memory grew after the first tenth."""
        return self.memory[-1].resident - self.memory[0].resident

    @property
    def creep(self) -> float:
        """Megabytes that malloc gave out, and did not get back, in the second half."""
        return self.memory[-1].allocated - self.memory[len(self.memory) // 2].allocated

    @property
    def wrong(self) -> list[str]:
        """Promises that were not kept."""
        found = [f"untyped errors: {self.untyped[:3]}"] if self.untyped else []
        if self.late > GRACE + self.pause:
            found.append(f"a call ended {self.late:.1f} s after its deadline")
        if self.ends["result"] < sum(self.ends.values()) / 4:
            found.append("few results")
        if self.growth > NOISE:
            found.append(f"memory grew by {self.growth:.0f} MB")
        if self.creep > CREEP:
            found.append(f"malloc gave out {self.creep:.1f} MB more in the second half")
        if self.back > 15:
            found.append(f"the first good call came {self.back:.1f} s after the last fault")
        return found + ([f"left behind: {self.left}"] if self.left else [])

    def row(self) -> str:
        """Return the line of the table."""
        saw = ", ".join(f"{number} {what}" for what, number in self.ends.most_common())
        struck = ", ".join(f"{number} {what}" for what, number in self.faults.most_common())
        verdict = f"  FAIL: {'; '.join(self.wrong)}" if self.wrong else ""
        return (
            f"{self.transport:12} {self.seconds:6.0f} s  {saw}; faults: {struck}; "
            f"latest end {self.late:+.1f} s from its deadline ({self.latest}), "
            f"longest pause of this process {self.pause:.1f} s; memory {self.growth:+.1f} MB "
            f"({' '.join(f'{tenth.resident:.0f}' for tenth in self.memory)}); "
            f"back after {self.back:.1f} s; left: {self.left or '-'}{verdict}"
        )


class Faults:
    """Faults of the server and the network, one after the other, in a thread of its own."""

    def __init__(self, server: Server, proxy: Proxy, seed: int) -> None:
        self._server = server
        self._proxy = proxy
        self._chance = random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="faults")
        self.struck: collections.Counter[str] = collections.Counter()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the fault that is under way; server and network are whole again."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        kinds: list[Callable[[], None]] = [
            self.kill,
            self.restart,
            self.reset,
            self.silence,
            self.stall,
            self.delay,
        ]
        while not self._stop.wait(self._chance.uniform(0.3, 1.5)):
            fault = self._chance.choice(kinds)
            fault()
            self.struck[fault.__name__] += 1

    def kill(self) -> None:
        """Kill the server and start it again."""
        self._server.kill()
        self._stop.wait(self._chance.uniform(0, 0.5))
        self._server.start()

    def restart(self) -> None:
        """Stop the server as a deployment does, and start it again."""
        self._server.stop(2)
        self._server.start()

    def reset(self) -> None:
        """Reset all connections."""
        self._proxy.reset()

    def silence(self) -> None:
        """Have the connections carry nothing any more, then reset them."""
        self._proxy.silence()
        self._stop.wait(self._chance.uniform(0.5, 3))
        self._proxy.reset()

    def stall(self) -> None:
        """Accept new connections and say nothing on them, for a while."""
        self._proxy.stalls = True
        self._proxy.reset()
        self._stop.wait(self._chance.uniform(0.2, 1))
        self._proxy.stalls = False
        self._proxy.reset()

    def delay(self) -> None:
        """Have each piece of data come late, for a while."""
        self._proxy.delay = 0.05
        self._stop.wait(self._chance.uniform(0.2, 1))
        self._proxy.delay = 0.0


def begin(face: Face, chance: random.Random, number: int) -> Call:
    """Begin one call of a random kind."""
    spec: dict[str, Any] = {"key": str(number), "before": chance.choice([0, 0, 0.002, 0.05])}
    if chance.random() < 0.1:
        spec |= {"fails": 1, "code": chance.choice(["UNAVAILABLE", "RESOURCE_EXHAUSTED", "INTERNAL"])}
    timeout = chance.choice([0.02, 3.0, 10.0, 10.0])
    if chance.random() < 0.5:
        return face.unary(spec, timeout)
    spec |= {"chunks": chance.choice([1, 5, 40]), "every": 0.002}
    idle = chance.choice([None, 2.0])
    return face.stream(spec, timeout, idle, leave=chance.choice([0, 0, 1, 3]))


def load(face: Face, report: Report, seconds: float, seed: int) -> None:
    """Make calls for so many seconds, and wait for the last."""
    chance = random.Random(seed)
    room = threading.Semaphore(CALLERS)
    lock = threading.Lock()
    pending: set[Call] = set()

    def end(call: Call) -> None:
        ended: Ended = call.future.result()
        with lock:
            pending.discard(call)
            report.ends[ended.saw] += 1
            late = ended.seconds - (call.timeout or 0)
            if late > report.late:
                report.late, report.latest = late, f"{ended.saw} after {ended.seconds:.2f} s"
            if not ended.typed:
                report.untyped.append(f"{ended.saw}: {ended.message}")
        room.release()

    began = time.monotonic()
    over = threading.Event()
    watch = threading.Thread(target=note_pauses, args=(report, over), name="watch")
    watch.start()
    number = 0
    while (elapsed := time.monotonic() - began) < seconds:
        room.acquire()
        number += 1
        call = begin(face, chance, number)
        with lock:
            pending.add(call)
        call.future.add_done_callback(lambda _, call=call: end(call))  # type: ignore[misc]
        if elapsed > seconds * (len(report.memory) + 1) / 10:
            sample(report, number)
    for call in list(pending):
        ended = call.result(60)
        if ended.saw == "HUNG":
            report.untyped.append(f"HUNG after {ended.seconds:.0f} s")
    over.set()
    watch.join()
    sample(report, number)
    report.seconds = time.monotonic() - began


def sample(report: Report, calls: int) -> None:
    """Add a sample of the memory, and say it: an hour is long."""
    report.memory.append(Sample.take(calls))
    print(f"{report.transport} {len(report.memory)}/10: {report.memory[-1]}", file=sys.stderr, flush=True)


def note_pauses(report: Report, over: threading.Event) -> None:
    """Note the longest pause of this process: no call can end while it does not run."""
    began = time.monotonic()
    while not over.wait(0.05):
        report.pause = max(report.pause, (now := time.monotonic()) - began - 0.05)
        began = now


def soak(transport: str, seconds: float, seed: int) -> Report:
    """Run one transport."""
    report = Report(transport)
    with Server(transport) as server, Proxy(server.port) as proxy:
        audit = Audit()
        with face_to(transport, proxy.port, CALLERS) as face:
            face.unary({}).result()
            faults = Faults(server, proxy, seed)
            faults.start()
            try:
                load(face, report, seconds, seed)
            finally:
                faults.stop()
            report.faults = faults.struck
            report.back = until_good(face, time.monotonic())
            if isinstance(face, AsyncFace):
                report.left = tasks_left(face)
        report.left = ", ".join(part for part in (report.left, audit.left(server, 10.0)) if part)
    return report


def tasks_left(face: AsyncFace, patience: float = 5.0) -> str:
    """Return the tasks that are left on the loop of an asyncio client whose calls have ended."""
    until = time.monotonic() + patience
    while True:
        tasks = asyncio.run_coroutine_threadsafe(_tasks(), face._loop).result(10)
        if not tasks or time.monotonic() > until:
            return f"tasks {tasks}" if tasks else ""
        time.sleep(0.05)


async def _tasks() -> list[str]:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    return [str(task.get_coro()) for task in others]


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=3600, help="for all runs together; default: 3600")
    parser.add_argument("--transport", choices=TRANSPORTS)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    transports = [options.transport] if options.transport else TRANSPORTS
    warm_up()
    failed = False
    for transport in transports:
        report = soak(transport, options.seconds / len(transports), options.seed)
        print(report.row(), flush=True)
        failed = failed or bool(report.wrong)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
