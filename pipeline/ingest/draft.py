"""What a reader found in the metadata of a delivery, before it is held against the files."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.datatypes import Band, Flag, Polygon
from pipeline.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewClaim:
    """Angles as the metadata state them, conventions already resolved; None = not stated."""

    incidence_angle: float | None = None
    """View zenith angle at the ground [deg]."""
    azimuth: float | None = None
    """From the ship to the satellite [deg]."""
    sun_elevation: float | None = None
    sun_azimuth: float | None = None
    source: str
    azimuth_trusted: bool = True
    off_nadir: float | None = None
    """At the satellite, where it is stated beside the zenith angle at the ground [deg]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """A delivered mask."""

    kind: str
    """"scl", "udm", "udm2", "alpha" """
    path: Path
    index: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A scene as its metadata describe it."""

    source: str
    root: Path
    """Folder that everything must lie in."""
    bands: tuple[Band, ...]
    calibrated: bool
    when: datetime | None = None
    named_time: datetime | None = None
    """What the product's name is expected to say, where that is not `when`."""
    platform: str | None = None
    view: ViewClaim | None = None
    rpc: dict[str, str] | None = None
    """RPC00B coefficients from a sidecar."""
    crs: str | None = None
    """From the metadata, for a file that names none."""
    footprint: Polygon | None = None
    nodata: float | None = None
    masks: tuple[Mask, ...] = ()
    metadata: tuple[Path, ...] = ()
    """Files read beside the images."""
    cloud_cover: float | None = None
    simulated: bool = False
    checksums: tuple[tuple[Path, str, str], ...] = ()
    """(file, algorithm, hex digest) as the provider states them."""
    flags: tuple[Flag, ...] = field(default=())


def read_number(values: Mapping[str, Any], key: str, *, low: float, high: float) -> float | None:
    """values[key] as a finite number within low..high, None where it is not stated.

    Raises
    ------
    InputError
        "metadata": it is something else.
    """
    value = values.get(key)
    if value is None:
        return None
    number = math.nan if isinstance(value, bool) else _float(value)
    if not low <= number <= high:
        raise InputError(
            "metadata",
            f"{key}: {value!r:.40}, expected a number from {low:g} to {high:g}",
            hint="mend the metadata",
        )
    return number


def _float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


_STAMP = re.compile(
    r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})$", re.IGNORECASE
)


def parse_time(text: Any, *, zone_known: bool = False) -> datetime:
    """Aware UTC from an RFC 3339 stamp.

    Parameters
    ----------
    text
        E.g. 2024-08-12T01:45:00Z.
    zone_known
        The format defines its times as UTC, so that a stamp may come without a zone.

    Raises
    ------
    InputError
        "time": no stamp, or without a zone.
    """
    stamp = f"{text}".strip()
    if zone_known and not re.search(r"(Z|[+-]\d{2}:?\d{2})$", stamp, re.IGNORECASE):
        stamp += "Z"
    if not isinstance(text, str) or not _STAMP.match(stamp):
        raise InputError(
            "time",
            f"time given as {text!r:.60}",
            hint="expected UTC with its zone, e.g. 2024-08-12T01:45:00Z",
        )
    # more than six digits of a second are legal and not understood by datetime
    stamp = re.sub(r"(\.\d{6})\d+", r"\1", stamp.upper().replace(" ", "T", 1).replace(" ", ""))
    try:
        return datetime.fromisoformat(stamp).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InputError("time", f"time given as {text!r:.60}: {error}", hint="mend the metadata") from error


_IN_NAME = re.compile(r"(?<!\d)(20\d{6})(?:[T_-]?(\d{6}))?(?!\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A time that a name holds, read as UTC."""

    time: datetime
    to_the_second: bool
    """False for a day: `time` is its noon."""
    at_start: bool
    """The name begins with it."""

    def differs_by(self, when: datetime) -> timedelta:
        """From `when`; a day counts from its edges."""
        apart = abs(when - self.time)
        return apart if self.to_the_second else max(timedelta(0), apart - timedelta(hours=12))


def times_in_name(name: str) -> tuple[Stamp, ...]:
    """Every stamp in a file's name, in its order."""
    stamps = []
    for match in _IN_NAME.finditer(name):
        try:
            day = datetime.strptime(match[1], "%Y%m%d").replace(tzinfo=UTC)
            clock = datetime.strptime(match[2] or "120000", "%H%M%S")
        except ValueError:
            continue
        time = day + timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second)
        stamps.append(Stamp(time=time, to_the_second=match[2] is not None, at_start=match.start() == 0))
    return tuple(stamps)
