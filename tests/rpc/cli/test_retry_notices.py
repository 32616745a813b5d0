"""A command that waits for a service says so to a person, and to nobody else."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from gemwire_command import Terminal, run


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where nothing answers."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


def test_a_terminal_sees_what_is_waited_for(nobody: str) -> None:
    with Terminal(nobody, "models", "list") as terminal:
        line = terminal.expect("retrying in", within=40)
        assert (
            "gemwire: google.ai.generativelanguage.v1beta.ModelService/ListModels failed with UNAVAILABLE"
            in line
        )
        assert "attempt" in line


def test_a_pipe_gets_the_error_alone(nobody: str) -> None:
    ended = run(nobody, "rpc", "--timeout", "5", "Model.ListModels", "{}")
    assert ended.code == 1
    assert len(ended.err.splitlines()) == 1
    assert "retrying in" not in ended.err
