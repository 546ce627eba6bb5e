"""Clocks that cannot be right: a sun that stands where it stood at another hour.

Providers state the time of a scene in other zones than they say, hours off; the order of looks, and every
window between them, hangs on it. The sun goes round with the true clock: two scenes of one place and of
neighbouring days that show it at one point were taken at one time of the day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import acos, cos, degrees, radians, sin

from pipeline.datatypes import Flag
from pipeline.products import GeometryResult, SceneResult

NEIGHBOURS = timedelta(days=3)
"""The sun at one hour moves by less than 1.5 degrees within so many days."""
SUN_DISAGREES = "sun-disagrees"
"""Flag of a scene whose sun is not where its time and place put it."""
LEAST_HOURS = 0.75
"""Difference of the times of day that is worth a word [h]."""
DEGREES_AN_HOUR, SLACK = 15.0, 3.0
"""That the sun moves about the pole, and what its declination, rounding and days may hide [deg]."""
LEAST_SHARE = 0.35
"""Of that motion that is seen at all at declinations of up to 24 degrees and by scenes of high suns [1]."""


def find_clock_doubts(results: Sequence[SceneResult]) -> tuple[Flag, ...]:
    """A flag for each scene or pair of scenes of one place whose clocks and suns cannot both be right."""
    dated = sorted(
        ((r.datetime, r.scene_id, r) for r in results if r.datetime is not None and r.status == "ok"),
        key=lambda item: item[:2],
    )
    flags = [
        Flag(
            code="clock-doubtful",
            message=f"{name}: the sun in it is not that of {time:%Y-%m-%d %H:%M} UTC; windows that rest on it"
            " may be hours off",
        )
        for time, name, result in dated
        if any(flag.code == SUN_DISAGREES for flag in result.flags)
    ]
    for k, (time, name, result) in enumerate(dated):
        for later, other, second in dated[k + 1 :]:
            if later - time > NEIGHBOURS:
                break
            hours = _apart(time, later)
            if hours >= LEAST_HOURS and _same_sun(result.geometry, second.geometry, hours):
                message = f"{name} and {other}: clocks {hours:.1f} h apart, the sun at one place"
                flags.append(Flag(code="clock-doubtful", message=f"{message}; one of the clocks is wrong"))
    return tuple(flags)


def _apart(first: datetime, second: datetime) -> float:
    """Between the times of day of two moments, whatever the days [h]."""
    hours = (second - first).total_seconds() / 3600 % 24
    return min(hours, 24 - hours)


def _same_sun(first: GeometryResult | None, second: GeometryResult | None, hours: float) -> bool:
    """Whether the sun moved by far less than it does in so many hours."""
    if first is None or second is None:
        return False
    one, other = ((radians(g.sun_elevation), radians(g.sun_azimuth)) for g in (first, second))
    dot = sin(one[0]) * sin(other[0]) + cos(one[0]) * cos(other[0]) * cos(one[1] - other[1])
    moved = degrees(acos(min(max(dot, -1.0), 1.0)))
    return moved + SLACK < LEAST_SHARE * DEGREES_AN_HOUR * hours or moved < 1.0
