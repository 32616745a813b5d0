"""The command scripts/judge."""

from __future__ import annotations

import argparse
import sys

from judge.runs import Kind, Subject, load_outcomes, run_tests
from judge.table import FOLDER, compare, count, list_failures


def main() -> int:
    """Run the tests, and write or check a table."""
    parser = argparse.ArgumentParser(prog="scripts/judge")
    parser.add_argument("judged", choices=["genai", "emulator"])
    parser.add_argument("--check", action="store_true", help="compare with the table instead of writing it")
    parser.add_argument("--only", action="append", default=[], metavar="FILE", help="one file of the tests")
    options = parser.parse_args()
    subject: Subject = "gemwire" if options.judged == "genai" else "google"
    kinds: list[Kind] = ["api", "offline"] if options.judged == "genai" else ["api"]
    counts, lines = [], []
    for kind in kinds:
        ours = run_tests(subject, kind, options.only)
        if options.check or options.only:
            lines += compare(options.judged, kind, ours)
            continue
        theirs = load_outcomes(kind) if subject == "gemwire" else {}
        counts.append(count(kind, ours, theirs))
        lines += list_failures(kind, ours, theirs)
    if options.check or options.only:
        print("\n".join(lines))
        return int(bool(lines))
    text = "\n".join([*counts, *lines])
    (FOLDER / f"{options.judged}.txt").write_text(f"{text}\n", encoding="utf-8")
    print("\n".join(counts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
