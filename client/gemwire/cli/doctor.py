"""``doctor``: where calls would go, as whom, and why."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Annotated, Any

import typer

import gemwire
from gemwire.cli import emulator, extras, output, proxies
from gemwire.cli.content import AsJson

_PACKAGES = ("grpcio", "protobuf", "google-auth")
_ROOTS = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"


def doctor(
    api_endpoint: Annotated[
        str | None,
        typer.Option(help="As a program would give it in client_options.", metavar="HOST"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say where calls would go, as whom, and why. Prints no secret.

    Exit code 1 if something stands in the way; then it says what to do.
    """
    diagnosis = gemwire.diagnose({"api_endpoint": api_endpoint})
    report: dict[str, dict[str, str]] = {
        "endpoint": _entry(diagnosis.endpoint),
        "universe": _entry(diagnosis.universe_domain),
        "certificate": _entry(diagnosis.certificate),
        "credentials": _entry(diagnosis.credentials),
        "roots": _roots(),
        "proxy": proxies.found(diagnosis.endpoint.value, bool(diagnosis.emulator)),
    }
    if diagnosis.emulator:
        report["emulator"] = emulator.health(diagnosis.endpoint.value, report["proxy"]["value"])
    problems = [entry["problem"] for entry in report.values() if entry.get("problem")]
    versions = {"gemwire": gemwire.__version__, "python": platform.python_version()}
    versions |= {name: importlib.metadata.version(name) for name in _PACKAGES}
    installed = extras.installed()
    if as_json:
        rest: dict[str, Any] = {"versions": versions, "extras": installed, "problems": problems}
        output.print_json({"ok": not problems, **report, **rest})
    else:
        for name, entry in report.items():
            output.write(f"{name:12} {entry['value'] or '?'} — {entry['reason']}\n")
        output.write(f"{'versions':12} {', '.join(f'{n} {v}' for n, v in versions.items())}\n")
        told = (
            f"{n} {'installed' if here else f'not ({extras.install(n)})'}" for n, here in installed.items()
        )
        output.write(f"{'extras':12} {', '.join(told)}\n")
        for problem in problems:
            output.write(f"problem: {' '.join(problem.split())}\n")
        if not problems:
            output.write("nothing stands in the way\n")
    if problems:
        raise SystemExit(1)


def _entry(finding: Any) -> dict[str, str]:
    entry = {"value": finding.value, "reason": finding.reason}
    return {**entry, "problem": finding.problem} if finding.problem else entry


def _roots() -> dict[str, str]:
    """Which certificate authorities grpc trusts."""
    path = os.environ.get(_ROOTS)
    if not path:
        return {"value": "those of grpc", "reason": f"{_ROOTS} is not set"}
    entry = {"value": path, "reason": f"{_ROOTS} is set"}
    if not Path(path).is_file():
        entry["problem"] = f"{_ROOTS} names {path}, which is no file; name one, or unset it"
    return entry
