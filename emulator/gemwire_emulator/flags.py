"""Settings of an emulator from what can be written in a shell or a file.

Every function here raises ValueError with a sentence that says what is wrong.
"""

from __future__ import annotations

import datetime
import ipaddress
import json
import math
import re
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

from gemwire_emulator.engines.canned import Reply
from gemwire_emulator.fault_rules import FaultRule
from gemwire_emulator.latency import LatencyProfile


def faults(texts: Iterable[str], file: Path | None = None) -> list[FaultRule]:
    """Fault rules.

    Args:
        texts: A rule each, as JSON: ``{"method": "GenerateContent", "status": "UNAVAILABLE"}``.
        file: JSON with a list of them.

    Raises:
        ValueError: One is no rule.
    """
    found = _listed(file, "faults") if file else []
    found += [_parsed(text, "--fault") for text in texts]
    return [_rule(data) for data in found]


def replies(file: Path) -> list[Reply]:
    """CannedReplies replies.

    Args:
        file: JSON with a list: ``[{"match": "sky", "text": "Blue."}]``.

    Raises:
        ValueError: One is no reply.
    """
    return [_reply(data) for data in _listed(file, "replies")]


def resources(file: Path) -> list[Any]:
    """Requests that make resources; see `gemwire_emulator.seed_resources`.

    Args:
        file: JSON with a list: ``[{"rpc": "CreateCorpus", "request": {"corpus": {"name": "corpora/c"}}}]``.

    Raises:
        ValueError: It is no such file.
    """
    return _listed(file, "resources")


def pace(text: str, **seconds_of: str) -> LatencyProfile:
    """How fast answers come.

    Args:
        text: A profile's name, or JSON; empty for at once.
        **seconds_of: Flags that change a part of it, by its name; empty where they were not given.

    Raises:
        ValueError: There is no such profile, or a part is no number.
    """
    try:
        found = LatencyProfile().override_with(text) if text else LatencyProfile()
    except ValueError as error:
        raise ValueError(f"--pace: {error}") from None
    names = {"first": "--first-token"}
    given = {
        part: seconds(value, names.get(part, f"--{part}".replace("_", "-")))
        for part, value in seconds_of.items()
        if value
    }
    return found.override(given)


def moment(text: str) -> float:
    """A time as seconds since the epoch.

    Args:
        text: Such seconds, or RFC 3339: ``2026-01-02T03:04:05Z``.

    Raises:
        ValueError: It is neither.
    """
    try:
        return seconds(text, "--clock")
    except ValueError:
        pass
    try:
        found = datetime.datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text))
    except ValueError:
        raise ValueError(
            f"--clock: {text!r} is neither seconds since the epoch nor a time such as 2026-01-02T03:04:05Z"
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=datetime.timezone.utc)).timestamp()


def seconds(text: str, name: str) -> float:
    """A number that is not negative.

    Raises:
        ValueError: It is none.
    """
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 <= found < math.inf:
        raise ValueError(f"{name}: {text!r} is no number of at least 0")
    return found


def count(text: str, name: str, most: int = 2**31 - 1) -> int:
    """A whole number that is not negative.

    Raises:
        ValueError: It is none, or larger than ``most``.
    """
    if not text.isdecimal() or int(text) > most:
        raise ValueError(f"{name}: {text!r} is no whole number from 0 to {most}")
    return int(text)


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches an address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _rule(data: Any) -> FaultRule:
    if not isinstance(data, dict):
        raise ValueError(f"a fault is a JSON object, not {json.dumps(data)}")  # noqa: TRY004 - see above
    try:
        return FaultRule.from_json(data)
    except TypeError as error:
        raise ValueError(f"{json.dumps(data)} is no fault: {error}") from None


def _reply(data: Any) -> Reply:
    known = {field.name: field.type for field in fields(Reply)}
    if not isinstance(data, dict) or not isinstance(data.get("text"), str):
        raise ValueError(f"a reply is a JSON object with a text, not {json.dumps(data)}")  # noqa: TRY004 - see above
    if unknown := set(data) - set(known):
        raise ValueError(f"a reply has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(known))}")
    for name in ("match", "model"):
        try:
            re.compile(data.get(name, ""))
        except (re.error, TypeError) as error:
            raise ValueError(f"{name}: {data[name]!r} is no regular expression: {error}") from None
    if not isinstance(data.get("pieces", 1), int) or data.get("pieces", 1) < 1:
        raise ValueError(f"pieces: {data['pieces']!r} is no whole number of at least 1")
    return Reply(**data)


def _listed(file: Path, what: str) -> list[Any]:
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} cannot be read: {error}") from None
    found = _parsed(text, str(file))
    if not isinstance(found, list):
        raise ValueError(f"{file} must hold a JSON list of {what}")  # noqa: TRY004 - see above
    return found


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"{where} is no JSON: {error}") from None
