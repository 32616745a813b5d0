"""What holds for every command: JSON that parses, exit codes, help, messages of one line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gemwire_command
import grpc
import pytest
from gemwire_command import complaint, run

from gemwire import errors, v1beta
from gemwire.cli import main
from gemwire.testing import RunningEmulator, environment

running, gemini = gemwire_command.running, gemwire_command.gemini


def leaves(command: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that call it."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, one in inner.items():
        yield from leaves(one, *path, name)


@pytest.fixture(scope="module")
def tree() -> dict[tuple[str, ...], Any]:
    import typer

    return dict(leaves(typer.main.get_command(main.app)))


def test_every_command_prints_json(
    gemini: RunningEmulator, tree: dict[tuple[str, ...], Any], tmp_path: Path
) -> None:
    gemini.reply("Blue.")
    with environment(gemini), v1beta.FileServiceClient() as client:
        client.create_file({"file": {"name": "files/photo"}})
    book = tmp_path / "book.txt"
    book.write_text("word " * 5000)
    examples = tmp_path / "examples.jsonl"
    examples.write_text('{"text_input": "a", "output": "b"}\n')
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text('"x"\n')
    lines: list[tuple[str, ...]] = [
        ("generate", "x"),
        ("chat",),
        ("count-tokens", "x"),
        ("embed", "x"),
        ("batch", str(prompts), str(tmp_path / "answers.jsonl")),
        ("embed-file", str(prompts), str(tmp_path / "vectors.jsonl")),
        ("models", "list"),
        ("models", "get", "gemini-2.5-flash"),
        ("tuned-models", "create", str(examples), "--id", "a"),
        ("tuned-models", "create", str(examples), "--id", "b", "--no-wait"),
        ("tuned-models", "list"),
        ("tuned-models", "get", "a"),
        ("tuned-models", "update", "a", "--description", "x"),
        ("tuned-models", "delete", "a"),
        ("files", "list"),
        ("files", "get", "photo"),
        ("files", "delete", "photo"),
        ("caches", "create", "--file", str(book)),
        ("caches", "list"),
        ("caches", "get", "CACHE"),
        ("caches", "update", "CACHE", "--ttl", "60"),
        ("caches", "delete", "CACHE"),
        ("corpora", "create", "Notes", "--id", "notes"),
        ("corpora", "list"),
        ("corpora", "get", "notes"),
        ("corpora", "update", "notes", "--display-name", "Other"),
        ("corpora", "query", "notes", "x"),
        ("corpora", "delete", "notes"),
        ("rpc", "Generative.CountTokens", '{"model": "models/gemini-2.5-flash", "contents": [{}]}'),
        ("rpc", "--list"),
        ("doctor",),
    ]
    done = set()
    cache = ""
    for line in lines:
        arguments = [cache if word == "CACHE" else word for word in line]
        stdin = "x\n" if line == ("chat",) else ""
        found = run(gemini.address, *arguments, "--json", stdin=stdin)
        printed = found.json
        assert isinstance(printed, (dict, list)), arguments
        assert found.err == ""
        if line[:2] == ("caches", "create"):
            assert isinstance(printed, dict)
            cache = printed["name"]
        done.add(line[:2] if line[:2] in tree else line[:1])
    # The first has a test of its own, with models; the second listens, and has one in tests/rpc/emulator.
    assert done == set(tree) - {("models", "pull"), ("serve",)}


def test_help_of_every_command(tree: dict[tuple[str, ...], Any]) -> None:
    for path, command in tree.items():
        if path == ("serve",):
            continue
        assert command.help, path
        for parameter in command.params:
            name = " ".join((*path, parameter.name))
            assert getattr(parameter, "help", None), f"{name} says nothing of itself"
        assert any("--json" in parameter.opts for parameter in command.params), path
    top = run(None, "--help")
    assert top.code == 0
    assert all(path[0] in top.out for path in tree)
    assert run(None, "--version").out.startswith("gemwire 0.")


_ERRORS = {
    kind.status: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.APIError) and "status" in vars(kind)
}


@pytest.mark.parametrize("status", sorted(code.name for code in grpc.StatusCode if code.name != "OK"))
def test_an_error_of_the_service(gemini: RunningEmulator, status: str) -> None:
    gemini.fail(status, method="CountTokens", message="Told so.", times=0)
    request = '{"model": "models/gemini-2.5-flash", "contents": [{}]}'
    told = complaint(run(gemini.address, "rpc", "Generative.CountTokens", request, "--timeout", "1"), 1)
    assert f"{_ERRORS[status].code} {status}: Told so." in told


def test_errors_of_everything_else(tmp_path: Path) -> None:
    nowhere: dict[str, Any] = {"HOME": str(tmp_path), "NO_GCE_CHECK": "true"}
    told = complaint(run(None, "count-tokens", "x", **nowhere), 1)
    for way in ("GEMINI_API_KEY", "default credentials", "GEMINI_EMULATOR_HOST", "--local"):
        assert way in told
    absent = {**nowhere, "GOOGLE_APPLICATION_CREDENTIALS": "absent.json"}
    assert "absent.json was not found" in complaint(run(None, "count-tokens", "x", **absent), 1)
    wrong = {**nowhere, "GEMINI_API_KEY": "x", "GOOGLE_API_USE_MTLS_ENDPOINT": "perhaps"}
    assert "GOOGLE_API_USE_MTLS_ENDPOINT" in complaint(run(None, "count-tokens", "x", **wrong), 1)
    elsewhere = {**nowhere, "GEMINI_EMULATOR_HOST": "example.com:1"}
    assert "GEMINI_EMULATOR_ALLOW_REMOTE" in complaint(run(None, "count-tokens", "x", **elsewhere), 2)
    assert "see --help" in complaint(run(None, "count-token", "x"), 2)


def test_nothing_is_left_to_say_without_a_command() -> None:
    ended = run(None)
    assert ended.code == 2
    assert "Usage: gemwire" in ended.out
    assert run(None, "models").code == 2
