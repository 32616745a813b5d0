"""The manifest of a job: a small file beside the output that says which job the output belongs to."""

from __future__ import annotations

import json
import os
from pathlib import Path

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
    """Manifest of a job, and the file that holds it."""

    def __init__(self, path: Path, entries: dict[str, object]) -> None:
        """Create a manifest; ``entries`` are what must not change for a job to be continued, as JSON."""
        self.path = path
        self._entries: dict[str, object] = {"format": FORMAT, **json.loads(json.dumps(entries))}

    def check(self, outputs: list[Path]) -> None:
        """Raise unless the outputs are empty or belong to this job.

        Raises:
            ValueError: An output belongs to another or an unknown job.
        """
        existing = next((path for path in outputs if path.exists() and path.stat().st_size), None)
        if existing is None:
            return
        try:
            stored: object = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            raise ValueError(
                f"{existing} exists without {self.path.name}, which says what job it belongs to; choose "
                "another output"
            ) from None
        except (OSError, ValueError):
            raise ValueError(f"{self.path} cannot be read; choose another output") from None
        before: dict[str, object] = stored if isinstance(stored, dict) else {}
        names = {*before, *self._entries}
        different = sorted(name for name in names if before.get(name) != self._entries.get(name))
        if different:
            labels = ", ".join(_LABELS.get(name, name) for name in different)
            raise ValueError(
                f"{existing} belongs to another job: {labels} differs; give the original value, or choose "
                "another output"
            )

    def write(self) -> None:
        """Write the file atomically.

        Raises:
            OSError: The file cannot be written.
        """
        data = json.dumps(self._entries, ensure_ascii=False, indent=1).encode() + b"\n"
        temporary = self.path.with_name(f"{self.path.name}.new")
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
