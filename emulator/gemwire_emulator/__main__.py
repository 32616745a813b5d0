"""``python -m gemwire_emulator``: an emulator as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from gemwire_emulator import flags
from gemwire_emulator.admission import Quota
from gemwire_emulator.engines.local import LocalEngine
from gemwire_emulator.errors import StatusError
from gemwire_emulator.server import Emulator, Settings

#: Seconds that calls have to finish after SIGTERM.
GRACE = 10.0


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def parser() -> argparse.ArgumentParser:
    """The options, all of them plain text; `settings_of` understands them."""
    made = _Parser(
        prog="gemwire serve",
        description="Run an emulator of the Gemini API on this machine, over gRPC. It needs no key.",
        allow_abbrev=False,
    )
    add = made.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: only this machine reaches it)")
    add("--port", default="0", help="port to listen on; 0 for any that is free (default)")
    add("--http-port", metavar="PORT", help="serve HTTP on PORT too; 0 for any that is free")
    add("--https-port", metavar="PORT", help="serve HTTPS on PORT too; 0 for any that is free")
    add(
        "--certificate-dir",
        type=Path,
        metavar="DIR",
        help="keep the certificate of HTTPS in DIR, for next time",
    )
    add("--state", type=Path, metavar="FILE", help="remember in FILE and FILE.files (default: in memory)")
    add("--snapshot", type=Path, metavar="FILE", help="begin with the resources in FILE; it is only read")
    add("--resources", type=Path, metavar="FILE", help="JSON list of RPCs to call at the start")
    add("--engine", choices=["instant", "local"], default="instant", help="what writes answers")
    add("--model", type=Path, metavar="FILE", help="the GGUF of the local engine (default: SmolLM2-135M)")
    add("--seed", default="0", help="seed of the instant engine: the same seed, the same answers")
    add("--replies", type=Path, metavar="FILE", help='canned replies: [{"match": "sky", "text": "Blue."}]')
    add("--fault", action="append", default=[], metavar="JSON", help="a fault; may be given several times")
    add("--faults", type=Path, metavar="FILE", help="JSON list of faults")
    add("--pace", default="", metavar="NAME|JSON", help="how fast answers come: fast, typical, slow, or JSON")
    add("--latency", default="", metavar="SECONDS", help="time before anything is answered")
    add("--first-token", default="", metavar="SECONDS", help="time to an answer's first token, after that")
    add("--between", default="", metavar="SECONDS", help="time between the messages of a stream")
    add("--tokens-per-second", default="", metavar="N", help="tokens of text a second; 0 for at once")
    add("--rpm", default="0", metavar="N", help="requests a minute for each API key; 0 for no limit")
    add("--tpm", default="0", metavar="N", help="prompt tokens a minute for each API key; 0 for no limit")
    add("--journal", type=Path, metavar="FILE", help="append every call to FILE, as a line of JSON")
    add("--clock", metavar="TIME", help="a time that stands still: 2026-01-02T03:04:05Z")
    add("--json", action="store_true", help="print one line of JSON when it is ready")
    return made


def settings_of(options: argparse.Namespace) -> Settings:
    """What the options say.

    Raises:
        ValueError: One says nothing sensible.
    """
    for name, file in (("--state", options.state), ("--journal", options.journal)):
        if file is not None and not file.absolute().parent.is_dir():
            raise ValueError(f"{name}: there is no directory {file.absolute().parent}")
    if options.state and (options.snapshot or options.resources):
        raise ValueError("--state has resources of its own: it excludes --snapshot and --resources")
    if options.snapshot is not None and not options.snapshot.is_file():
        raise ValueError(f"--snapshot: there is no file {options.snapshot}")
    if options.model is not None and options.engine != "local":
        raise ValueError("--model is for --engine local")
    if options.certificate_dir is not None and options.https_port is None:
        raise ValueError("--certificate-dir is for --https-port")
    if options.certificate_dir is not None and options.certificate_dir.is_file():
        raise ValueError(f"--certificate-dir: {options.certificate_dir} is no directory")
    if options.model is not None and not options.model.is_file():
        raise ValueError(f"--model: there is no file {options.model}")
    return Settings(
        host=options.host,
        port=flags.count(options.port, "--port", 65_535),
        http_port=_port(options.http_port, "--http-port"),
        https_port=_port(options.https_port, "--https-port"),
        certificate_dir=options.certificate_dir,
        state=options.state,
        snapshot=options.snapshot,
        resources=flags.resources(options.resources) if options.resources else (),
        engine=LocalEngine(options.model) if options.engine == "local" else None,
        seed=flags.count(options.seed, "--seed"),
        replies=flags.replies(options.replies) if options.replies else (),
        faults=flags.faults(options.fault, options.faults),
        pace=flags.pace(
            options.pace,
            latency=options.latency,
            first=options.first_token,
            between=options.between,
            tokens_per_second=options.tokens_per_second,
        ),
        quota=Quota(
            requests_per_minute=flags.count(options.rpm, "--rpm"),
            tokens_per_minute=flags.count(options.tpm, "--tpm"),
        ),
        frozen_at=flags.moment(options.clock) if options.clock else None,
        journal=options.journal,
    )


def _port(text: str | None, name: str) -> int | None:
    return None if text is None else flags.count(text, name, 65_535)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT.

    Returns:
        The exit code: 0 after a signal, 1 where it cannot start, 2 for an option that is wrong.
    """
    made = parser()
    options = made.parse_args(arguments)
    try:
        settings = settings_of(options)
    except ValueError as error:
        made.error(str(error))
    if not flags.is_loopback(settings.host):
        sys.stderr.write(
            f"{made.prog}: warning: others can reach {settings.host}, and nobody is asked for a key\n"
        )
    try:
        if isinstance(settings.engine, LocalEngine):
            # Before anybody is told that it is ready.
            settings.engine.start()
        asyncio.run(serve(settings, as_json=options.json))
    except StatusError as failure:
        sys.stderr.write(f"{made.prog}: {failure.message}\n")
        return 1
    except sqlite3.DatabaseError as error:
        what = f"{settings.state} cannot be used to remember in"
        if settings.snapshot:
            what = f"{settings.snapshot} is no snapshot"
        sys.stderr.write(f"{made.prog}: {what}: {error}\n")
        return 1
    except ValueError as error:
        sys.stderr.write(f"{made.prog}: {error}\n")
        return 1
    except (RuntimeError, OSError) as error:
        sys.stderr.write(f"{made.prog}: cannot listen on {settings.host} port {settings.port}: {error}\n")
        return 1
    return 0


async def serve(settings: Settings, *, as_json: bool = False, grace: float = GRACE) -> None:
    """Run an emulator until a signal says otherwise; say on stdout where it is.

    Args:
        settings: How it is made.
        as_json: Say it as a line of JSON.
        grace: Seconds that calls have to finish after the first signal; a second one ends them at once.

    Raises:
        RuntimeError: The address is taken.
        sqlite3.DatabaseError: The state file is none.
    """
    emulator = Emulator(settings)
    address = await emulator.start()
    stop, hurry = asyncio.Event(), asyncio.Event()

    def signalled() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled)
    sys.stdout.write(_readiness(emulator, address, as_json=as_json))
    sys.stdout.flush()
    await stop.wait()
    draining = asyncio.ensure_future(emulator.stop(grace))
    hurried = asyncio.ensure_future(hurry.wait())
    await asyncio.wait((draining, hurried), return_when=asyncio.FIRST_COMPLETED)
    if not draining.done():
        await emulator.stop()
    hurried.cancel()
    await draining


def _readiness(emulator: Emulator, address: str, *, as_json: bool) -> str:
    engine = emulator.state.engine
    if not as_json:
        what = f"The emulator ({engine.name} engine)"
        also = "".join(f", {url}" for url in (emulator.http, emulator.https) if url)
        trust = f" SSL_CERT_FILE={emulator.ca_file}" if emulator.ca_file else ""
        return f"{what} listens on {address}{also}; export GEMINI_EMULATOR_HOST={address}{trust}\n"
    ready: dict[str, Any] = {"event": "ready", "grpc": address, "engine": engine.name}
    ready |= {"model": engine.version, "pid": os.getpid()}
    more = {"http": emulator.http, "https": emulator.https, "ca": emulator.ca_file}
    ready |= {name: value for name, value in more.items() if value}
    return json.dumps(ready) + "\n"


if __name__ == "__main__":
    sys.exit(main())
