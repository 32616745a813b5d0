"""The manifest of a job: a small file beside the output that says which job the output belongs to."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

from gemwire.bulk.job_files import JobFiles

#: Increased when outputs of earlier versions cannot be continued.
FORMAT = 1
#: Names of manifest entries in error messages.
_LABELS = {
    "format": "the version of the format",
    "kind": "the kind of job",
    "input": "the input",
    "failures": "the failures file",
}


class JobManifest:
    """Manifest of a job, and the files that hold it.

    A failures file that several jobs may name has a manifest of its own, with the id of its job.
    """

    def __init__(self, files: JobFiles, entries: dict[str, object]) -> None:
        """Create a manifest; ``entries`` are what must not change for a job to be continued, as JSON."""
        self._files = files
        self._id: object = uuid.uuid4().hex
        self._entries: dict[str, object] = {"format": FORMAT, **json.loads(json.dumps(entries))}

    def check(self) -> None:
        """Raise ValueError unless the output and the failures are empty or belong to this job."""
        files = self._files
        written = [path for path in (files.output, files.failures) if path.exists() and path.stat().st_size]
        if not written:
            return
        if not files.manifest.exists():
            raise ValueError(
                f"{written[0]} exists without {files.manifest.name}, which says what job it belongs to; "
                "choose another output"
            )
        before = _read(files.manifest)
        self._id = before.pop("id", None)
        names = {*before, *self._entries}
        different = sorted(name for name in names if before.get(name) != self._entries.get(name))
        if different:
            labels = ", ".join(_LABELS.get(name, name) for name in different)
            raise ValueError(
                f"{written[0]} belongs to another job: {labels} differs; give the original value, or choose "
                "another output"
            )
        if files.owner and files.failures in written:
            owner = _read(files.owner) if files.owner.exists() else {}
            if not self._id or owner.get("id") != self._id:
                raise ValueError(
                    f"failures: {files.failures} belongs to another job; give each job a file of its own"
                )

    def write(self) -> None:
        """Write the files atomically."""
        _write(self._files.manifest, {**self._entries, "id": self._id})
        if self._files.owner:
            _write(self._files.owner, {"id": self._id})

    def remove_unused(self, output_is_empty: bool, failures_is_empty: bool) -> None:
        """Delete the manifests of empty files."""
        if failures_is_empty:
            if self._files.owner:
                self._files.owner.unlink(missing_ok=True)
            if output_is_empty:
                self._files.manifest.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, object]:
    try:
        stored: object = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        raise ValueError(f"{path} cannot be read; choose another output") from None
    return stored if isinstance(stored, dict) else {}


def _write(path: Path, entries: dict[str, object]) -> None:
    temporary = path.with_name(f"{path.name}.new")
    # A new file: one that is there may be a link.
    temporary.unlink(missing_ok=True)
    try:
        with temporary.open("xb") as file:
            file.write(json.dumps(entries, ensure_ascii=False, indent=1).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
