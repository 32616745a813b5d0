"""``doctor``."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Annotated, Protocol

import typer

import gemwire
from gemwire.cli import emulator_health, extras, output, proxy_settings
from gemwire.cli.options import AsJson

_PACKAGES = ("grpcio", "protobuf", "google-auth")
_ROOTS = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"


def doctor(
    api_endpoint: Annotated[
        str | None,
        typer.Option(help="API endpoint, as in client_options of a program.", metavar="HOST"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Diagnose the configuration: endpoint, credentials, certificates, proxy. Prints no secrets.

    Exits with code 1 if a problem is found, and says how to fix it.
    """
    diagnosis = gemwire.diagnose({"api_endpoint": api_endpoint})
    report: dict[str, dict[str, str]] = {
        "endpoint": _entry(diagnosis.endpoint),
        "universe": _entry(diagnosis.universe_domain),
        "certificate": _entry(diagnosis.certificate),
        "credentials": _entry(diagnosis.credentials),
        "roots": _check_roots(),
        "proxy": proxy_settings.find_proxy(diagnosis.endpoint.value, bool(diagnosis.emulator)),
    }
    if diagnosis.emulator:
        proxy = report["proxy"]["value"]
        report["emulator"] = emulator_health.check_health(diagnosis.endpoint.value, proxy)
    problems = [entry["problem"] for entry in report.values() if entry.get("problem")]
    versions = {"gemwire": gemwire.__version__, "python": platform.python_version()}
    versions |= {name: importlib.metadata.version(name) for name in _PACKAGES}
    installed = extras.installed_extras()
    if as_json:
        more = {"versions": versions, "extras": installed, "problems": problems}
        output.print_json({"ok": not problems, **report, **more})
    else:
        for name, entry in report.items():
            output.write(f"{name:12} {entry['value'] or '?'} — {entry['reason']}\n")
        output.write(f"{'versions':12} {', '.join(f'{n} {v}' for n, v in versions.items())}\n")
        states = (
            f"{name} {'installed' if found else f'not installed ({extras.install_command(name)})'}"
            for name, found in installed.items()
        )
        output.write(f"{'extras':12} {', '.join(states)}\n")
        for problem in problems:
            output.write(f"problem: {' '.join(problem.split())}\n")
        if not problems:
            output.write("No problems found.\n")
    if problems:
        raise SystemExit(1)


class _Finding(Protocol):
    """Value of a setting, as `gemwire.diagnose` reports it."""

    @property
    def value(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def problem(self) -> str: ...


def _entry(finding: _Finding) -> dict[str, str]:
    entry = {"value": finding.value, "reason": finding.reason}
    return {**entry, "problem": finding.problem} if finding.problem else entry


def _check_roots() -> dict[str, str]:
    """Return which root certificates grpc uses."""
    path = os.environ.get(_ROOTS)
    if not path:
        return {"value": "grpc's own", "reason": f"{_ROOTS} is not set"}
    entry = {"value": path, "reason": f"{_ROOTS} is set"}
    if not Path(path).is_file():
        entry["problem"] = f"{_ROOTS}: {path} is not a file; set it to a PEM file, or unset it"
    return entry
