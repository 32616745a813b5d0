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
    """

    input: Path
    output: Path
    failures: Path

    def __post_init__(self) -> None:
        if self.output.parent == self.output or self.output.is_dir():
            raise ValueError(f"output: {self.output} is a directory")
        paths = {"input": self.input, "output": self.output, "failures": self.failures}
        seen: dict[Path, str] = {}
        for name, path in paths.items():
            if other := seen.get(path.resolve()):
                raise ValueError(f"{name}: {path} is also the {other}; give a different file")
            seen[path.resolve()] = name
        for name in ("output", "failures"):
            if not paths[name].parent.is_dir():
                raise ValueError(f"{name}: directory {paths[name].parent} does not exist")
