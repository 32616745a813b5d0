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
from typing import NoReturn

from gemwire_emulator import flags
from gemwire_emulator.admission import Quota
from gemwire_emulator.engines.local import LocalEngine
from gemwire_emulator.errors import StatusError
from gemwire_emulator.server import Emulator, Settings

#: Seconds that calls have to finish after SIGTERM.
GRACE = 10.0


class _Parser(argparse.ArgumentParser):
    """A parser that reports an error as one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def build_parser() -> argparse.ArgumentParser:
    """Build the parser; all values are strings, which `parse_settings` interprets."""
    parser = _Parser(
        prog="gemwire serve",
        description="Run an emulator of the Gemini API on this machine. It needs no API key.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine only)")
    add("--port", default="0", help="port for gRPC; 0 for any free port (default)")
    add("--http-port", metavar="PORT", help="serve HTTP on PORT as well; 0 for any free port")
    add("--https-port", metavar="PORT", help="serve HTTPS on PORT as well; 0 for any free port")
    add("--tls-port", metavar="PORT", help="serve gRPC over TLS on PORT as well; 0 for any free port")
    add(
        "--certificate-dir",
        type=Path,
        metavar="DIR",
        help="keep the certificate in DIR and reuse it (default: a new certificate for each run)",
    )
    add("--state", type=Path, metavar="FILE", help="keep state in FILE and FILE.files (default: in memory)")
    add(
        "--snapshot",
        type=Path,
        metavar="FILE",
        help="start with the resources of a snapshot; it is only read",
    )
    add("--resources", type=Path, metavar="FILE", help="JSON list of RPCs that create resources at the start")
    add("--engine", choices=["instant", "local"], default="instant", help="engine that generates responses")
    add("--gguf", type=Path, metavar="FILE", help="model of the local engine (default: SmolLM2-135M)")
    add(
        "--model",
        action="append",
        default=[],
        metavar="NAME[=OTHER]",
        help="serve a model NAME as well, which is like OTHER; may be repeated",
    )
    add("--models", type=Path, metavar="FILE", help="JSON list of models to serve as well, as ListModels has")
    add("--seed", default="0", help="seed of the instant engine; the same seed gives the same responses")
    add("--replies", type=Path, metavar="FILE", help='canned replies: [{"match": "sky", "text": "Blue."}]')
    add("--fault", action="append", default=[], metavar="JSON", help="fault to inject; may be repeated")
    add("--faults", type=Path, metavar="FILE", help="JSON list of faults to inject")
    add("--pace", default="", metavar="NAME|JSON", help="latency of responses: fast, typical, slow, or JSON")
    add("--latency", default="", metavar="SECONDS", help="delay before any response")
    add("--first-token", default="", metavar="SECONDS", help="further delay before the first token")
    add("--between", default="", metavar="SECONDS", help="delay between the messages of a stream")
    add("--tokens-per-second", default="", metavar="N", help="rate of generated text; 0 for no limit")
    add("--rpm", default="0", metavar="N", help="requests per minute for each API key; 0 for no limit")
    add("--tpm", default="0", metavar="N", help="prompt tokens per minute for each API key; 0 for no limit")
    add(
        "--caller",
        action="append",
        default=[],
        metavar="KEY=ADDRESS[,GROUP…]",
        help="e-mail address of the caller with an API key, and of its groups, for sharing; may be repeated",
    )
    add("--journal", type=Path, metavar="FILE", help="append every call to FILE as a line of JSON")
    add(
        "--storage",
        type=Path,
        metavar="DIR",
        help="directory that stands for Cloud Storage: gs://bucket/a is DIR/bucket/a",
    )
    add("--clock", metavar="TIME", help="freeze the clock at TIME: 2026-01-02T03:04:05Z")
    add("--json", action="store_true", help="print a line of JSON instead of text when ready")
    return parser


def parse_settings(options: argparse.Namespace) -> Settings:
    """Convert parsed options to settings.

    Raises:
        ValueError: A value is invalid, or options exclude each other.
    """
    for name, file in (("--state", options.state), ("--journal", options.journal)):
        if file is not None and not file.absolute().parent.is_dir():
            raise ValueError(f"{name}: the directory {file.absolute().parent} does not exist")
    if options.state and (options.snapshot or options.resources):
        raise ValueError("--state cannot be combined with --snapshot or --resources")
    if options.snapshot is not None and not options.snapshot.is_file():
        raise ValueError(f"--snapshot: the file {options.snapshot} does not exist")
    if options.gguf is not None and options.engine != "local":
        raise ValueError("--gguf requires --engine local")
    if options.certificate_dir is not None and options.https_port is None and options.tls_port is None:
        raise ValueError("--certificate-dir requires --https-port or --tls-port")
    if options.certificate_dir is not None and options.certificate_dir.is_file():
        raise ValueError(f"--certificate-dir: {options.certificate_dir} is not a directory")
    if options.storage is not None and not options.storage.is_dir():
        raise ValueError(f"--storage: the directory {options.storage} does not exist")
    if options.gguf is not None and not options.gguf.is_file():
        raise ValueError(f"--gguf: the file {options.gguf} does not exist")
    return Settings(
        host=options.host,
        port=flags.parse_count(options.port, "--port", 65_535),
        http_port=_parse_port(options.http_port, "--http-port"),
        https_port=_parse_port(options.https_port, "--https-port"),
        tls_port=_parse_port(options.tls_port, "--tls-port"),
        certificate_dir=options.certificate_dir,
        state=options.state,
        snapshot=options.snapshot,
        resources=flags.load_resources(options.resources) if options.resources else (),
        engine=LocalEngine(options.gguf) if options.engine == "local" else None,
        models=flags.parse_models(options.model, options.models),
        seed=flags.parse_count(options.seed, "--seed"),
        replies=flags.load_replies(options.replies) if options.replies else (),
        faults=flags.parse_faults(options.fault, options.faults),
        pace=flags.parse_pace(
            options.pace,
            latency=options.latency,
            first=options.first_token,
            between=options.between,
            tokens_per_second=options.tokens_per_second,
        ),
        quota=Quota(
            requests_per_minute=flags.parse_count(options.rpm, "--rpm"),
            tokens_per_minute=flags.parse_count(options.tpm, "--tpm"),
        ),
        callers=flags.parse_callers(options.caller),
        frozen_at=flags.parse_time(options.clock) if options.clock else None,
        storage=options.storage,
        journal=options.journal,
    )


def _parse_port(text: str | None, name: str) -> int | None:
    return None if text is None else flags.parse_count(text, name, 65_535)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT.

    Returns:
        The exit code: 0 after a signal, 1 if the emulator cannot start, 2 for an invalid option.
    """
    parser = build_parser()
    options = parser.parse_args(arguments)
    try:
        settings = parse_settings(options)
    except ValueError as error:
        parser.error(str(error))
    if not flags.is_loopback(settings.host):
        sys.stderr.write(
            f"{parser.prog}: warning: {settings.host} is reachable from other machines, and API keys are not"
            " checked\n"
        )
    try:
        if isinstance(settings.engine, LocalEngine):
            # Loaded before the emulator reports that it is ready.
            settings.engine.start()
        asyncio.run(serve(settings, as_json=options.json))
    except StatusError as error:
        return _fail(error.message)
    except sqlite3.DatabaseError as error:
        if settings.snapshot:
            return _fail(f"{settings.snapshot} is not a snapshot: {error}")
        return _fail(f"{settings.state} cannot be used as a state file: {error}")
    except ValueError as error:
        return _fail(str(error))
    except (RuntimeError, OSError) as error:
        return _fail(f"cannot listen on {settings.host} port {settings.port}: {error}")
    return 0


def _fail(message: str) -> int:
    sys.stderr.write(f"gemwire serve: {message}\n")
    return 1


async def serve(settings: Settings, *, as_json: bool = False, grace: float = GRACE) -> None:
    """Run an emulator until a signal arrives, and print its address on stdout.

    Args:
        settings: The settings.
        as_json: Print a line of JSON instead of text.
        grace: Seconds that calls have to finish after the first signal; a second signal ends them at once.

    Raises:
        RuntimeError: The address is in use.
        sqlite3.DatabaseError: The state file is not one.
    """
    emulator = Emulator(settings)
    address = await emulator.start()
    stop, stop_now = asyncio.Event(), asyncio.Event()

    def handle_signal() -> None:
        (stop_now if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, handle_signal)
    sys.stdout.write(_format_ready(emulator, address, as_json=as_json))
    sys.stdout.flush()
    await stop.wait()
    draining = asyncio.ensure_future(emulator.stop(grace))
    second_signal = asyncio.ensure_future(stop_now.wait())
    await asyncio.wait((draining, second_signal), return_when=asyncio.FIRST_COMPLETED)
    if not draining.done():
        await emulator.stop()
    second_signal.cancel()
    await draining


def _format_ready(emulator: Emulator, address: str, *, as_json: bool) -> str:
    engine = emulator.state.engine
    if not as_json:
        tls = emulator.tls and f"{emulator.tls} over TLS"
        also = "".join(f", {url}" for url in (tls, emulator.http, emulator.https) if url)
        trust = f" SSL_CERT_FILE={emulator.ca_file}" if emulator.https else ""
        trust += f" GRPC_DEFAULT_SSL_ROOTS_FILE_PATH={emulator.ca_file}" if emulator.tls else ""
        return (
            f"The emulator ({engine.name} engine) listens on {address}{also};"
            f" export GEMINI_EMULATOR_HOST={address}{trust}\n"
        )
    ready: dict[str, object] = {"event": "ready", "grpc": address, "engine": engine.name}
    ready |= {"model": engine.version, "pid": os.getpid()}
    more = {"tls": emulator.tls, "http": emulator.http, "https": emulator.https, "ca": emulator.ca_file}
    ready |= {name: value for name, value in more.items() if value}
    return json.dumps(ready) + "\n"


if __name__ == "__main__":
    sys.exit(main())
