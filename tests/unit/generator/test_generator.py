"""The generator through ``scripts/generate``, in a copy of the checkout: what it refuses, what it repeats."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

_ROOT = Path(__file__).parents[3]
_SERVICE = "google.ai.generativelanguage.v1beta.GenerativeService"
_PROTO = "protos/google/ai/generativelanguage/v1beta/generative_service.proto"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What scripts/generate reads and writes, to be harmed freely."""
    for name in ("protos", "scripts", "generated", "client"):
        shutil.copytree(_ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    # The environment is this one, and must not be installed into from here.
    (tmp_path / "scripts" / "setup").write_text("#!/bin/sh\n")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / ".buf").symlink_to(_ROOT / ".buf")
    return tmp_path


def _generate(checkout: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "scripts" / "generate", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def _tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def _edit_policy(checkout: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    file = checkout / "protos" / "call_policy.json"
    policy = json.loads(file.read_text())
    change(policy["methodConfig"])
    file.write_text(json.dumps(policy))


def _edit_idempotent(checkout: Path, change: Callable[[list[str]], None]) -> None:
    file = checkout / "protos" / "call_policy.json"
    policy = json.loads(file.read_text())
    change(policy["idempotent"])
    file.write_text(json.dumps(policy))


def _name(method: str, service: str = _SERVICE) -> dict[str, str]:
    return {"service": service, "method": method}


def _assert_refused(checkout: Path, *words: str) -> None:
    before = _tree(checkout / "generated")
    done = _generate(checkout)
    assert done.returncode != 0
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert _tree(checkout / "generated") == before, "a failed generation must leave the tree alone"


def test_policy_for_a_missing_rpc(checkout: Path) -> None:
    _edit_policy(checkout, lambda configs: configs[0]["name"].append(_name("GenerateNothing")))
    _assert_refused(checkout, f"{_SERVICE}/GenerateNothing is no RPC", "call_policy.json")


def test_policy_for_a_missing_service(checkout: Path) -> None:
    _edit_policy(checkout, lambda configs: configs[0]["name"].append(_name("CountTokens", "google.ai.No")))
    _assert_refused(checkout, "google.ai.No/CountTokens is no RPC")


def test_rpc_without_a_policy(checkout: Path) -> None:
    def remove(configs: list[dict[str, Any]]) -> None:
        for config in configs:
            config["name"] = [name for name in config["name"] if name != _name("CountTokens")]

    _edit_policy(checkout, remove)
    _assert_refused(checkout, f"{_SERVICE}/CountTokens has no policy")


@pytest.mark.parametrize("place", [0, -1])
def test_two_policies_for_one_rpc(checkout: Path, place: int) -> None:
    _edit_policy(checkout, lambda configs: configs[place]["name"].append(_name("CountTokens")))
    _assert_refused(checkout, f"{_SERVICE}/CountTokens has two policies")


@pytest.mark.parametrize(
    ("method", "words"),
    [
        (
            "GenerateNothing",
            "idempotent: google.ai.generativelanguage.v1beta.GenerativeService/GenerateNothing is no",
        ),
        ("CountTokens", "CountTokens is there twice"),
    ],
)
def test_idempotent_rpcs_exist_and_are_named_once(checkout: Path, method: str, words: str) -> None:
    _edit_idempotent(checkout, lambda names: names.append(f"{_SERVICE}/{method}"))
    _assert_refused(checkout, "call_policy.json", words)


def test_what_is_read_is_idempotent_by_its_verb(checkout: Path) -> None:
    models = "google.ai.generativelanguage.v1beta.ModelService"
    _edit_idempotent(checkout, lambda names: names.append(f"{models}/GetModel"))
    _assert_refused(checkout, f"idempotent: {models}/GetModel is so by its verb, GET")


def test_idempotent_stands_in_the_method_table(checkout: Path) -> None:
    _edit_idempotent(checkout, lambda names: names.remove(f"{_SERVICE}/CountTokens"))
    assert _generate(checkout).returncode == 0
    written = _tree(checkout / "generated" / "gemwire_proto" / "v1beta")
    before = _tree(_ROOT / "generated" / "gemwire_proto" / "v1beta")
    changed = [name for name in before if before[name] != written[name]]
    assert changed == ["generative_service.py"]
    line = b"    idempotent=True,\n"
    assert before[changed[0]].count(line) == written[changed[0]].count(line) + 1


def _edit_proto(checkout: Path, old: str, new: str) -> None:
    file = checkout / _PROTO
    text = file.read_text()
    assert text.count(old) == 1, old
    file.write_text(text.replace(old, new))


def test_a_new_rpc_needs_a_policy(checkout: Path) -> None:
    rpc = "rpc CountWords(CountTokensRequest) returns (CountTokensResponse);"
    _edit_proto(checkout, "service GenerativeService {", f"service GenerativeService {{ {rpc}")
    _assert_refused(checkout, f"{_SERVICE}/CountWords has no policy")
    _edit_policy(checkout, lambda configs: configs[0]["name"].append(_name("CountWords")))
    assert _generate(checkout).returncode == 0
    written = (checkout / "generated" / "gemwire_proto" / "v1beta" / "generative_service.py").read_text()
    assert written.count("def count_words(") == 2


def test_two_rpcs_of_one_python_name(checkout: Path) -> None:
    rpc = "rpc COUNTTokens(CountTokensRequest) returns (CountTokensResponse);"
    _edit_proto(checkout, "service GenerativeService {", f"service GenerativeService {{ {rpc}")
    _edit_policy(checkout, lambda configs: configs[0]["name"].append(_name("COUNTTokens")))
    _assert_refused(checkout, "COUNTTokens", "CountTokens", "count_tokens()", _SERVICE)


def test_field_that_python_cannot_name(checkout: Path) -> None:
    _edit_proto(
        checkout, "message CountTokensResponse {", "message CountTokensResponse { string import = 999;"
    )
    _assert_refused(checkout, "CountTokensResponse.import", "keyword")


def test_broken_proto(checkout: Path) -> None:
    _edit_proto(checkout, "message CountTokensResponse {", "message CountTokensResponse { strin x = 999;")
    _assert_refused(checkout, "generative_service.proto", '"strin" is not defined')


def test_generation_repeats(checkout: Path) -> None:
    # Sets of strings come in another order under another seed.
    assert _generate(checkout, PYTHONHASHSEED="1").returncode == 0
    first = _tree(checkout / "generated")
    assert _generate(checkout, PYTHONHASHSEED="2").returncode == 0
    assert _tree(checkout / "generated") == first
    assert "gemwire_proto/descriptors.binpb" in first


def _append(checkout: Path, name: str) -> None:
    with (checkout / "generated" / "gemwire_proto" / name).open("a") as file:
        file.write("# edited\n")


_TAMPERING: dict[str, Callable[[Path], object]] = {
    "edited service": lambda checkout: _append(checkout, "v1beta/generative_service.py"),
    "edited runtime": lambda checkout: _append(checkout, "_pool.py"),
    "edited descriptors": lambda checkout: _append(checkout, "descriptors.binpb"),
    "edited front": lambda checkout: _append(checkout, "../../client/gemwire/v1beta/__init__.py"),
    "edited clients": lambda checkout: _append(checkout, "../../client/gemwire/_clients/aio/v1.py"),
    "extra file": lambda checkout: (checkout / "generated" / "gemwire_proto" / "extra.py").touch(),
    "missing file": lambda checkout: (checkout / "generated" / "gemwire_proto" / "py.typed").unlink(),
}


def test_check_finds_tampering(checkout: Path) -> None:
    assert _generate(checkout).returncode == 0
    clean = _generate(checkout, "--check")
    assert clean.returncode == 0, clean.stdout + clean.stderr
    generated, kept = checkout / "generated", checkout / "kept"
    shutil.copytree(generated, kept)
    for name, tamper in _TAMPERING.items():
        tamper(checkout)
        before = _tree(generated)
        done = _generate(checkout, "--check")
        assert done.returncode == 1, name
        assert "run scripts/generate" in done.stderr
        assert _tree(generated) == before, "--check must not write"
        shutil.rmtree(generated)
        shutil.copytree(kept, generated)
        assert _generate(checkout).returncode == 0


def test_check_finds_a_changed_comment(checkout: Path) -> None:
    assert _generate(checkout).returncode == 0
    _edit_proto(checkout, "message CountTokensResponse {", "// Changed.\nmessage CountTokensResponse {")
    assert _generate(checkout, "--check").returncode == 1
