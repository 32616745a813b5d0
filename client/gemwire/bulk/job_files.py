"""The files of a job."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class JobFiles:
    """Files of a job.

    Attributes:
        input: Requests.
        output: Responses.
        failures: Failed lines.
        manifest: Which job the output belongs to.
        owner: Which job the failures belong to; None if their name follows from that of the output.
        bitmap: Finished rows of an array.
    """

    input: Path
    output: Path
    failures: Path
    manifest: Path
    owner: Path | None
    bitmap: Path

    @classmethod
    def resolve(cls, input: Path, output: Path, failures: Path | None) -> JobFiles:  # noqa: A002
        """Return the files of a job.

        A link that the caller names is followed, and the other files are beside its target, so that the job
        is the same by any name. Files that the caller does not name must not be links.
        """
        if output.name in {"", "-"}:
            raise ValueError("output: a job needs a file, which records the finished lines")
        given, output = output, _resolve_output("output", output)
        # out.jsonl → out.failures.jsonl, out.npy → out.npy.failures.jsonl: two jobs may share a stem.
        default = output.with_name(f"{output.name.removesuffix('.jsonl')}.failures.jsonl")
        manifest, bitmap = (output.with_name(f"{output.name}.{suffix}") for suffix in ("job", "done"))
        implied, owner = [manifest, bitmap], None
        if failures is None:
            implied.append(default)
        else:
            failures = _resolve_output("failures", failures)
            if failures != default:
                owner = failures.with_name(f"{failures.name}.job")
                implied.append(owner)
        for path in implied:
            if path.is_symlink() or (path.exists() and not path.is_file()):
                raise ValueError(
                    f"output: {path} is not a regular file; the job needs this name for a file of its own"
                )
        files = cls(input, output, failures or default, manifest, owner, bitmap)
        names: dict[object, str] = {}
        for name, path in {**vars(files), "output": given}.items():
            other = names.setdefault(_identify(path), name) if path else name
            if other != name:
                raise ValueError(f"{name}: {path} is also the {other}; give a different file")
        return files


def _resolve_output(name: str, path: Path) -> Path:
    if path.parent == path or path.is_dir():
        raise ValueError(f"{name}: {path} is a directory")
    if path.exists() and not path.is_file():
        raise ValueError(
            f"{name}: {path} is not a regular file; a job reads the finished lines from it when it continues"
        )
    if path.is_symlink():
        path = path.resolve()
    if not path.parent.is_dir():
        raise ValueError(f"{name}: directory {path.parent} does not exist")
    return path


def _identify(path: Path) -> object:
    """Return what is the same for all names of a file."""
    try:
        status = path.stat()
    except OSError:
        return path.resolve()
    return status.st_dev, status.st_ino
