"""``doctor``: where calls would go, as whom, and why."""

from __future__ import annotations

import os
import platform
from typing import Any

import google.protobuf
import grpc

import gemwire
from gemwire import v1beta
from gemwire.cli import output
from gemwire.cli.content import AsJson

_VARIABLES = (
    "GEMINI_EMULATOR_HOST",
    "GOOGLE_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_API_USE_MTLS_ENDPOINT",
    "GOOGLE_API_USE_CLIENT_CERTIFICATE",
    "GOOGLE_API_CERTIFICATE_CONFIG",
    "GOOGLE_CLOUD_UNIVERSE_DOMAIN",
    "GOOGLE_CLOUD_QUOTA_PROJECT",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "https_proxy",
    "HTTPS_PROXY",
)
_SECRET = ("GOOGLE_API_KEY", "GEMINI_API_KEY", "https_proxy", "HTTPS_PROXY")


def doctor(as_json: AsJson = False) -> None:
    """Say where calls would go, as whom, and why. Prints no secret."""
    found: dict[str, Any] = {
        "versions": {
            "gemwire": gemwire.__version__,
            "python": platform.python_version(),
            "grpcio": grpc.__version__,
            "protobuf": google.protobuf.__version__,
        },
        "environment": {
            name: "set, not shown" if name in _SECRET else os.environ[name]
            for name in _VARIABLES
            if os.environ.get(name)
        },
    }
    problem = ""
    try:
        with v1beta.GenerativeServiceClient() as client:
            found["endpoint"] = client.api_endpoint
            found["universe"] = client.universe_domain
            found["transport"] = repr(client.transport)
    except Exception as error:
        problem = found["problem"] = str(error)
    if as_json:
        output.print_json(found)
    else:
        for name, value in found.items():
            if isinstance(value, dict):
                output.write(f"{name}:\n" + "".join(f"  {k}: {v}\n" for k, v in value.items()))
            else:
                output.write(f"{name}: {value}\n")
    if problem:
        raise SystemExit(1)
