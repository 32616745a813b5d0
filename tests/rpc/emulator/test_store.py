"""Numbers of the store: none comes twice, whatever happens between."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from gemwire_emulator.store import Store
from gemwire_proto import v1beta


def numbers(store: Store, count: int = 3) -> list[int]:
    return [store.next_number() for _ in range(count)]


def test_they_follow_each_other(tmp_path: Path) -> None:
    store = Store(tmp_path / "state")
    assert numbers(store, 2500) == list(range(1, 2501))
    store.close()
    # Nothing is skipped where it was closed.
    assert numbers(Store(tmp_path / "state")) == [2501, 2502, 2503]


def test_none_comes_again_after_a_kill(tmp_path: Path) -> None:
    script = f"""
import os, signal
from gemwire_emulator.store import Store
store = Store({str(tmp_path / "state")!r})
print(*[store.next_number() for _ in range(1500)], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    given = set(map(int, killed.stdout.split()))
    assert (killed.returncode, len(given)) == (-signal.SIGKILL, 1500)
    store = Store(tmp_path / "state")
    assert not given.intersection(numbers(store, 1500))
    store.close()


def test_a_file_has_one_store(tmp_path: Path) -> None:
    path = tmp_path / "state"
    store = Store(path)
    given = numbers(store)
    began = time.monotonic()
    with pytest.raises(ValueError, match=f"^state: {path} is in use by another emulator or program; stop it"):
        Store(path)
    # No other program can make calls wait.
    with closing(sqlite3.connect(path, 0, isolation_level=None)) as other:
        for statement in ("BEGIN IMMEDIATE", "SELECT * FROM resource"):
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute(statement)
    assert time.monotonic() - began < 10
    given += numbers(store)
    store.put("", "corpora/a", v1beta.Corpus(name="corpora/a"))
    store.close()
    again = Store(path)
    assert len({*given, *numbers(again)}) == len(given) + 3
    assert again.get("", "corpora/a") is not None
    again.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ValueError, match="is in use by another emulator or program"):
            Store(path)


def test_a_block_that_is_rolled_back_is_reserved_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "state")

    def failing() -> None:
        with store.transaction():
            numbers(store)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing()
    given = numbers(store, 1500)
    assert len(set(given)) == len(given)
    store.close()
    assert not set(given).intersection(numbers(Store(tmp_path / "state")))


def test_a_copy_goes_on_where_the_original_was(tmp_path: Path) -> None:
    store = Store()
    store.put("", "corpora/a", v1beta.Corpus(name="corpora/a"))
    numbers(store)
    with closing(sqlite3.connect(tmp_path / "copy", isolation_level=None)) as copy:
        store.copy_to(copy)
    expected = numbers(store)
    store.copy_from(tmp_path / "copy")
    assert numbers(store) == expected
