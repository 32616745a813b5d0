"""The program behind ``scripts/generate``: rebuilds ``generated/`` whole from ``protos/``."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from . import build, model, overlay, policy
from .families import FAMILIES

_REPOSITORY = Path(__file__).resolve().parents[2]
_GENERATED = _REPOSITORY / "generated"


def main() -> int:
    """Run the program."""
    parser = argparse.ArgumentParser(prog="scripts/generate", description="Rebuild generated/ from protos/.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail if that would change a file"
    )
    arguments = parser.parse_args()
    try:
        files = build.generate(_REPOSITORY / "protos", _REPOSITORY / ".buf" / "googleapis", families=FAMILIES)
    except (build.CompileError, overlay.OverlayError, model.ModelError, policy.PolicyError) as error:
        print(f"scripts/generate: {error}", file=sys.stderr)
        return 1
    if arguments.check:
        return _check(files)
    shutil.rmtree(_GENERATED, ignore_errors=True)
    for name, content in files.items():
        path = _GENERATED / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return 0


def _check(files: dict[str, bytes]) -> int:
    found = {
        path.relative_to(_GENERATED).as_posix(): path
        for path in _GENERATED.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    differing = [
        name
        for name in sorted({*found, *files})
        if name not in found or name not in files or found[name].read_bytes() != files[name]
    ]
    for name in differing:
        print(f"generated/{name} differs")
    if differing:
        print(
            "generated/ does not match protos/: run scripts/generate and commit the result", file=sys.stderr
        )
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
