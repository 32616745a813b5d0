"""The program behind ``scripts/generate``, which rebuilds all that is generated from ``protos/``."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from . import build, model, overlay, policy
from .families import FAMILIES

_REPOSITORY = Path(__file__).resolve().parents[2]
_GENERATED = "generated"


def main() -> int:
    """Run the program."""
    parser = argparse.ArgumentParser(
        prog="scripts/generate", description="Rebuild generated/ and the service clients from protos/."
    )
    parser.add_argument("--check", action="store_true", help="only report whether a file would change")
    arguments = parser.parse_args()
    try:
        made = build.generate(_REPOSITORY / "protos", _REPOSITORY / ".buf" / "googleapis", families=FAMILIES)
    except (build.CompileError, overlay.OverlayError, model.ModelError, policy.PolicyError) as error:
        print(f"scripts/generate: {error}", file=sys.stderr)
        return 1
    files = {f"{_GENERATED}/{name}": content for name, content in made.package.items()}
    files |= {f"client/{name}": content for name, content in made.clients.items()}
    if arguments.check:
        return _check(files)
    for folder in (_GENERATED, *_fronts()):
        shutil.rmtree(_REPOSITORY / folder, ignore_errors=True)
    for name, content in files.items():
        path = _REPOSITORY / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return 0


def _fronts() -> list[str]:
    """Return the folders of the fronts, which hold nothing else."""
    return [f"client/gemwire/{p.module}" for family in FAMILIES for p in family.packages if p.clients]


def _check(files: dict[str, bytes]) -> int:
    present = {
        path.relative_to(_REPOSITORY).as_posix()
        for folder in (_GENERATED, *_fronts())
        for path in (_REPOSITORY / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    differing = sorted(present - files.keys())
    for name, content in files.items():
        path = _REPOSITORY / name
        if not path.is_file() or path.read_bytes() != content:
            differing.append(name)
    for name in differing:
        print(f"{name} differs")
    if differing:
        print("files do not match protos/: run scripts/generate and commit the result", file=sys.stderr)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
