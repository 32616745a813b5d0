"""Another family is another entry of the table: one of a test is generated, built and called."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = Path(__file__).parents[3]
_PROTO = "example/bookstore/v1/bookstore.proto"
_FRONTS = ("v1", "v1beta", "aiplatform_v1")
_CLIENTS = [name for module in _FRONTS for name in (f"{module}/__init__.py", f"_clients/aio/{module}.py")]


@pytest.fixture(scope="module")
def generator() -> Iterator[Any]:
    sys.path.insert(0, str(_ROOT / "scripts"))
    import protoc_gen_gemwire.build
    import protoc_gen_gemwire.model

    yield protoc_gen_gemwire
    sys.path.remove(str(_ROOT / "scripts"))


@pytest.fixture(scope="module")
def bookstore(generator: Any) -> Any:
    families = generator.families
    return families.Family(
        name="bookstore",
        title="Bookstore API",
        packages=(families.Package("example.bookstore.v1", "bookstore_v1", views=True),),
        host="bookstore.example.com",
        descriptor_set="bookstore.binpb",
        comments="bookstore_comments.json",
    )


@pytest.fixture(scope="module")
def protos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All protos, and those of the other family; Bookstore/GetBook has a deadline of its own."""
    folder = tmp_path_factory.mktemp("protos")
    shutil.copytree(_ROOT / "protos", folder, dirs_exist_ok=True)
    shutil.copytree(Path(__file__).parent / "bookstore", folder, dirs_exist_ok=True)
    file = folder / "call_policy.json"
    policy = json.loads(file.read_text())
    names = [{"service": "example.bookstore.v1.Bookstore", "method": m} for m in ("GetBook", "ReadShelf")]
    policy["methodConfig"].append({"name": names, "timeout": "7s"})
    file.write_text(json.dumps(policy))
    return folder


@pytest.fixture(scope="module")
def files(generator: Any, bookstore: Any, protos: Path) -> dict[str, bytes]:
    imports = _ROOT / ".buf" / "googleapis"
    made = generator.build.generate(protos, imports, (*generator.families.FAMILIES, bookstore))
    named = tuple(f"gemwire/{module}/{folder}/" for module in _FRONTS for folder in ("services", "types"))
    assert {name for name in made.clients if not name.startswith(named)} == {
        f"gemwire/{name}" for name in _CLIENTS
    }
    found: dict[str, bytes] = made.package
    return found


@pytest.fixture(scope="module")
def package(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def test_it_is_built_and_called(package: Path) -> None:
    script = Path(__file__).with_name("bookstore_calls.py")
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(package)},
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "called shelves/a/books/b\n"), done.stderr


def test_it_changes_nothing_of_the_other(files: dict[str, bytes]) -> None:
    for path in (_ROOT / "generated").rglob("*"):
        name = path.relative_to(_ROOT / "generated").as_posix()
        if path.suffix == ".binpb":
            # protoc orders the files of a set by those that it is given.
            assert _by_name(files[name]) == _by_name(path.read_bytes())
        elif path.is_file() and "__pycache__" not in name and name != "gemwire_proto/families.py":
            assert files[name] == path.read_bytes(), name


def _by_name(descriptor_set: bytes) -> dict[str, Any]:
    return {file.name: file for file in FileDescriptorSet.FromString(descriptor_set).file}


def test_each_descriptor_set_is_complete(files: dict[str, bytes]) -> None:
    for name in ("descriptors.binpb", "bookstore.binpb"):
        seen: set[str] = set()
        for file in FileDescriptorSet.FromString(files[f"gemwire_proto/{name}"]).file:
            assert set(file.dependency) <= seen
            assert not file.HasField("source_code_info")
            seen.add(file.name)
        assert (_PROTO in seen) == (name == "bookstore.binpb")


def test_its_comments_are_a_file_of_their_own(files: dict[str, bytes]) -> None:
    found = json.loads(files["gemwire_proto/bookstore_comments.json"])
    assert found["example.bookstore.v1.Book"]["genre"] == "Its genre."
    assert {name.rpartition(".")[0] for name in found} == {"example.bookstore.v1"}


def test_mypy_takes_what_is_generated(package: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--python-version=3.10",
        "--cache-dir",
        str(package / "cache"),
    ]
    done = subprocess.run(
        [*command, "-p", "gemwire_proto.bookstore_v1"],
        cwd=package,
        env={**os.environ, "MYPYPATH": os.pathsep.join([str(package), str(_ROOT / "runtime")])},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"host": "other.example.com"}, "has other.example.com"),
        ({"packages": ()}, "package example.bookstore.v1 belongs to no family; add it to families.py"),
    ],
    ids=["host", "package"],
)
def test_services_that_do_not_fit_are_refused(
    generator: Any, bookstore: Any, protos: Path, change: dict[str, Any], words: str
) -> None:
    families = (*generator.families.FAMILIES, replace(bookstore, **change))
    with pytest.raises(generator.model.ModelError, match=r"^example\.bookstore\.v1\.Bookstore: ") as caught:
        generator.build.generate(protos, _ROOT / ".buf" / "googleapis", families)
    assert words in str(caught.value)
