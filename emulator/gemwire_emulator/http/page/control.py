"""Controls of a running emulator: faults, quota, pace, clock and reset."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import Field, asdict, fields, replace
from typing import Any

import grpc

from gemwire_emulator.admission import AdmissionController, Quota
from gemwire_emulator.clock import Clock
from gemwire_emulator.errors import StatusError, invalid_argument
from gemwire_emulator.fault_rules import FRONTS, FaultRule
from gemwire_emulator.http.page.json_endpoint import ControlRequest
from gemwire_emulator.latency import PROFILES

_STATUSES = [code.name for code in grpc.StatusCode if code is not grpc.StatusCode.OK]
_CHOICES: Mapping[str, list[str]] = {"status": _STATUSES, "front": list(FRONTS)}
_JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}
#: A century: later times cannot be represented in resources.
_MAX_ADVANCE = 100 * 366 * 86400


class Control:
    """Handlers of the settings that can be changed while the emulator runs."""

    def __init__(self, admission: AdmissionController, clock: Clock, reset: Callable[[], None]) -> None:
        """Control an emulator.

        Args:
            admission: Faults, quota and pace.
            clock: The emulator's time.
            reset: Resets the emulator.
        """
        self._admission = admission
        self._clock = clock
        self._reset = reset
        self._numbers = itertools.count(1)
        self._numbered: list[tuple[int, FaultRule]] = []

    def get_state(self) -> dict[str, object]:
        """Return faults, quota and pace, for the page."""
        return {
            "faults": self._list_faults(),
            "quota": asdict(self._admission.quota),
            "pace": asdict(self._admission.pace),
        }

    async def list_faults(self, request: ControlRequest) -> dict[str, object]:
        """Handle ``GET /emulator/faults``: the rules, and the fields of a rule."""
        rule_fields = [_describe_field(field) for field in fields(FaultRule) if field.compare]
        return {"faults": self._list_faults(), "fields": rule_fields}

    async def add_faults(self, request: ControlRequest) -> dict[str, object]:
        """Handle ``POST /emulator/faults``: add a rule, or a list of rules."""
        bodies = request.body if isinstance(request.body, list) else [request.body]
        rules = [_parse_rule(body) for body in bodies]
        self._admission.rules.extend(rules)
        return {"faults": self._list_faults(rules)}

    async def clear_faults(self, request: ControlRequest) -> dict[str, object]:
        """Handle ``DELETE /emulator/faults``: remove all rules."""
        self._admission.rules.clear()
        return {}

    async def remove_fault(self, request: ControlRequest) -> dict[str, object]:
        """Handle ``DELETE /emulator/faults/{number}``."""
        for number, rule in self._number_rules():
            if str(number) == request.path["number"]:
                self._admission.rules[:] = [kept for kept in self._admission.rules if kept is not rule]
                return {}
        raise StatusError(grpc.StatusCode.NOT_FOUND, f"Fault {request.path['number']} was not found.")

    async def get_quota(self, request: ControlRequest) -> dict[str, object]:
        """Handle ``GET /emulator/quota``."""
        return asdict(self._admission.quota)

    async def set_quota(self, request: ControlRequest) -> dict[str, object]:
        """Handle ``PUT /emulator/quota``; fields that are not in the body keep their value."""
        names = [field.name for field in fields(Quota)]
        changes = _check_object(request.body, "a quota")
        for name, value in changes.items():
            if name not in names:
                raise _create_error(f"a quota has no {name}; it has {', '.join(names)}")
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise invalid_argument(name, f"{value!r} is not an integer of at least 0")
        self._admission.quota = replace(self._admission.quota, **changes)
        return asdict(self._admission.quota)

    async def get_pace(self, request: ControlRequest) -> dict[str, object]:
        """Handle ``GET /emulator/pace``: the pace, and the named profiles."""
        profiles = {name: asdict(profile) for name, profile in PROFILES.items()}
        return {"pace": asdict(self._admission.pace), "profiles": profiles}

    async def set_pace(self, request: ControlRequest) -> dict[str, object]:
        """Handle ``PUT /emulator/pace``: the name of a profile, or fields to change."""
        try:
            self._admission.pace = self._admission.pace.override(request.body)
        except ValueError as error:
            raise _create_error(str(error)) from None
        return {"pace": asdict(self._admission.pace)}

    async def get_clock(self, request: ControlRequest) -> dict[str, object]:
        """Handle ``GET /emulator/clock``."""
        return {"now": self._clock.datetime().isoformat().replace("+00:00", "Z")}

    async def advance_clock(self, request: ControlRequest) -> dict[str, object]:
        """Handle ``POST /emulator/clock`` with ``{"advance": seconds}``."""
        body = _check_object(request.body, "the clock's change")
        seconds = body.get("advance")
        if set(body) != {"advance"} or isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            raise _create_error('the body must be {"advance": seconds}')
        if not math.isfinite(seconds) or not 0 <= seconds <= _MAX_ADVANCE:
            raise invalid_argument("advance", f"{seconds!r} is not a number from 0 to {_MAX_ADVANCE}")
        try:
            self._clock.advance(seconds)
        except ValueError as error:
            raise _create_error(str(error)) from None
        return await self.get_clock(request)

    async def reset(self, request: ControlRequest) -> dict[str, object]:
        """Handle ``POST /emulator/reset``: forget state and calls, restore faults, quota and pace."""
        self._reset()
        return {}

    def _list_faults(self, only: list[FaultRule] | None = None) -> list[dict[str, object]]:
        return [
            {"number": number, **_describe_rule(rule)}
            for number, rule in self._number_rules()
            if only is None or any(rule is one for one in only)
        ]

    def _number_rules(self) -> list[tuple[int, FaultRule]]:
        """Return the rules with their numbers, which they keep; tests and headers add rules as well."""
        known = {id(rule): number for number, rule in self._numbered}
        self._numbered = [
            (known[id(rule)] if id(rule) in known else next(self._numbers), rule)
            for rule in self._admission.rules
        ]
        return self._numbered


def _describe_rule(rule: FaultRule) -> dict[str, object]:
    """Return the fields that differ from their default, the matching calls so far, and whether it is over."""
    values = {field.name: getattr(rule, field.name) for field in fields(rule) if field.compare}
    defaults = {field.name: field.default for field in fields(rule)}
    return {
        "rule": {name: value for name, value in values.items() if value != defaults[name]},
        "seen": rule.seen,
        "over": rule.times > 0 and rule.seen >= rule.nth + rule.times - 1,
    }


def _describe_field(field: Field[Any]) -> dict[str, object]:
    """Describe a field of a rule, for a form."""
    described = {"name": field.name, "type": _JSON_TYPES[type(field.default)], "default": field.default}
    return described | ({"choices": _CHOICES[field.name]} if field.name in _CHOICES else {})


def _parse_rule(body: object) -> FaultRule:
    try:
        return FaultRule.from_json(_check_object(body, "a fault"))
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise _create_error(str(error)) from None


def _check_object(body: object, what: str) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise _create_error(f"{what} must be a JSON object")
    return body


def _create_error(reason: str) -> StatusError:
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, f"{reason}.")
