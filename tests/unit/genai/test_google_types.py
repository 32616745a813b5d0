"""`LatLng` and `Interval`, in every form in which they can be given."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from gemwire.genai import types
from gemwire_proto.google.type import interval_pb2, latlng_pb2

NOON = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.timezone.utc)


def _forms(name: str, fields: dict[str, Any]) -> list[Any]:
    theirs: Any = pytest.importorskip("google.genai.types")
    foreign: Any = pytest.importorskip(
        "google.type.latlng_pb2" if name == "LatLng" else "google.type.interval_pb2"
    )
    ours = {"LatLng": latlng_pb2.LatLng, "Interval": interval_pb2.Interval}[name]
    kind = getattr(types, name)
    camel = {"".join(key.title() for key in one.split("_")): value for one, value in fields.items()}
    return [
        kind(**fields),
        fields,
        {one[0].lower() + one[1:]: value for one, value in camel.items()},
        ours(**fields),
        getattr(foreign, name)(**fields),
        getattr(theirs, name)(**fields),
    ]


@pytest.mark.parametrize("form", range(6))
def test_a_place(form: int) -> None:
    given = _forms("LatLng", {"latitude": 59.9, "longitude": 10.7})[form]
    fields: Any = {"tool_config": {"retrieval_config": {"lat_lng": given}}}
    config: Any = types.GenerateContentConfig(**fields)
    retrieval = config.tool_config.retrieval_config
    assert isinstance(retrieval.lat_lng, types.LatLng)
    assert (retrieval.lat_lng.latitude, retrieval.lat_lng.longitude) == (59.9, 10.7)
    assert types.RetrievalConfig(lat_lng=given) == retrieval


@pytest.mark.parametrize("form", range(6))
def test_an_interval(form: int) -> None:
    given = _forms("Interval", {"start_time": NOON, "end_time": NOON + datetime.timedelta(hours=1)})[form]
    search: Any = types.Tool(google_search={"time_range_filter": given}).google_search
    assert isinstance(search.time_range_filter, types.Interval)
    assert search.time_range_filter.start_time == NOON
    assert search.model_dump(exclude_none=True, mode="json") == {
        "time_range_filter": {"start_time": "2026-11-21T12:00:00Z", "end_time": "2026-11-21T13:00:00Z"}
    }


def test_what_they_are_not() -> None:
    with pytest.raises(TypeError, match=r"lat_lng: expected LatLng or a dict, got str"):
        types.RetrievalConfig(lat_lng="here")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"lat_lng has no field 'lat'; it has latitude, longitude"):
        types.RetrievalConfig(lat_lng={"lat": 1})
    with pytest.raises(TypeError, match=r"latitude: expected a number, got list"):
        types.LatLng(latitude=[])
