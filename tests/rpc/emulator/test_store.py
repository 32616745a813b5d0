"""Numbers of the store: none comes twice, whatever happens between."""

from __future__ import annotations

import sqlite3
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
    given = set(numbers(Store(tmp_path / "state"), 1500))  # It is not closed.
    assert not given.intersection(numbers(Store(tmp_path / "state"), 1500))


def test_two_processes_never_get_the_same(tmp_path: Path) -> None:
    one, other = Store(tmp_path / "state"), Store(tmp_path / "state")
    given = numbers(one) + numbers(other) + numbers(one)
    one.close()
    given += numbers(other)
    other.close()
    given += numbers(Store(tmp_path / "state"))
    assert len(set(given)) == len(given)


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
