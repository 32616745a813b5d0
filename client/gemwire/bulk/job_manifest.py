"""Which job an output is of: a small file beside it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

#: Goes up when outputs of before cannot be continued.
FORMAT = 1
#: What the parts of an identity are called when they differ.
_CALLED = {
    "format": "the version of the format",
    "kind": "the kind of job",
    "input": "the input",
    "failures": "the file of failures",
}


class Identity:
    """The identity of a job, and the file it is kept in."""

    def __init__(self, path: Path, tree: dict[str, Any]) -> None:
        """Nothing is read or written.

        Args:
            path: The file.
            tree: What must be the same for a job to be continued, as JSON has it.
        """
        self.path = path
        self._tree = {"format": FORMAT, **json.loads(json.dumps(tree))}

    def check(self, outputs: list[Path]) -> None:
        """See that what is there is of this job, or nothing.

        Args:
            outputs: The files that the job writes.

        Raises:
            ValueError: It is of another job, or nobody knows of which.
        """
        filled = next((path for path in outputs if path.exists() and path.stat().st_size), None)
        if filled is None:
            return  # With nothing in them, it does not matter of what.
        try:
            known: Any = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            raise ValueError(
                f"{filled} is there and {self.path.name} is not, which would tell what job it is of; "
                "choose another name"
            ) from None
        except (OSError, ValueError):
            raise ValueError(f"{self.path} cannot be read; choose another output") from None
        before: dict[str, Any] = known if isinstance(known, dict) else {}
        names: set[str] = {*before, *self._tree}
        different = {name for name in names if before.get(name) != self._tree.get(name)}
        if different:
            what = ", ".join(_CALLED.get(name, name) for name in sorted(different))
            raise ValueError(
                f"{filled} is of another job: {what} differs; give what it was begun with, or choose "
                "another name"
            )

    def write(self) -> None:
        """Put it beside the output, whole or not at all.

        Raises:
            OSError: It cannot be written.
        """
        data = json.dumps(self._tree, ensure_ascii=False, indent=1).encode() + b"\n"
        new = self.path.with_name(f"{self.path.name}.new")
        try:
            with new.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path)
        except OSError:
            new.unlink(missing_ok=True)
            raise
