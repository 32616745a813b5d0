"""Types that several Google APIs share: places on Earth and intervals of time."""

from __future__ import annotations

import datetime
from typing import TypedDict

from gemwire_proto.google.type import interval_pb2, latlng_pb2
from gemwire_runtime.views import View


class LatLng(View, kind=latlng_pb2.LatLng):
    """A place on Earth, in degrees of WGS84.

    Attributes:
        latitude: Latitude, from -90 to 90.
        longitude: Longitude, from -180 to 180.
    """

    __slots__ = ()

    latitude: float | None
    longitude: float | None


class LatLngDict(TypedDict, total=False):
    """Fields of a `LatLng`, which is accepted in its place."""

    latitude: float | None
    longitude: float | None


class Interval(View, kind=interval_pb2.Interval):
    """An interval of time.

    Attributes:
        start_time: Its first instant; None for no limit.
        end_time: The instant after its last one; None for no limit.
    """

    __slots__ = ()

    start_time: datetime.datetime | None
    end_time: datetime.datetime | None


class IntervalDict(TypedDict, total=False):
    """Fields of an `Interval`, which is accepted in its place."""

    start_time: datetime.datetime | str | None
    end_time: datetime.datetime | str | None
