"""``gemwire doctor`` tells the truth, says why, and keeps secrets; ``gemwire.diagnose`` behind it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import certificates
import gemwire_command
import google.auth.exceptions
import pytest
from gemwire_command import run
from google.oauth2.credentials import Credentials
from scripted_http_server import WebServer

import gemwire
from gemwire import v1beta
from gemwire._transport.proxies import find_grpc_proxy, mask_credentials
from gemwire.testing import RunningEmulator

running, gemini = gemwire_command.running, gemwire_command.gemini

HOST = "generativelanguage.googleapis.com"
MTLS_HOST = "generativelanguage.mtls.googleapis.com"
KEY: dict[str, Any] = {"GEMINI_API_KEY": "k3y-s3cret"}


@pytest.fixture
def alone(tmp_path: Path) -> dict[str, Any]:
    """A machine that has nothing, and is nowhere near Google's."""
    return {"HOME": str(tmp_path), "NO_GCE_CHECK": "true"}


def found(
    address: str | None, *arguments: str, code: int = 0, connects: bool = False, **variables: Any
) -> Any:
    """The report, after a look at both of its forms."""
    arguments = arguments if connects else (*arguments, "--offline")
    ended = run(address, "doctor", "--json", *arguments, **variables)
    text = run(address, "doctor", *arguments, **variables)
    assert (ended.code, text.code, ended.err, text.err) == (code, code, "", ""), (ended, text)
    report = json.loads(ended.out)
    assert report["ok"] == (code == 0)
    assert ("No problems found." in text.out) == (code == 0)
    for name in ("endpoint", "certificate", "credentials"):
        assert report[name]["reason"] in text.out
    for problem in report["problems"]:
        assert f"problem: {' '.join(problem.split())}\n" in text.out
    assert not any(secret in ended.out + text.out for secret in ("k3y", "s3cret", "p4ssword"))
    return report


def test_all_is_well(alone: dict[str, Any]) -> None:
    report = found(None, **KEY, **alone)
    assert report["endpoint"] == {
        "value": f"{HOST}:443",
        "reason": "GOOGLE_API_USE_MTLS_ENDPOINT is not set (auto) and there is no client certificate",
    }
    assert report["universe"]["value"] == "googleapis.com"
    assert report["certificate"]["value"] == "none"
    assert report["credentials"] == {"value": "API key", "reason": "GEMINI_API_KEY is set"}
    assert report["proxy"]["value"] == "none"
    assert report["versions"]["gemwire"] == gemwire.__version__
    assert {"grpcio", "protobuf", "google-auth", "python"} <= report["versions"].keys()
    assert report["extras"]["cli"] is True
    assert "emulator" not in report


def test_an_emulator_that_answers(gemini: RunningEmulator) -> None:
    report = found(gemini.address, **KEY)
    assert report["endpoint"]["value"] == gemini.address
    assert "GEMINI_EMULATOR_HOST is set" in report["endpoint"]["reason"]
    assert report["credentials"]["value"] == "none"
    assert report["emulator"]["value"] == "answers"


def test_an_emulator_that_does_not() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        report = found(address, code=1)
    assert address in report["problems"][0]
    assert "gemwire serve" in report["problems"][0]


def test_no_proxy_before_an_emulator_on_this_machine(gemini: RunningEmulator) -> None:
    report = found(gemini.address, https_proxy="http://me:p4ssword@127.0.0.1:1")
    assert report["proxy"] == {"value": "none", "reason": "the emulator is on this machine"}
    assert report["emulator"]["value"] == "answers"


def test_a_proxy_before_an_emulator_elsewhere() -> None:
    elsewhere = "emulator.test:1"
    proxy: dict[str, Any] = {
        "https_proxy": "http://me:p4ssword@127.0.0.1:1",
        "GEMINI_EMULATOR_ALLOW_REMOTE": "true",
    }
    report = found(elsewhere, code=1, **proxy)
    assert report["proxy"] == {"value": "http://***@127.0.0.1:1", "reason": "https_proxy is set"}
    assert "set no_proxy=emulator.test" in report["problems"][0]


@pytest.mark.parametrize(
    ("variables", "where", "says"),
    [
        ({"GEMINI_EMULATOR_HOST": "example.com:1"}, "endpoint", "GEMINI_EMULATOR_ALLOW_REMOTE=true"),
        ({"GEMINI_EMULATOR_HOST": "http://localhost:1"}, "endpoint", "give the host alone"),
        ({**KEY, "GOOGLE_API_USE_MTLS_ENDPOINT": "perhaps"}, "endpoint", "`never`, `auto` or `always`"),
        ({**KEY, "GOOGLE_CLOUD_UNIVERSE_DOMAIN": " "}, "universe", "unset GOOGLE_CLOUD_UNIVERSE_DOMAIN"),
        ({"GOOGLE_API_KEY": "k3y s3cret"}, "credentials", "environment variable GOOGLE_API_KEY"),
        ({"GOOGLE_APPLICATION_CREDENTIALS": "absent.json"}, "credentials", "absent.json was not found"),
        ({}, "credentials", "set GEMINI_API_KEY, or set up application default"),
        ({**KEY, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": "absent.pem"}, "roots", "absent.pem"),
    ],
)
def test_what_stands_in_the_way(
    alone: dict[str, Any], variables: dict[str, str], where: str, says: str
) -> None:
    report = found(None, code=1, **{**alone, **variables})
    assert says in report[where]["problem"]
    assert report["problems"] == [report[where]["problem"]]


def test_an_endpoint_of_an_option(alone: dict[str, Any]) -> None:
    report = found(None, "--api-endpoint", "example.com:8443", **KEY, **alone)
    assert report["endpoint"] == {"value": "example.com:8443", "reason": "api_endpoint was given"}
    report = found(None, "--api-endpoint", "https://example.com", code=1, **KEY, **alone)
    assert "give the host alone" in report["problems"][0]


def test_secure_connect(alone: dict[str, Any]) -> None:
    chain, key = certificates.Authority("clients").issue("a client")
    folder = Path(alone["HOME"]) / ".secureConnect"
    folder.mkdir()
    (folder / "pair.pem").write_bytes(chain + key)
    metadata = folder / "context_aware_metadata.json"
    metadata.write_text(json.dumps({"cert_provider_command": ["cat", str(folder / "pair.pem")]}))
    report = found(None, **KEY, **alone)
    assert report["certificate"]["value"] == "none"
    assert "GOOGLE_API_USE_CLIENT_CERTIFICATE is not set" in report["certificate"]["reason"]
    alone["GOOGLE_API_USE_CLIENT_CERTIFICATE"] = "true"
    report = found(None, **KEY, **alone)
    assert report["certificate"]["value"] == "SecureConnect"
    assert report["endpoint"]["value"] == f"{MTLS_HOST}:443"
    assert report["endpoint"]["reason"].endswith("(auto) and there is a client certificate")
    report = found(None, **KEY, **alone, GOOGLE_API_USE_MTLS_ENDPOINT="never")
    assert report["endpoint"] == {"value": f"{HOST}:443", "reason": "GOOGLE_API_USE_MTLS_ENDPOINT is never"}
    metadata.write_text(json.dumps({"cert_provider_command": ["false"]}))
    report = found(None, code=1, **KEY, **alone)
    assert "GOOGLE_API_USE_CLIENT_CERTIFICATE=false" in report["certificate"]["problem"]
    metadata.unlink()
    report = found(None, **KEY, **alone)
    assert "neither a workload certificate nor ~/.secureConnect" in report["certificate"]["reason"]


def test_a_workload_certificate(alone: dict[str, Any]) -> None:
    workload = certificates.workload(Path(alone["HOME"]) / "workload", certificates.Authority("workloads"))
    report = found(None, **KEY, **alone, GOOGLE_API_CERTIFICATE_CONFIG=str(workload.config))
    assert report["certificate"] == {
        "value": "workload certificate",
        "reason": "this machine has a workload certificate",
    }
    assert report["endpoint"]["value"] == f"{MTLS_HOST}:443"


def test_credentials_files(alone: dict[str, Any]) -> None:
    account = certificates.service_account()
    file = Path(alone["HOME"]) / "robot.json"
    file.write_text(json.dumps(account))
    report = found(None, **alone, GOOGLE_APPLICATION_CREDENTIALS=str(file))
    value = report["credentials"]["value"]
    assert value == f"service account credentials of {account['client_email']}, from {file}"
    assert f"GOOGLE_APPLICATION_CREDENTIALS is {file}" in report["credentials"]["reason"]
    of_project: dict[str, Any] = {
        "GOOGLE_APPLICATION_CREDENTIALS": str(file),
        "GOOGLE_CLOUD_QUOTA_PROJECT": "a-project",
    }
    report = found(None, **alone, **of_project)
    assert report["credentials"]["reason"].endswith("; quota project is a-project")
    report = found(None, **KEY, **alone, GOOGLE_APPLICATION_CREDENTIALS=str(file))
    assert report["credentials"]["value"] == "API key"
    assert "takes precedence over GOOGLE_APPLICATION_CREDENTIALS" in report["credentials"]["reason"]
    gcloud = Path(alone["HOME"]) / ".config" / "gcloud"
    gcloud.mkdir(parents=True)
    user = {"client_id": "x", "client_secret": "s3cret", "refresh_token": "s3cret", "type": "authorized_user"}
    (gcloud / "application_default_credentials.json").write_text(json.dumps(user))
    report = found(None, **alone)
    assert report["credentials"]["value"].startswith(f"user credentials, from {gcloud}")
    assert "and neither is GOOGLE_APPLICATION_CREDENTIALS" in report["credentials"]["reason"]


# The same decisions as a client's -------------------------------------------------------------------


@pytest.mark.parametrize(
    "variables",
    [
        {**KEY},
        {},
        {"GOOGLE_API_KEY": "a", "GEMINI_API_KEY": "b"},
        {"GOOGLE_API_KEY": "a b"},
        {**KEY, "GOOGLE_API_USE_MTLS_ENDPOINT": "always"},
        {**KEY, "GOOGLE_API_USE_MTLS_ENDPOINT": "never"},
        {**KEY, "GOOGLE_API_USE_MTLS_ENDPOINT": "x"},
        {**KEY, "GOOGLE_API_USE_MTLS_ENDPOINT": "always", "GOOGLE_CLOUD_UNIVERSE_DOMAIN": "example.com"},
        {**KEY, "GOOGLE_CLOUD_UNIVERSE_DOMAIN": "example.com"},
        {**KEY, "GOOGLE_CLOUD_UNIVERSE_DOMAIN": ""},
        {"GEMINI_EMULATOR_HOST": "localhost:1"},
        {"GEMINI_EMULATOR_HOST": "example.com:1"},
        {"GEMINI_EMULATOR_HOST": "localhost:1", "GOOGLE_API_USE_MTLS_ENDPOINT": "x"},
    ],
)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"api_endpoint": "example.org"},
        {"api_endpoint": "x y"},
        {"api_key": "c"},
        {"universe_domain": "example.net"},
    ],
)
def test_it_cannot_drift(
    monkeypatch: pytest.MonkeyPatch, alone: dict[str, Any], variables: Mapping[str, str], options: Any
) -> None:
    for name, value in {**alone, **variables}.items():
        monkeypatch.setenv(name, value)
    diagnosis = gemwire.diagnose(options)
    try:
        with v1beta.ModelServiceClient(client_options=options) as client:
            assert diagnosis.problems == []
            assert diagnosis.endpoint.value == client.transport.host
            assert diagnosis.universe_domain.value == client.universe_domain
            assert (diagnosis.emulator is None) == ("GEMINI_EMULATOR_HOST" not in variables)
    except (ValueError, google.auth.exceptions.GoogleAuthError):
        assert diagnosis.problems


def test_what_a_program_gives() -> None:
    diagnosis = gemwire.diagnose(
        {"client_cert_source": lambda: (b"", b"")}, credentials=Credentials("s3cret")
    )
    assert diagnosis.credentials.reason == "credentials were given"
    assert "s3cret" not in repr(diagnosis)
    assert diagnosis.certificate.value == "none"
    with pytest.raises(ValueError, match="does not accept"):
        gemwire.diagnose({"nonsense": 1})


# Proxies as grpc sees them --------------------------------------------------------------------------


@contextlib.contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        made.listen()
        made.settimeout(0.2)
        yield made


@pytest.mark.parametrize(
    "variables",
    [
        {"http_proxy": "PROXY"},
        {"HTTPS_PROXY": "PROXY"},
        {"grpc_proxy": "PROXY", "https_proxy": "http://127.0.0.1:1"},
        {"https_proxy": "", "http_proxy": "PROXY"},
        {"https_proxy": "PROXY", "no_proxy": "*"},
        {"https_proxy": "PROXY", "no_proxy": "a, 127.0.0.0/8"},
        {"https_proxy": "PROXY", "no_proxy": "0.0.1"},
        {"https_proxy": "PROXY", "no_grpc_proxy": "", "no_proxy": "127.0.0.1"},
    ],
)
def test_proxies_are_those_of_grpc(
    gemini: RunningEmulator, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    with listening() as proxy:
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        its = {name: value.replace("PROXY", address) for name, value in variables.items()}
        for name in list(os.environ):
            if name.lower().endswith("_proxy"):
                monkeypatch.delenv(name)
        for name, value in its.items():
            monkeypatch.setenv(name, value)
        expected, reason = find_grpc_proxy(gemini.address)
        assert reason
        program = "import grpc, sys; grpc.channel_ready_future(grpc.insecure_channel(sys.argv[1])).result(3)"
        ended = subprocess.run(
            [sys.executable, "-c", program, gemini.address], check=False, capture_output=True
        )
        assert (expected == address) == _was_asked(proxy) == (ended.returncode != 0)


def _was_asked(proxy: socket.socket) -> bool:
    try:
        proxy.accept()[0].close()
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize(
    ("proxy", "shown"),
    [
        ("http://a:b@host:1", "http://***@host:1"),
        ("a:b/c@d@host", "***@host"),
        ("http://host:1", "http://host:1"),
    ],
)
def test_passwords_of_proxies(proxy: str, shown: str) -> None:
    assert mask_credentials(proxy) == shown


# Connections ----------------------------------------------------------------------------------------


@pytest.fixture
def authority(tmp_path: Path) -> certificates.Authority:
    made = certificates.Authority("ours")
    (tmp_path / "ca.pem").write_bytes(made.certificate)
    return made


def _trust(folder: Path) -> dict[str, Any]:
    """The environment that trusts `authority`."""
    bundle = str(folder / "ca.pem")
    return {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": bundle, "REQUESTS_CA_BUNDLE": bundle}


@contextlib.contextmanager
def serving(folder: Path, pair: tuple[bytes, bytes]) -> Iterator[str]:
    """The address of a server with TLS and HTTP/2, or what looks like one."""
    (folder / "pair.pem").write_bytes(pair[0] + pair[1])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "pair.pem")
    context.set_alpn_protocols(["h2", "http/1.1"])
    server = WebServer(context)
    yield f"localhost:{server.address.rpartition(':')[2]}"
    server.stop()


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_a_connection(
    alone: dict[str, Any], authority: certificates.Authority, tmp_path: Path, transport: str
) -> None:
    trust = _trust(tmp_path)
    ask = ("--transport", transport, "--api-endpoint")
    with serving(tmp_path, authority.issue("localhost", "other.example")) as address:
        report = found(None, *ask, address, connects=True, **KEY, **alone, **trust)
        text = run(None, "doctor", *ask, address, **KEY, **alone, **trust).out
    assert report["connection"] == {"value": "TLSv1.3", "reason": "connected to 127.0.0.1"}
    (leaf,) = report["chain"]
    assert (leaf["subject"], leaf["issuer"]) == ("CN=localhost", "CN=ours")
    assert leaf["names"] == ["localhost", "other.example"]
    assert leaf["not_before"] < leaf["not_after"]
    assert (
        "\nchain 1      CN=localhost for localhost, other.example, signed by CN=ours, valid from 20" in text
    )


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_a_connection_that_fails(
    alone: dict[str, Any], authority: certificates.Authority, tmp_path: Path, transport: str
) -> None:
    trust = _trust(tmp_path)
    ask = ("--transport", transport, "--api-endpoint")
    with serving(tmp_path, authority.issue("localhost", hours=(-2, -1))) as address:
        report = found(None, *ask, address, connects=True, code=1, **KEY, **alone, **trust)
    (problem,) = report["problems"]
    assert problem.startswith(f"failed to connect to {address}: its certificate has expired (CN=localhost")
    assert "Renew the certificate" in problem
    assert report["connection"]["reason"] == "waiting does not mend it"
    assert report["chain"][0]["subject"] == "CN=localhost"
    report = found(None, *ask, "localhost:1", connects=True, code=1, **KEY, **alone, **trust)
    assert report["connection"]["reason"] == "it may be temporary"
    assert "Connection refused" in report["problems"][0]
    assert report["chain"] == []


def test_the_report_of_a_rest_client(alone: dict[str, Any]) -> None:
    ask = ("--transport", "rest")
    proxies: dict[str, Any] = {"HTTPS_PROXY": "http://me:p4ssword@127.0.0.1:1", "NO_PROXY": ""}
    report = found(None, *ask, **KEY, **alone, **proxies)
    assert report["proxy"] == {"value": "http://127.0.0.1:1", "reason": "HTTPS_PROXY or ALL_PROXY is set"}
    report = found(None, *ask, code=1, **KEY, **alone, HTTPS_PROXY="socks5://me:p4ssword@127.0.0.1:1")
    assert "of kind 'socks5'" in report["problems"][0]
    server = WebServer()
    report = found(None, *ask, connects=True, GEMINI_EMULATOR_HTTP_HOST=server.address)
    server.stop()
    assert report["connection"] == {"value": "plaintext", "reason": "connected to 127.0.0.1"}
    with pytest.raises(ValueError, match="transport: expected 'grpc' or 'rest', got 'soap'"):
        gemwire.diagnose(transport="soap")
