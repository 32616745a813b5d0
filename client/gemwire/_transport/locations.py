"""Locations of regional services, for errors about one that does not exist.

What is a location is for the service to say: these are known to google-cloud-aiplatform 2.7.0, and others are
called as well.
"""

from __future__ import annotations

import difflib
import re

_REGIONS = {
    "africa": "south1",
    "asia": "east1 east2 northeast1 northeast2 northeast3 south1 south2 southeast1 southeast2",
    "australia": "southeast1 southeast2",
    "europe": "central2 north1 north2 southwest1 west1 west2 west3 west4 west6 west8 west9 west12",
    "me": "central1 central2 west1",
    "northamerica": "northeast1 northeast2",
    "southamerica": "east1 west1",
    "us": "central1 east1 east4 east5 east7 south1 west1 west2 west3 west4 west8",
}
_LOCATIONS = (
    "global",
    "us",
    "eu",
    *(f"{area}-{part}" for area, all_ in _REGIONS.items() for part in all_.split()),
)
_HOST = re.compile(r"([a-z0-9-]+)-aiplatform\.")


def describe_unknown(host: str) -> str:
    """Return what to do about the location in a host that does not exist; empty if it is a known one."""
    found = _HOST.match(host)
    if found is None or found[1] in _LOCATIONS:
        return ""
    near = difflib.get_close_matches(found[1], _LOCATIONS, cutoff=0.5) or ["us-central1", "global"]
    shown = ", ".join(map(repr, near))
    return f"The location {found[1]!r} is not known; near it: {shown}."
