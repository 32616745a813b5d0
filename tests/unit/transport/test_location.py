"""The host of a location, and which credentials Vertex AI takes from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import google.auth.credentials
import google.auth.exceptions
import pytest

from gemwire import aiplatform_v1, v1beta
from gemwire._transport import credentials

CLIENTS = [aiplatform_v1.PredictionServiceClient, aiplatform_v1.ModelServiceAsyncClient]
GLOBAL = "aiplatform.googleapis.com"


class Credentials(google.auth.credentials.Credentials):
    def refresh(self, request: object) -> None:
        self.token = "t"


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("GEMINI_EMULATOR_HOST", "GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_CLOUD_UNIVERSE_DOMAIN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GOOGLE_API_USE_CLIENT_CERTIFICATE", "false")
    # No application default credentials: neither a file, nor a server that tells them.
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("NO_GCE_CHECK", "true")


def host(kind: Any, **options: Any) -> str:
    made = kind(credentials=Credentials(), client_options=options)
    return str(made.api_endpoint)


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize(
    ("options", "mode", "expected"),
    [
        ({}, "never", GLOBAL),
        ({"location": "global"}, "never", GLOBAL),
        ({"location": "us-central1"}, "never", f"us-central1-{GLOBAL}"),
        ({"location": "europe-west12"}, "never", f"europe-west12-{GLOBAL}"),
        ({"location": "us"}, "never", "aiplatform.us.rep.googleapis.com"),
        ({"location": "eu"}, "never", "aiplatform.eu.rep.googleapis.com"),
        ({"location": "eu", "universe_domain": "u.example"}, "never", "aiplatform.eu.rep.u.example"),
        ({"location": "a-b1", "universe_domain": "u.example"}, "never", "a-b1-aiplatform.u.example"),
        ({"location": "us-central1", "api_endpoint": "10.0.0.1:8080"}, "never", "10.0.0.1:8080"),
        ({}, "always", "aiplatform.mtls.googleapis.com"),
        ({"location": "us-central1"}, "always", "us-central1-aiplatform.mtls.googleapis.com"),
        # google-genai leaves these as they are; there is no DNS entry for the other form.
        ({"location": "us"}, "always", "aiplatform.us.rep.googleapis.com"),
        # As Google's generated client, which uses an endpoint as it is given.
        ({"api_endpoint": f"us-central1-{GLOBAL}"}, "always", f"us-central1-{GLOBAL}"),
    ],
)
def test_hosts(
    kind: Any, options: dict[str, str], mode: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_API_USE_MTLS_ENDPOINT", mode)
    assert host(kind, **options) == expected


@pytest.mark.parametrize(
    "location", ["Mars 1", "us-central1/", "https://us-central1-aiplatform.googleapis.com", "", "US", "-a"]
)
@pytest.mark.parametrize("emulated", [True, False])
def test_what_is_no_location(location: str, emulated: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if emulated:
        monkeypatch.setenv("GEMINI_EMULATOR_HOST", "127.0.0.1:9")
    with pytest.raises(
        ValueError, match=r"^client_options\.location: .* is not a location; give a region such"
    ):
        host(aiplatform_v1.PredictionServiceClient, location=location)


def test_a_location_of_the_wrong_type_or_service() -> None:
    with pytest.raises(TypeError, match=r"^client_options\.location: expected a string, got int$"):
        host(aiplatform_v1.PredictionServiceClient, location=5)
    with pytest.raises(ValueError, match=r"^client_options\.location: .* is the same everywhere; leave it"):
        host(v1beta.GenerativeServiceClient, location="us-central1")


@pytest.mark.parametrize("variable", ["GOOGLE_API_KEY", "GEMINI_API_KEY"])
def test_the_line_end_of_a_key_is_left_out(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "a-key\r\n")
    assert credentials.find_environment_key() == (variable, "a-key")
    monkeypatch.setenv(variable, "a-\nkey")
    with pytest.raises(ValueError, match=f"environment variable {variable}: the API key holds"):
        credentials.find_environment_key()


@pytest.mark.parametrize("variable", ["GOOGLE_API_KEY", "GEMINI_API_KEY"])
def test_keys_of_the_gemini_api_are_not_read(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "a-key")
    v1beta.GenerativeServiceClient().close()
    with pytest.raises(google.auth.exceptions.DefaultCredentialsError):
        aiplatform_v1.PredictionServiceClient()
    aiplatform_v1.PredictionServiceClient(client_options={"api_key": "k"}).close()
