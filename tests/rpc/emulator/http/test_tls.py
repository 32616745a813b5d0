"""HTTPS with a certificate that the emulator creates."""

from __future__ import annotations

import asyncio
import datetime
import gc
import json
import ssl
import stat
import subprocess
import sys
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from websockets.asyncio.client import connect

from gemwire_emulator.certificates import ensure_certificate
from gemwire_emulator.server import Emulator, Settings

NOW = datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)


def test_clients_that_trust_the_authority_connect(tmp_path: Path) -> None:
    async def test() -> None:
        settings = Settings(https_port=0, certificate_dir=tmp_path)
        async with Emulator(settings) as running:
            assert running.http == ""
            assert running.ca_file == str(tmp_path / "ca.pem")
            port = running.https.rpartition(":")[2]
            for host in ("127.0.0.1", "localhost"):
                url = f"https://{host}:{port}/v1beta/models/gemini-2.5-flash"
                trusting = ssl.create_default_context(cafile=running.ca_file)
                # What Python 3.13 does by default.
                trusting.verify_flags |= ssl.VERIFY_X509_STRICT
                answer = await asyncio.to_thread(urllib.request.urlopen, url, context=trusting)
                assert json.load(answer)["name"] == "models/gemini-2.5-flash"
                with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
                    await asyncio.to_thread(urllib.request.urlopen, url)
            path = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
            async with connect(f"wss://localhost:{port}{path}", ssl=trusting) as socket:
                await socket.send('{"setup": {"model": "models/gemini-2.0-flash"}}')
                assert await socket.recv() == b'{"setupComplete":{}}'
        again = Emulator(Settings(http_port=0, https_port=0))
        await again.start()
        assert again.http.startswith("http://127.0.0.1:")
        there.append(Path(again.ca_file).exists())  # noqa: ASYNC240
        await again.stop()
        there.append(Path(again.ca_file).parent.exists())

    there: list[bool] = []
    asyncio.run(test())
    assert there == [True, False]
    with warnings.catch_warnings():
        # Python 3.10 does not close connections on which clients broke off the handshake.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def test_certificates_are_kept_while_usable(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"

    def read(host: str = "127.0.0.1", now: datetime.datetime = NOW) -> tuple[bytes, bytes]:
        files = ensure_certificate(folder, host, now)
        return files.authority.read_bytes(), files.server.read_bytes()

    first = read()
    assert stat.S_IMODE((folder / "server.pem").stat().st_mode) == 0o600
    assert sorted(path.name for path in folder.iterdir()) == ["ca.pem", "server.pem"]
    assert b"PRIVATE KEY" not in first[0]
    assert read() == first
    assert read("localhost") == first
    assert read(now=NOW + datetime.timedelta(days=300)) == first
    # Near its end, for a name that it has not, and where a file is damaged, it is made anew.
    late = read(now=NOW + datetime.timedelta(days=340))
    assert late[0] != first[0]
    other = read("emulator.example", NOW + datetime.timedelta(days=340))
    assert other != late
    known = x509.load_pem_x509_certificate(other[1]).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert "emulator.example" in known.value.get_values_for_type(x509.DNSName)
    for name in ("ca.pem", "server.pem"):
        (folder / name).write_bytes(b"damaged")
        assert read("emulator.example", NOW + datetime.timedelta(days=340)) != other
        other = read("emulator.example", NOW + datetime.timedelta(days=340))
    (folder / "ca.pem").write_bytes(first[0])
    assert read("emulator.example", NOW + datetime.timedelta(days=340)) != other


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::1]", "192.0.2.7"])
def test_names_in_the_certificate(tmp_path: Path, host: str) -> None:
    files = ensure_certificate(tmp_path, host, NOW)
    names = x509.load_pem_x509_certificate(files.server.read_bytes()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert "localhost" in names.value.get_values_for_type(x509.DNSName)
    addresses = [str(address) for address in names.value.get_values_for_type(x509.IPAddress)]
    assert addresses[:2] == ["127.0.0.1", "::1"]
    assert "0.0.0.0" not in addresses


@pytest.fixture
def process(tmp_path: Path) -> Iterator[dict[str, str]]:
    options = ("--json", "--http-port", "0", "--https-port", "0", "--certificate-dir", str(tmp_path / "keys"))
    command = [sys.executable, "-m", "gemwire_emulator", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout
            yield json.loads(running.stdout.readline())
        finally:
            running.terminate()


def test_google_genai_live_needs_the_authority_only(
    process: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    genai = pytest.importorskip("google.genai")
    assert process["https"].startswith("https://127.0.0.1:")
    assert process["http"].startswith("http://127.0.0.1:")
    monkeypatch.setenv("SSL_CERT_FILE", process["ca"])
    weather = {"function_declarations": [{"name": "get_weather", "description": "Weather of a city."}]}

    async def test() -> None:
        client = genai.Client(api_key="k", http_options={"base_url": process["https"]})
        config = {"response_modalities": ["TEXT"], "tools": [weather]}
        async with client.aio.live.connect(model="gemini-2.0-flash", config=config) as session:
            turns = {"role": "user", "parts": [{"text": "Why is the sky blue?"}]}
            await session.send_client_content(turns=turns, turn_complete=True)
            texts = [message.text or "" async for message in session.receive()]
            assert "".join(texts).startswith("Emulated answer to: Why is the sky blue?")
            turns = {"role": "user", "parts": [{"text": "What is the weather in Paris?"}]}
            await session.send_client_content(turns=turns, turn_complete=True)
            async for message in session.receive():
                for call in message.tool_call.function_calls if message.tool_call else ():
                    result = {"id": call.id, "name": call.name, "response": {"output": "rain"}}
                    await session.send_tool_response(function_responses=[result])
            await session.send_realtime_input(text="Thanks")
            assert [m async for m in session.receive()][-1].server_content.turn_complete
        with pytest.raises(genai.errors.APIError, match="1008"):
            async with client.aio.live.connect(model="none") as session:
                pass

    asyncio.run(test())


def test_output_names_the_authority(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "gemwire_emulator",
        "--https-port",
        "0",
        "--certificate-dir",
        str(tmp_path),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        line = running.stdout.readline()
        running.terminate()
    assert ", https://127.0.0.1:" in line
    assert line.endswith(f" SSL_CERT_FILE={tmp_path / 'ca.pem'}\n")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--certificate-dir", "x"], "--certificate-dir requires --https-port"),
        (["--https-port", "0", "--certificate-dir", __file__], "is not a directory"),
        (["--https-port", "x"], "--https-port: 'x' is not an integer"),
    ],
)
def test_invalid_tls_options(options: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    from gemwire_emulator.__main__ import main

    with pytest.raises(SystemExit) as caught:
        main(options)
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_ports_in_use(tmp_path: Path) -> None:
    async def test() -> None:
        async with Emulator(Settings(https_port=0)) as first:
            port = int(first.https.rpartition(":")[2])
            with pytest.raises(OSError, match="in use"):
                await Emulator(Settings(https_port=port)).start()
            (tmp_path / "file").write_text("")
            with pytest.raises(OSError, match="file"):
                await Emulator(Settings(https_port=0, certificate_dir=tmp_path / "file")).start()

    asyncio.run(test())
