"""Parsers for the settings that are given in a shell or a file.

Every function here raises ValueError with a message that names the flag or file.
"""

from __future__ import annotations

import datetime
import ipaddress
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path

from gemwire_emulator.base_models import ModelCatalog
from gemwire_emulator.engines.canned import Reply
from gemwire_emulator.fault_rules import FaultRule
from gemwire_emulator.latency import LatencyProfile
from gemwire_emulator.patterns import check_pattern


def parse_faults(texts: Iterable[str], file: Path | None = None) -> list[FaultRule]:
    """Parse fault rules.

    Args:
        texts: Rules as JSON: ``{"method": "GenerateContent", "status": "UNAVAILABLE"}``.
        file: JSON file with a list of rules.

    Raises:
        ValueError: A rule is invalid.
    """
    found = _load_list(file, "faults") if file else []
    found += [_parse_json(text, "--fault") for text in texts]
    return [_create_rule(data) for data in found]


def load_replies(file: Path) -> list[Reply]:
    """Load canned replies.

    Args:
        file: JSON file with a list: ``[{"match": "sky", "text": "Blue."}]``.

    Raises:
        ValueError: The file or a reply is invalid.
    """
    return [_create_reply(data) for data in _load_list(file, "replies")]


def parse_models(texts: Iterable[str], file: Path | None = None) -> list[str | Mapping[str, object]]:
    """Parse models that the emulator serves besides the public ones.

    Args:
        texts: Names: ``gemini-9``, or ``gemini-9=gemini-2.5-flash``.
        file: JSON file with models, as a list or as a response of ListModels.

    Raises:
        ValueError: A model is invalid.
    """
    found = _load_list(file, "models", key="models") if file else []
    for text in texts:
        if text.endswith(".gguf"):
            raise ValueError(f"--model: {text!r} is a file; give the local engine its model with --gguf FILE")
        found.append(text)
    ModelCatalog(found)
    return [entry for entry in found if isinstance(entry, (str, Mapping))]


def load_resources(file: Path) -> list[Mapping[str, object]]:
    """Load the requests that create resources; see `gemwire_emulator.seed_resources`.

    Args:
        file: JSON file with a list: ``[{"rpc": "CreateCorpus", "request": {"corpus": {}}}]``.

    Raises:
        ValueError: The file is invalid.
    """
    return _load_list(file, "resources")  # type: ignore[return-value]


def parse_pace(text: str, **parts: str) -> LatencyProfile:
    """Parse the latency of responses.

    Args:
        text: Name of a profile, or JSON; empty for no latency.
        **parts: Flags that override a field of the profile, by its name; empty where not given.

    Raises:
        ValueError: There is no such profile, or a value is not a number.
    """
    try:
        found = LatencyProfile().override_with(text) if text else LatencyProfile()
    except ValueError as error:
        raise ValueError(f"--pace: {error}") from None
    names = {"first": "--first-token"}
    given = {
        part: parse_seconds(value, names.get(part, f"--{part}".replace("_", "-")))
        for part, value in parts.items()
        if value
    }
    return found.override(given)


def parse_time(text: str) -> float:
    """Parse a time, and return it as seconds since the epoch.

    Args:
        text: Seconds since the epoch, or RFC 3339: ``2026-01-02T03:04:05Z``.

    Raises:
        ValueError: It is neither.
    """
    try:
        return parse_seconds(text, "--clock")
    except ValueError:
        pass
    try:
        found = datetime.datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text))
    except ValueError:
        raise ValueError(
            f"--clock: {text!r} is neither seconds since the epoch nor a time such as 2026-01-02T03:04:05Z"
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=datetime.timezone.utc)).timestamp()


def parse_callers(texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Parse the addresses of callers.

    Args:
        texts: Each ``KEY=ADDRESS``, with addresses of groups after commas: ``k=ann@a.org,team@a.org``.

    Raises:
        ValueError: A text has another form, or a key is given twice.
    """
    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        key, _, rest = text.partition("=")
        addresses = tuple(address.strip() for address in rest.split(","))
        if not key or not all(re.fullmatch(r"[^@\s]+@[^@\s]+", address) for address in addresses):
            raise ValueError(f"--caller: {text!r} is not of the form KEY=ADDRESS[,GROUP…]")
        if key in found:
            raise ValueError(f"--caller: the key {key!r} is given twice")
        found[key] = addresses
    return found


def parse_seconds(text: str, name: str) -> float:
    """Parse a number that is not negative.

    Raises:
        ValueError: It is not such a number.
    """
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 <= found < math.inf:
        raise ValueError(f"{name}: {text!r} is not a number of at least 0")
    return found


def parse_count(text: str, name: str, most: int = 2**31 - 1) -> int:
    """Parse an integer from 0 to ``most``.

    Raises:
        ValueError: It is not such an integer.
    """
    if not text.isdecimal() or int(text) > most:
        raise ValueError(f"{name}: {text!r} is not an integer from 0 to {most}")
    return int(text)


def is_loopback(host: str) -> bool:
    """Return whether an address is reachable from this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _create_rule(data: object) -> FaultRule:
    if not isinstance(data, dict):
        raise ValueError(f"a fault must be a JSON object, not {json.dumps(data)}")  # noqa: TRY004
    try:
        return FaultRule.from_json(data)
    except TypeError as error:
        raise ValueError(f"{json.dumps(data)} is not a fault: {error}") from None


def _create_reply(data: object) -> Reply:
    known = {field.name for field in fields(Reply)}
    if not isinstance(data, dict) or not isinstance(data.get("text"), str):
        raise ValueError(f"a reply must be a JSON object with a text, not {json.dumps(data)}")  # noqa: TRY004
    if unknown := set(data) - known:
        raise ValueError(
            f"unknown field {', '.join(sorted(unknown))}; a reply has {', '.join(sorted(known))}"
        )
    for name in ("match", "model"):
        check_pattern(name, data.get(name, ""))
    if not isinstance(data.get("pieces", 1), int) or data.get("pieces", 1) < 1:
        raise ValueError(f"pieces: {data['pieces']!r} is not an integer of at least 1")
    return Reply(**data)


def _load_list(file: Path, content: str, key: str = "") -> list[object]:
    """Return the list in a file; with ``key`` an object that has it there will do."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} cannot be read: {error}") from None
    found = _parse_json(text, str(file))
    if key and isinstance(found, dict):
        found = found.get(key)
    if not isinstance(found, list):
        raise ValueError(f"{file} must hold a JSON list of {content}")  # noqa: TRY004 - it is data
    return found


def _parse_json(text: str, source: str) -> object:
    try:
        found: object = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{source} is not valid JSON: {error}") from None
    return found
