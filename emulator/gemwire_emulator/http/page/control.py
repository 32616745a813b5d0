"""The switches: faults, quota, pace, time, and everything from the beginning."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
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
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}
#: A century: beyond it times of resources cannot be written any more.
_MOST_SECONDS = 100 * 366 * 86400


class Control:
    """What can be switched while the emulator runs."""

    def __init__(self, admission: AdmissionController, clock: Clock, reset: Callable[[], None]) -> None:
        """``reset`` forgets everything."""
        self._admission = admission
        self._clock = clock
        self._reset = reset
        self._numbers = itertools.count(1)
        self._numbered: list[tuple[int, FaultRule]] = []

    def state(self) -> dict[str, Any]:
        """All of it, to be shown."""
        return {
            "faults": self._faults(),
            "quota": asdict(self._admission.quota),
            "pace": asdict(self._admission.pace),
        }

    async def faults(self, request: ControlRequest) -> Any:
        """``GET /emulator/faults``: the rules, and what a rule can have."""
        return {"faults": self._faults(), "fields": [_described(f) for f in fields(FaultRule) if f.compare]}

    async def add_faults(self, request: ControlRequest) -> Any:
        """``POST /emulator/faults``: a rule, or a list of them."""
        wanted = request.body if isinstance(request.body, list) else [request.body]
        rules = [_rule(data) for data in wanted]
        self._admission.rules.extend(rules)
        return {"faults": [fault for fault in self._faults() if fault["number"] in self._numbers_of(rules)]}

    async def clear_faults(self, request: ControlRequest) -> Any:
        """``DELETE /emulator/faults``: none any more."""
        self._admission.rules.clear()
        return {}

    async def remove_fault(self, request: ControlRequest) -> Any:
        """``DELETE /emulator/faults/{number}``: not this one any more."""
        for number, rule in self._rules():
            if str(number) == request.path["number"]:
                self._admission.rules[:] = [kept for kept in self._admission.rules if kept is not rule]
                return {}
        raise StatusError(grpc.StatusCode.NOT_FOUND, f"There is no fault {request.path['number']}.")

    async def quota(self, request: ControlRequest) -> Any:
        """``GET /emulator/quota``."""
        return asdict(self._admission.quota)

    async def set_quota(self, request: ControlRequest) -> Any:
        """``PUT /emulator/quota``: what is not named stays."""
        known = [f.name for f in fields(Quota)]
        for name, value in _object(request.body, "a quota").items():
            if name not in known:
                raise _wrong(f"a quota has no {name}; it has {', '.join(known)}")
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise invalid_argument(name, f"{value!r} is no whole number of at least 0")
        self._admission.quota = replace(self._admission.quota, **request.body)
        return asdict(self._admission.quota)

    async def pace(self, request: ControlRequest) -> Any:
        """``GET /emulator/pace``: the pace, and the profiles there are."""
        profiles = {name: asdict(profile) for name, profile in PROFILES.items()}
        return {"pace": asdict(self._admission.pace), "profiles": profiles}

    async def set_pace(self, request: ControlRequest) -> Any:
        """``PUT /emulator/pace``: a profile's name, or what is to be otherwise."""
        try:
            self._admission.pace = self._admission.pace.override(request.body)
        except ValueError as error:
            raise _wrong(str(error)) from None
        return {"pace": asdict(self._admission.pace)}

    async def clock(self, request: ControlRequest) -> Any:
        """``GET /emulator/clock``: the emulator's time."""
        return {"now": self._clock.datetime().isoformat().replace("+00:00", "Z")}

    async def advance(self, request: ControlRequest) -> Any:
        """``POST /emulator/clock`` with ``{"advance": seconds}``."""
        seconds: Any = _object(request.body, "what to do with the clock").get("advance")
        number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
        if set(request.body) != {"advance"} or not number:
            raise _wrong('the clock takes {"advance": seconds}')
        if not math.isfinite(seconds) or not 0 <= seconds <= _MOST_SECONDS:
            raise invalid_argument("advance", f"{seconds!r} is no number from 0 to {_MOST_SECONDS}")
        self._clock.advance(seconds)
        return await self.clock(request)

    async def reset(self, request: ControlRequest) -> Any:
        """``POST /emulator/reset``: no state, no calls; faults, quota and pace of the settings."""
        self._reset()
        return {}

    def _faults(self) -> list[dict[str, Any]]:
        return [{"number": number, **_shown(rule)} for number, rule in self._rules()]

    def _numbers_of(self, rules: list[FaultRule]) -> set[int]:
        return {number for number, known in self._rules() if any(known is rule for rule in rules)}

    def _rules(self) -> list[tuple[int, FaultRule]]:
        """The gate's rules, each with the number that it keeps; rules come from elsewhere as well."""
        known = {id(rule): number for number, rule in self._numbered}
        self._numbered = [
            (known[id(rule)] if id(rule) in known else next(self._numbers), rule)
            for rule in self._admission.rules
        ]
        return self._numbered


def _shown(rule: FaultRule) -> dict[str, Any]:
    """The rule without what it leaves open, how many calls it matched, and whether it is over."""
    said = {f.name: getattr(rule, f.name) for f in fields(rule) if f.compare}
    plain = {f.name: f.default for f in fields(rule)}
    over = rule.times > 0 and rule.seen >= rule.nth + rule.times - 1
    return {
        "rule": {name: value for name, value in said.items() if value != plain[name]},
        "seen": rule.seen,
        "over": over,
    }


def _described(field: Any) -> dict[str, Any]:
    """A property of a rule, for a form."""
    described = {"name": field.name, "type": _TYPES[type(field.default)], "default": field.default}
    return described | ({"choices": _CHOICES[field.name]} if field.name in _CHOICES else {})


def _rule(data: Any) -> FaultRule:
    try:
        return FaultRule.from_json(_object(data, "a fault"))
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise _wrong(str(error)) from None


def _object(data: Any, what: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise _wrong(f"{what} is a JSON object")
    return data


def _wrong(why: str) -> StatusError:
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, f"{why}.")
