"""The command scripts/judge."""

from __future__ import annotations

import argparse
import difflib
import sys

from judge.runs import Kind, run_tests
from judge.table import FOLDER, count, list_failures

TITLES: dict[Kind, str] = {"api": "over the API", "offline": "without an API"}


def main() -> int:
    """Run the tests, and write or check the table."""
    parser = argparse.ArgumentParser(prog="scripts/judge")
    parser.add_argument("judged", choices=["genai", "emulator"])
    parser.add_argument("--check", action="store_true", help="compare with the table instead of writing it")
    parser.add_argument(
        "--only", action="append", default=[], metavar="FILE", help="a file of the tests; nothing is written"
    )
    options = parser.parse_args()
    kinds: list[Kind] = ["api"] if options.judged == "emulator" else ["api", "offline"]
    counts, lines = [], []
    for kind in kinds:
        theirs = run_tests("google", kind, options.only)
        if options.judged == "emulator":
            passed = sum(outcome.result == "passed" for outcome in theirs.values())
            counts.append(f"# {TITLES[kind]}: {passed} of {len(theirs)}")
            continue
        ours = run_tests("gemwire", kind, options.only)
        counts.append(f"# {TITLES[kind]}: %d of %d" % count(ours, theirs))
        lines += list_failures(kind, ours, theirs)
    text = "".join(f"{line}\n" for line in [*counts, *lines])
    table = FOLDER / f"{options.judged}.txt"
    print("\n".join(lines if options.only else counts))
    if options.only:
        return 0
    if not options.check:
        table.write_text(text, encoding="utf-8")
        return 0
    before = table.read_text(encoding="utf-8")
    sys.stderr.writelines(
        difflib.unified_diff(before.splitlines(True), text.splitlines(True), table.name, "now")
    )
    return int(before != text)


if __name__ == "__main__":
    sys.exit(main())
