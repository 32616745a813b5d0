"""The files of a job."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Files:
    """The files of a job.

    Attributes:
        input: Lines.
        output: Answers.
        failures: Lines that failed.
    """

    input: Path
    output: Path
    failures: Path

    def __post_init__(self) -> None:
        if self.output.parent == self.output or self.output.is_dir():
            raise ValueError(f"output: {self.output} is a directory")
        named = {"input": self.input, "output": self.output, "failures": self.failures}
        seen: dict[Path, str] = {}
        for name, path in named.items():
            if other := seen.get(path.resolve()):
                raise ValueError(f"{name}: {path} is the {other} as well; each needs a file of its own")
            seen[path.resolve()] = name
        for name in ("output", "failures"):
            if not named[name].parent.is_dir():
                raise ValueError(f"{name}: there is no directory {named[name].parent}")
