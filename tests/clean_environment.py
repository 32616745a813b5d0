"""An environment in which nothing of this machine decides about endpoints, certificates or credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

VARIABLES = (
    "CLOUDSDK_CONTEXT_AWARE_CERTIFICATE_CONFIG_FILE_PATH",
    "CLOUDSDK_CONTEXT_AWARE_USE_CLIENT_CERTIFICATE",
    "CLOUDSDK_CORE_PROJECT",
    "GCLOUD_PROJECT",
    "GEMINI_API_KEY",
    "GEMINI_EMULATOR_ALLOW_REMOTE",
    "GEMINI_EMULATOR_HOST",
    "GEMINI_EMULATOR_HTTP_HOST",
    "GOOGLE_API_CERTIFICATE_CONFIG",
    "GOOGLE_API_KEY",
    "GOOGLE_API_USE_CLIENT_CERTIFICATE",
    "GOOGLE_API_USE_MTLS_ENDPOINT",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_CLOUD_QUOTA_PROJECT",
    "GOOGLE_CLOUD_UNIVERSE_DOMAIN",
)


def clear(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Unset every variable that the clients read, with an empty home, and no metadata server."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(home / "gcloud"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
