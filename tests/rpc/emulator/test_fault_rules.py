"""Faults as JSON: a value that is not a number is refused by name."""

from __future__ import annotations

import json
import math

import pytest

from gemwire_emulator.fault_rules import FaultRule


@pytest.mark.parametrize("name", ["nth", "times", "after_messages", "delay", "retry_delay"])
@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, True, "1", None])
def test_numbers_are_finite(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{name}: .* is not a number of at least"):
        FaultRule.from_json({name: value})


def test_so_it_is_in_json() -> None:
    with pytest.raises(ValueError, match="delay: inf is not a number"):
        FaultRule.from_json(json.loads('{"delay": 1e999}'))
    assert FaultRule.from_json({"delay": 2, "retry_delay": -1, "nth": 3}).delay == 2
