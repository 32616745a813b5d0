"""The process of a model: ``python -m gemwire_emulator.engines.worker``, started by `llama.LlamaProcess`.

The first line of standard input has the settings, the only line of standard output has the port. The process
ends when standard input is closed, which happens however its parent ends.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xllamacpp

#: Server threads. A request that waits for a slot occupies one, and counting tokens must not wait for it.
_HTTP_THREADS = 64


def _start_server(settings: dict[str, Any]) -> xllamacpp.Server:
    """Load the model and start a server on loopback.

    Raises:
        RuntimeError: The file is not a model.
    """
    import xllamacpp

    made = xllamacpp.CommonParams()
    made.model.path = settings["model"]
    made.api_keys = [settings["key"]]
    made.embedding = settings["embedding"]
    made.n_parallel = settings["slots"]
    made.n_ctx = settings["slots"] * settings["context"]
    # Work is cancelled between batches. Small ones let a cancelled prompt end within about a second.
    made.n_batch = made.n_ubatch = settings["batch"]
    made.n_threads_http = _HTTP_THREADS
    # Every token is a barrier for all threads. Where other processes use the cores, such as the client and
    # the emulator, one thread per core is tens of times slower than one for every other core.
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
    """Load the model, print the port, and wait for the parent to end."""
    # Control-C in a terminal is handled by the parent, which ends this process when it has finished.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Native code may print to standard output, where it would mix with the answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    settings = json.loads(sys.stdin.readline())
    try:
        server = _start_server(settings)
        answer: dict[str, object] = {"port": int(server.listening_address.rpartition(":")[2])}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
    if "port" in answer:
        sys.stdin.read()
    # Without clean-up, since native threads may still be running.
    os._exit(0)


if __name__ == "__main__":
    main()
