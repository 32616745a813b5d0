"""From protos to files: compile, render, and cut the descriptor set of each family."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import grpc_tools
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc

from . import (
    model,
    model_reader,
    overlay,
    policy,
    render_clients,
    render_comments,
    render_grpc,
    render_messages,
    render_packages,
    render_services,
    render_views,
)
from .families import CARRIED, ROOT, Family, packages

_WELL_KNOWN_PROTOS = Path(grpc_tools.__file__).parent / "_proto"


class CompileError(Exception):
    """The protos do not compile; protoc has said why on stderr."""


@dataclass(frozen=True)
class Generated:
    """Generated files.

    Attributes:
        package: Those of ``gemwire_proto``, by their paths relative to the folder that holds it.
        clients: Service clients and their fronts, relative to the folder that holds ``gemwire``.
    """

    package: dict[str, bytes]
    clients: dict[str, bytes]


def generate(protos: Path, imports: Path, families: Sequence[Family]) -> Generated:
    """Generate everything.

    Args:
        protos: Folder of the protos, with ``call_policy.json``, ``resource_patterns.json`` and ``overlay/``.
        imports: Folder of what they import from elsewhere, ``google/api`` and its kin.
        families: What to generate.

    Raises:
        CompileError: The protos do not compile.
        OverlayError: An overlay does not fit what it merges into.
        ModelError: The protos hold something that has no Python name or form.
        PolicyError: The call policy and the protos disagree.
    """
    merged = overlay.merge(compile_protos(protos, imports))
    policies = policy.load(protos / "call_policy.json", model.rpc_names(merged.files))
    patterns = json.loads((protos / "resource_patterns.json").read_text(encoding="utf-8"))
    everything = model_reader.build(merged, policies, families, patterns)
    made = {f"{ROOT}/{name}": text.encode() for name, text in _render(everything, families).items()}
    for family in families:
        data = _descriptor_set(merged.files, family, base=family is families[0])
        made[f"{ROOT}/{family.descriptor_set}"] = data
    return Generated(made, dict(_render_clients(everything, families)))


def _render_clients(everything: model.Model, families: Sequence[Family]) -> Iterator[tuple[str, bytes]]:
    for full_name, (family, package) in packages(families).items():
        if package.clients:
            files = [file for file in everything.files if file.package == full_name]
            for name, text in render_clients.front(family, package, files).items():
                yield f"gemwire/{package.module}/{name}", text.encode()
            path = f"gemwire/_clients/aio/{package.module}.py"
            yield path, render_clients.clients(package, files).encode()


def compile_protos(protos: Path, imports: Path) -> list[FileDescriptorProto]:
    """Compile all protos of a folder, overlays included, and the carried ones.

    Returns:
        All files, imports included, each after those it imports, with source info.

    Raises:
        CompileError: They do not compile.
    """
    overlays = protos / "overlay"
    # Overlays last: protoc orders the files by those that it is given, and ours by what they import.
    found = sorted(protos.rglob("*.proto"), key=lambda path: (overlays in path.parents, path.as_posix()))
    own = [path.relative_to(overlays if overlays in path.parents else protos).as_posix() for path in found]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "descriptors.binpb")
        command = ["protoc", *(f"-I{path}" for path in (overlays, protos, imports, _WELL_KNOWN_PROTOS))]
        command += ["--include_imports", "--include_source_info", f"--descriptor_set_out={output}"]
        if protoc.main([*command, *own, *CARRIED]) != 0:
            raise CompileError("the protos do not compile")
        return list(FileDescriptorSet.FromString(output.read_bytes()).file)


def _render(everything: model.Model, families: Sequence[Family]) -> dict[str, str]:
    wanted = [file for file in everything.files if file.home or file.path in CARRIED]
    skipped = frozenset(file.path for file in everything.files) - {file.path for file in wanted}
    made = {"__init__.py": render_packages.root(families[0]), "py.typed": ""}
    members: dict[str, list[model.File]] = defaultdict(list)
    for file in wanted:
        made[f"{file.stem}_pb2.py"] = render_messages.module(file, skipped)
        made[f"{file.stem}_pb2.pyi"] = render_messages.stub(file, everything)
        members[file.package].append(file)
        if any(render_grpc.methods_over_grpc(service) for service in file.services):
            made[f"{file.stem}_pb2_grpc.py"] = render_grpc.module(file, everything)
    # The folders whose modules need the descriptors of a family that is not the base.
    folders: dict[PurePosixPath, Family] = {}
    for package, (family, home) in packages(families).items():
        listed, own = members[package], None if family is families[0] else family
        made[f"{home.module}/__init__.py"] = render_packages.index(home, listed, own)
        made[f"{home.module}/__init__.pyi"] = render_packages.index_stub(home, listed)
        for file in listed:
            for service in file.services:
                made[f"{home.module}/{service.snake}.py"] = render_services.module(service, file, everything)
        if home.views:
            made[f"{home.module}/views.py"] = render_views.module(home, listed, everything)
            made[f"{home.module}/views.pyi"] = render_views.stub(home, listed, everything)
        if own is not None:
            folders |= {PurePosixPath(file.path).parent: own for file in listed}
    made["families.py"] = render_packages.families(members, families)
    for family in families:
        described = [file for file in wanted if (file.family or families[0]) is family]
        made[family.comments] = render_comments.comments(described)
    for folder in {parent for name in made for parent in PurePosixPath(name).parents}:
        made.setdefault(str(folder / "__init__.py"), render_packages.folder(folders.get(folder)))
    return made


def _descriptor_set(files: Sequence[FileDescriptorProto], family: Family, *, base: bool) -> bytes:
    """Serialize the descriptors of a family, imports included, without source info."""
    own = {package.name for package in family.packages}
    roots = [file.name for file in files if file.package in own or (base and file.name in CARRIED)]
    made = FileDescriptorSet()
    for file in _closure(files, roots):
        kept = made.file.add()
        kept.CopyFrom(file)
        kept.ClearField("source_code_info")
    return made.SerializeToString(deterministic=True)


def _closure(files: Sequence[FileDescriptorProto], roots: Iterable[str]) -> Iterator[FileDescriptorProto]:
    """Yield the named files and what they import, in the order of ``files``."""
    wanted = set(roots)
    for file in reversed(files):
        if file.name in wanted:
            wanted.update(file.dependency)
    return (file for file in files if file.name in wanted)
