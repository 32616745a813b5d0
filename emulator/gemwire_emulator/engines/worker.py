"""The process that holds a model: ``python -m gemwire_emulator.engines.worker``. `llama.Llama` starts it.

The first line on standard input says what to load, the one line on standard output where it listens. It ends
when standard input does: however its parent goes, the pipe closes.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

#: Requests in parallel; those that wait for a slot hold one, and counting tokens must not wait for them.
_HTTP_THREADS = 64


def _loaded(settings: dict[str, Any]) -> Any:
    """A server that listens on loopback.

    Raises:
        RuntimeError: The file is no model.
    """
    import xllamacpp

    made = xllamacpp.CommonParams()
    made.model.path = settings["model"]
    made.api_keys = [settings["key"]]
    made.embedding = settings["embedding"]
    made.n_parallel = settings["slots"]
    made.n_ctx = settings["slots"] * settings["context"]
    # Work in progress is cancelled between batches, so small ones: a prompt goes away in about a second.
    made.n_batch = made.n_ubatch = settings["batch"]
    made.n_threads_http = _HTTP_THREADS
    # Every token is a barrier for all threads: where cores are taken by others, the client and the emulator
    # among them, a thread for each core makes tens of times fewer tokens than one for every other.
    cores = os.cpu_count() or 1
    made.cpuparams.n_threads = max(1, cores // 2)
    made.cpuparams_batch.n_threads = cores
    made.cache_ram_mib = 0
    made.fit_params = False
    made.warmup = False
    made.ui = False
    made.verbosity = -1
    return xllamacpp.Server(made)


def main() -> None:
    """Load, say where, and stay until the parent has gone."""
    # Control-C in a terminal is for the parent; it ends this process when its own work is done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What native code prints must not mix with the answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    settings = json.loads(sys.stdin.readline())
    try:
        server = _loaded(settings)
        answer: dict[str, Any] = {"port": int(server.listening_address.rpartition(":")[2])}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
    if "port" in answer:
        sys.stdin.read()
    # No clean-up: native threads may be at work, and everything here belongs to this process.
    os._exit(0)


if __name__ == "__main__":
    main()
