"""gRPC over TLS, with the authority that the emulator names when it is ready."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import grpc
import pytest

from gemwire.testing import emulator
from gemwire_proto import v1beta
from gemwire_proto.v1beta.model_service import GET_MODEL

_NAME = "models/gemini-2.5-flash"
_PROGRAM = """
import sys
from gemwire import ClientOptions, v1beta
address, transport = sys.argv[1:]
options = ClientOptions(api_endpoint=address, api_key="k")
with v1beta.ModelServiceClient(transport=transport, client_options=options) as client:
    print(client.get_model(name="models/gemini-2.5-flash").name)
"""


def _get_model(channel: grpc.Channel) -> v1beta.Model:
    get = channel.unary_unary(
        GET_MODEL.path, v1beta.GetModelRequest.SerializeToString, v1beta.Model.FromString
    )
    found: v1beta.Model = get(v1beta.GetModelRequest(name=_NAME), timeout=20)
    return found


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_channels_that_trust_the_authority(tmp_path: Path, host: str) -> None:
    with emulator(tls_port=0, https_port=0, certificate_dir=tmp_path) as gemini:
        assert gemini.ca_file == str(tmp_path / "ca.pem")
        credentials = grpc.ssl_channel_credentials((tmp_path / "ca.pem").read_bytes())
        address = f"{host}:{gemini.tls.rpartition(':')[2]}"
        with grpc.secure_channel(address, credentials) as channel:
            assert _get_model(channel).name == _NAME
        [call] = gemini.calls("GetModel")
        assert (call.front, call.status) == ("grpc", "OK")
        with grpc.secure_channel(address, grpc.ssl_channel_credentials()) as channel:
            with pytest.raises(grpc.RpcError) as caught:
                _get_model(channel)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("transport", ["grpc", "h2"])
def test_clients_take_the_authority_from_the_environment(tmp_path: Path, transport: str) -> None:
    with emulator(tls_port=0, certificate_dir=tmp_path) as gemini:
        trusting = {**os.environ, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": gemini.ca_file}
        trusting.pop("GEMINI_EMULATOR_HOST", None)
        address = gemini.tls.replace("127.0.0.1", "localhost")
        command = [sys.executable, "-c", _PROGRAM, address, transport]
        ran = subprocess.run(command, env=trusting, capture_output=True, text=True, check=False, timeout=60)
        assert (ran.stdout, ran.returncode) == (f"{_NAME}\n", 0), ran.stderr


def test_connections_over_tls_can_be_broken(tmp_path: Path) -> None:
    with emulator(tls_port=0, certificate_dir=tmp_path) as gemini:
        gemini.fail(method="GetModel", disconnect=True)
        credentials = grpc.ssl_channel_credentials((tmp_path / "ca.pem").read_bytes())
        with grpc.secure_channel(gemini.tls, credentials) as channel:
            with pytest.raises(grpc.RpcError) as caught:
                _get_model(channel)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            # GOAWAY would have to be encrypted: it is not sent, and the connection stays whole.
            gemini.fail(method="GetModel", goaway=True)
            assert _get_model(channel).name == _NAME


def test_the_certificate_is_deleted_at_the_end() -> None:
    with emulator(tls_port=0) as gemini:
        file = Path(gemini.ca_file)
        assert file.exists()
    assert not file.parent.exists()
