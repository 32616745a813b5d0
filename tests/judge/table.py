"""The tables of Google's tests that do not pass, and their comparison with a run."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

from judge.reasons import find_reason
from judge.runs import Kind, Outcome

FOLDER = Path(__file__).parent
#: Titles of the counts.
TITLES: Mapping[Kind, str] = {"api": "over the API", "offline": "without the API"}
_THERE_TOO = "not with google-genai's own client either"


def list_failures(kind: Kind, ours: Mapping[str, Outcome], theirs: Mapping[str, Outcome]) -> list[str]:
    """Return a line for each test that fails, and one for a file all of whose tests fail for one reason.

    Args:
        kind: Which tests they are.
        ours: Outcomes by the tests' ids.
        theirs: Outcomes of all tests with google-genai's own client; empty when it is the one that is judged.
    """
    lines = []
    # Parameters that are private names give a test another id here.
    known = {*theirs, *(identity for identity in ours if "::" in identity)} if theirs else {*ours}
    for file, grouped in groupby(sorted(known), key=lambda identity: identity.partition("::")[0]):
        tests = [*grouped]
        reasons = {}
        for identity in tests:
            outcome = find(ours, identity)
            skipped = outcome.result == "skipped" and theirs and find(theirs, identity).result == "passed"
            if outcome.result == "failed" or skipped:
                there_too = identity in theirs and theirs[identity].result == "failed"
                reasons[identity] = _THERE_TOO if there_too else find_reason(identity, outcome.message)
        if len(tests) > 1 and len(reasons) == len(tests) and len({*reasons.values()}) == 1:
            lines.append(f"{kind} {file} (all): {reasons[tests[0]]}")
        else:
            lines += [f"{kind} {identity}: {reason}" for identity, reason in reasons.items()]
    return lines


def find(outcomes: Mapping[str, Outcome], identity: str) -> Outcome:
    """Return the outcome of a test; of one that was not collected, that of its file."""
    if identity in outcomes:
        return outcomes[identity]
    return outcomes.get(identity.partition("::")[0], Outcome("failed", "was not collected"))


def count(kind: Kind, ours: Mapping[str, Outcome], theirs: Mapping[str, Outcome]) -> str:
    """Return how many tests pass, of those that pass with google-genai's client or, without it, of all."""
    wanted = [test for test, outcome in theirs.items() if outcome.result == "passed"] or [*ours]
    passed = sum(find(ours, test).result == "passed" for test in wanted)
    return f"# {TITLES[kind]}: {passed} of {len(wanted)}"


def compare(name: str, kind: Kind, outcomes: Mapping[str, Outcome]) -> list[str]:
    """Return what a table does not say: tests that fail and are not listed, or pass and are.

    Args:
        name: Name of the table: ``genai`` or ``emulator``.
        kind: Which tests ran.
        outcomes: Their outcomes by their ids.
    """
    lines = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    found = [_read_identity(line.removeprefix(f"{kind} ")) for line in lines if line.startswith(f"{kind} ")]
    files = {each.removesuffix(" (all)") for each in found if each.endswith(" (all)")}
    listed = {each for each in found if not each.endswith(" (all)")}
    differences = []
    for identity, outcome in sorted(outcomes.items()):
        is_listed = identity in listed or identity.partition("::")[0] in files
        if outcome.result == "failed" and not is_listed and "::" in identity:
            differences.append(f"{identity} fails: {outcome.message[:300]}")
        if outcome.result == "passed" and is_listed:
            differences.append(f"{identity} passes, but {name}.txt lists it")
    return differences


def _read_identity(line: str) -> str:
    """Return the test of a line. Parameters may have what separates the reason; no reason has a bracket."""
    head, bracket, _ = line.rpartition("]: ")
    return f"{head}]" if bracket else line.partition(": ")[0]
