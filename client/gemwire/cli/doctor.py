"""``doctor``."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Annotated

import typer

import gemwire
from gemwire.cli import emulator_health, extras, output, service
from gemwire.cli.options import AsJson
from gemwire.diagnosis import Certificate, Finding

_PACKAGES = ("grpcio", "protobuf", "google-auth")
_ROOTS = {
    "grpc": ("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",),
    "rest": ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"),
}


def doctor(
    api_endpoint: Annotated[
        str | None,
        typer.Option(help="API endpoint, as in client_options of a program.", metavar="HOST"),
    ] = None,
    transport: Annotated[str, typer.Option(help="Transport of the client: grpc or rest.")] = "grpc",
    offline: Annotated[bool, typer.Option("--offline", help="Connect to nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Diagnose endpoint, credentials, certificates, proxy and connection. Prints no secrets.

    Exits with code 1 if a problem is found, and says how to fix it.
    """
    place = service.find_vertex()
    diagnosis = gemwire.diagnose(
        {"api_endpoint": api_endpoint, **(place.options if place else {})},
        transport=transport,
        connect=not offline,
        vertexai=place is not None,
    )
    report: dict[str, dict[str, str]] = {
        **(_describe_place(place) if place else {}),
        "endpoint": _entry(diagnosis.endpoint),
        "universe": _entry(diagnosis.universe_domain),
        "certificate": _entry(diagnosis.certificate),
        "credentials": _entry(diagnosis.credentials),
        "roots": _check_roots(transport),
        "proxy": _entry(diagnosis.proxy),
    }
    if diagnosis.emulator and transport == "grpc":
        report["emulator"] = emulator_health.check_health(diagnosis.emulator, diagnosis.proxy.value)
    elif diagnosis.connection:
        report["connection"] = _entry(diagnosis.connection)
    problems = [entry["problem"] for entry in report.values() if entry.get("problem")]
    versions = {"gemwire": gemwire.__version__, "python": platform.python_version()}
    versions |= {name: importlib.metadata.version(name) for name in _PACKAGES}
    installed = extras.installed_extras()
    if as_json:
        chain = [_to_json(each) for each in diagnosis.chain]
        more = {"chain": chain, "versions": versions, "extras": installed, "problems": problems}
        output.print_json({"ok": not problems, **report, **more})
    else:
        for name, entry in report.items():
            output.write(f"{name:12} {entry['value'] or '?'} — {entry['reason']}\n")
        for number, each in enumerate(diagnosis.chain, 1):
            output.write(f"{f'chain {number}':12} {each}\n")
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


def _describe_place(place: service.VertexPlace) -> dict[str, dict[str, str]]:
    """Return project and location, and where they come from."""
    found = {}
    for name, value in (("project", place.project), ("location", place.location)):
        variable = f"GOOGLE_CLOUD_{name.upper()}"
        reason = f"{variable} is set" if os.environ.get(variable) == value else f"--{name} was given"
        found[name] = {"value": value, "reason": reason}
    if place.location == service.DEFAULT_LOCATION and "GOOGLE_CLOUD_LOCATION" not in os.environ:
        found["location"]["reason"] = "the default, or --location was given"
    return found


def _entry(finding: Finding) -> dict[str, str]:
    entry = {"value": finding.value, "reason": finding.reason}
    return {**entry, "problem": finding.problem} if finding.problem else entry


def _to_json(certificate: Certificate) -> dict[str, object]:
    dates = {name: getattr(certificate, name).isoformat() for name in ("not_before", "not_after")}
    return {**dataclasses.asdict(certificate), **dates}


def _check_roots(transport: str) -> dict[str, str]:
    """Return which authorities are trusted."""
    names = _ROOTS[transport]
    name = next((name for name in names if os.environ.get(name)), None)
    if name is None:
        value = "grpc's own" if transport == "grpc" else "the system's"
        return {"value": value, "reason": f"{' and '.join(names)} not set"}
    path = os.environ[name]
    entry = {"value": path, "reason": f"{name} is set"}
    if not Path(path).exists():
        entry["problem"] = f"{name}: {path} is not a file; set it to a PEM file, or unset it"
    return entry
