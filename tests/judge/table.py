"""The table of Google's tests that do not pass, and its comparison with a run."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

from judge.reasons import find_reason
from judge.runs import Kind, Outcome

FOLDER = Path(__file__).parent


def list_failures(kind: Kind, outcomes: Mapping[str, Outcome], expected: Mapping[str, Outcome]) -> list[str]:
    """Return a line for each test that does not pass, and one for a file whose tests fail for one reason.

    Args:
        kind: Which tests they are.
        outcomes: Outcomes by the tests' ids.
        expected: Outcomes with google-genai's own client; tests that fail there too are left out.
    """
    lines = []
    wanted = sorted(identity for identity, outcome in expected.items() if outcome.result == "passed")
    for file, grouped in groupby(wanted, key=lambda each: each.partition("::")[0]):
        tests = [*grouped]
        failed = {each: found.message for each in tests if not (found := find(outcomes, each)).passed}
        reasons = {each: find_reason(each, message) for each, message in failed.items()}
        if len(tests) > 1 and len(failed) == len(tests) and len({*reasons.values()}) == 1:
            lines.append(f"{kind} {file} (all {len(tests)}): {reasons[tests[0]]}")
        else:
            lines += [f"{kind} {each}: {reason}" for each, reason in reasons.items()]
    return lines


def find(outcomes: Mapping[str, Outcome], identity: str) -> Outcome:
    """Return the outcome of a test; of one that was not collected, that of its file."""
    if identity in outcomes:
        return outcomes[identity]
    return outcomes.get(identity.partition("::")[0], Outcome("failed", "was not collected"))


def count(outcomes: Mapping[str, Outcome], expected: Mapping[str, Outcome]) -> tuple[int, int]:
    """Return how many of the tests that pass with google-genai's client pass, and how many there are."""
    wanted = [identity for identity, outcome in expected.items() if outcome.result == "passed"]
    return sum(find(outcomes, each).passed for each in wanted), len(wanted)
