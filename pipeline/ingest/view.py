"""Where the satellite and the sun stood: one convention out of many.

| product | zenith angle at the ground | azimuth from the target to the satellite |
| --- | --- | --- |
| RPC, any | relief displacement of 100 m | the same: no convention enters |
| Maxar | 90 - MEANSATEL | MEANSATAZ |
| Pleiades | INCIDENCE_ANGLE | AZIMUTH_ANGLE (version 1: ORIENTATION) - atan2(tan across, tan along) |
| Pleiades Neo | INCIDENCE_ANGLE | IMAGE_ORIENTATION - atan2(tan across, tan along), not to be trusted |
| SPOT 6, 7 | INCIDENCE_ANGLE | AZIMUTH_ANGLE, not to be trusted |
| Planet, SkySat | from view_angle, at the satellite | satellite_azimuth, not to be trusted |
| Sentinel-2 | mean of the bands' ZENITH_ANGLE | vector mean of their AZIMUTH_ANGLE, not to be trusted |
| STAC | view:incidence_angle, else view:off_nadir | view:azimuth; not to be trusted of Planet, Sentinel-2 |

"Not to be trusted": no file with RPC was there to hold the azimuth against; both senses are considered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np

from pipeline.constants import ORBIT_HEIGHTS
from pipeline.datatypes import Flag, LonLat, ViewGeometry
from pipeline.errors import InputError
from pipeline.geometry import incidence_from_off_nadir, sun_position, wrap_degrees
from pipeline.ingest.draft import ViewClaim

_ALIASES: Final = (
    (r"\bwv-?0?([123])\b", r"worldview-\1"),
    (r"\bge-?0?1\b", "geoeye-1"),
    (r"\bphr|\bpleiades-hr", "pleiades"),
    (r"\bpneo", "pleiades-neo"),
    (r"\bpsscene|\b(super)?dove", "planetscope"),
    (r"\bssc?\d", "skysat"),
    (r"\bsentinel2", "sentinel-2"),
    (r"\bgf-?2\b", "gaofen-2"),
)
_SUN_TOLERANCE: Final = 0.3
"""Between the metadata's sun and ours [deg]."""
_VIEW_TOLERANCE: Final = 2.0
"""Between the view of the RPC and that of the angles, which may be of another place of the strip [deg]."""
_OBLIQUE: Final = 5.0
"""Off nadir from which the angle at the ground is larger by more than its rounding [deg]."""
_BLIND_AZIMUTH: Final = 1.0
"""Below this incidence angle a missing azimuth does no harm: 4 m of freeboard move by 0.07 m [deg]."""


def orbit_height(platform: str | None) -> float | None:
    """Nominal height above the Earth of a platform, None where it is not known [m]."""
    text = re.sub(r"[\s_]+", "-", (platform or "").lower())
    for pattern, name in _ALIASES:
        text = re.sub(pattern, name, text)
    fitting = [key for key in ORBIT_HEIGHTS if key in text]
    return ORBIT_HEIGHTS[max(fitting, key=len)] if fitting else None


def zenith_from_off_nadir(
    off_nadir: float, platform: str | None, *, height: float | None = None
) -> float | None:
    """Zenith angle at the ground; None where the orbit is not known and the difference matters [deg].

    Parameters
    ----------
    off_nadir
        At the satellite, of either sign [deg].
    platform
        Gives the height of the orbit where `height` does not.
    height
        Of the satellite above the Earth [m].

    Raises
    ------
    InputError
        "metadata": the ray misses the Earth.
    """
    height = orbit_height(platform) if height is None else height
    if height is None:
        # an unknown orbit of 450 to 800 km moves 1 deg by less than 0.13 deg
        return abs(off_nadir) * 1.1 if abs(off_nadir) <= 1.0 else None
    try:
        return incidence_from_off_nadir(off_nadir, height)
    except ValueError as error:
        raise InputError("metadata", str(error), hint="mend the metadata") from error


def mean_direction(zeniths: Sequence[float], azimuths: Sequence[float]) -> tuple[float, float]:
    """(zenith, azimuth) of the mean of unit vectors [deg]: azimuths may lie on both sides of north."""
    z, a = np.radians(zeniths), np.radians(azimuths)
    east, north, up = np.mean(np.sin(z) * np.sin(a)), np.mean(np.sin(z) * np.cos(a)), np.mean(np.cos(z))
    return float(np.degrees(np.arctan2(np.hypot(east, north), up))), wrap_degrees(
        np.degrees(np.arctan2(east, north))
    )


def pleiades_azimuth(azimuth_angle: float, across: float, along: float) -> float:
    """Target to satellite, from the azimuth of the image lines and the incidences across and along [deg].

    References
    ----------
    Checked against the RPC of two PHR1B products (CNES shareloc, tests/data): 341.3 against 341.1,
    315.4 against 315.4.
    """
    turn = np.degrees(np.arctan2(np.tan(np.radians(across)), np.tan(np.radians(along))))
    return wrap_degrees(azimuth_angle - float(turn))


def view_from_rpc(rpc: Mapping[str, str]) -> tuple[float, float]:
    """(incidence angle, azimuth to the satellite) from rational polynomials [deg].

    A point raised by 100 m moves in the image; carried to the ground by the local Jacobian the move is
    100 tan(theta) away from the satellite. It holds for every image of the same acquisition.

    Raises
    ------
    InputError
        "metadata": the coefficients are not usable.
    """
    from rasterio.errors import RasterioError
    from rasterio.rpc import RPC
    from rasterio.transform import RPCTransformer

    try:
        model = RPC.from_gdal(dict(rpc))
        lon, lat, height = model.long_off, model.lat_off, model.height_off
        step = 1e-3
        lons = [lon, lon + step, lon, lon]
        lats = [lat, lat, lat + step, lat]
        with RPCTransformer(model) as transformer:
            rows, cols = transformer.rowcol(lons, lats, zs=[height, height, height, height + 100.0], op=float)
    except (RasterioError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            "metadata", f"RPC not usable: {error!s:.120}", hint="mend or remove the RPC"
        ) from error
    points = np.stack([np.asarray(rows, float), np.asarray(cols, float)], axis=-1)
    east, north = _degree_lengths(lat)
    jacobian = np.stack(
        [(points[1] - points[0]) / (step * east), (points[2] - points[0]) / (step * north)], axis=1
    )
    if not np.all(np.isfinite(points)) or abs(np.linalg.det(jacobian)) < 1e-6:  # [px2/m2]
        raise InputError(
            "metadata", "RPC do not carry the ground to the image", hint="mend or remove the RPC"
        )
    move = np.linalg.solve(jacobian, points[3] - points[0])
    incidence = float(np.degrees(np.arctan(np.hypot(*move) / 100.0)))
    return incidence, wrap_degrees(np.degrees(np.arctan2(-move[0], -move[1])))


def _degree_lengths(lat: float) -> tuple[float, float]:
    """(east, north) length of one degree at a latitude on WGS 84 [m]."""
    a, e2 = 6_378_137.0, 0.006_694_379_990_14
    w = 1.0 - e2 * np.sin(np.radians(lat)) ** 2
    prime, meridian = a / np.sqrt(w), a * (1.0 - e2) / w**1.5
    return float(np.radians(prime * np.cos(np.radians(lat)))), float(np.radians(meridian))


def settle_geometry(
    claim: ViewClaim | None, rpc: Mapping[str, str] | None, when: datetime | None, place: LonLat
) -> tuple[ViewGeometry | None, tuple[Flag, ...]]:
    """The view that is used, and what its reader must know.

    RPC beat angles, and where both are there and part by more than 2 deg a flag says so; so does one where
    the angle at the ground is not larger than that at the satellite. The sun is computed from time and place
    and compared with the metadata. It is taken from the metadata where they state it; beyond 0.3 deg a flag
    gives both, for either the time or the angles are wrong and the image alone can tell which.

    Raises
    ------
    InputError
        "time": the sun stands below 5 degrees at that time and place; "metadata": RPC not usable.
    """
    sun, flags = _settle_sun(claim, when, place)
    if rpc is not None:
        incidence, azimuth, source, trusted = *view_from_rpc(rpc), "rpc", True
        flags = (*flags, *_against_rpc(claim, (incidence, azimuth)))
    elif claim is not None and claim.incidence_angle is not None:
        incidence, source, trusted = claim.incidence_angle, claim.source, claim.azimuth_trusted
        if claim.azimuth is None and incidence > _BLIND_AZIMUTH:
            flag = Flag(
                code="no-view-azimuth", message="the metadata give no azimuth of the satellite: not measured"
            )
            return None, (*flags, flag)
        azimuth, trusted = (0.0, False) if claim.azimuth is None else (claim.azimuth, trusted)
        flags = (*flags, *_against_off_nadir(claim))
    else:
        return None, flags
    if sun is None:
        return None, (*flags, Flag(code="no-sun", message="neither sun angles nor a time: not measured"))
    elevation, sun_azimuth, sun_source = sun
    geometry = ViewGeometry(
        incidence_angle=float(incidence),
        azimuth=wrap_degrees(azimuth),
        sun_elevation=elevation,
        sun_azimuth=wrap_degrees(sun_azimuth),
        source=source,
        azimuth_trusted=trusted,
        sun_source=sun_source,
    )
    return geometry, flags


def _against_rpc(claim: ViewClaim | None, view: tuple[float, float]) -> tuple[Flag, ...]:
    """A flag where the metadata's angles are not those of the RPC, (incidence angle, azimuth) [deg]."""
    if claim is None or claim.incidence_angle is None or claim.azimuth is None:
        return ()
    stated = (90.0 - claim.incidence_angle, claim.azimuth)
    apart = separation(stated, (90.0 - view[0], view[1]))
    if apart <= _VIEW_TOLERANCE:
        return ()
    turned = separation((stated[0], stated[1] + 180.0), (90.0 - view[0], view[1])) <= _VIEW_TOLERANCE
    how = "turned by 180 deg" if turned else f"{apart:.1f} deg apart"
    message = (
        f"view in the metadata {claim.incidence_angle:.1f} deg from {wrap_degrees(claim.azimuth):.0f}, by "
        f"the RPC {view[0]:.1f} deg from {view[1]:.0f}: {how}; the RPC are used"
    )
    return (Flag(code="view-disagrees", message=message),)


def _against_off_nadir(claim: ViewClaim) -> tuple[Flag, ...]:
    """A flag where the angle at the ground cannot be: from 400 km up it is larger by 6 % at least."""
    if claim.off_nadir is None or claim.incidence_angle is None or abs(claim.off_nadir) < _OBLIQUE:
        return ()
    if claim.incidence_angle > 1.03 * abs(claim.off_nadir):
        return ()
    message = (
        f"incidence angle {claim.incidence_angle:.1f} deg at the ground, {abs(claim.off_nadir):.1f} deg at "
        "the satellite: the first must be larger"
    )
    return (Flag(code="view-contradictory", message=message),)


def _settle_sun(
    claim: ViewClaim | None, when: datetime | None, place: LonLat
) -> tuple[tuple[float, float, str] | None, tuple[Flag, ...]]:
    """(elevation, azimuth, source) of the sun and flags."""
    stated = None
    if claim is not None and claim.sun_elevation is not None and claim.sun_azimuth is not None:
        stated = (claim.sun_elevation, wrap_degrees(claim.sun_azimuth))
    if when is None:
        return (None if stated is None else (*stated, "metadata")), ()
    computed = sun_position(when, place)
    if computed[0] < 5.0:
        raise InputError(
            "time",
            f"the sun stood at {computed[0]:.1f} deg there at {when:%Y-%m-%d %H:%M} UTC",
            hint="the time is wrong, or local; expected UTC",
        )
    if stated is None:
        flag = Flag(
            code="sun-computed", message="sun angles not in the metadata: computed from time and place"
        )
        return (*computed, "computed"), (flag,) if claim is not None else ()
    apart = separation(stated, computed)
    if apart > _SUN_TOLERANCE:
        message = (
            f"sun in the metadata {stated[0]:.1f}/{stated[1]:.1f} deg, by time and place "
            f"{computed[0]:.1f}/{computed[1]:.1f} deg: {apart:.1f} deg apart"
        )
        return (*stated, "metadata"), (Flag(code="sun-disagrees", message=message),)
    return (*stated, "metadata"), ()


def separation(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Angle between two directions given as (elevation, azimuth) [deg]."""
    (e1, a1), (e2, a2) = np.radians(first), np.radians(second)
    half = np.sin((e1 - e2) / 2) ** 2 + np.cos(e1) * np.cos(e2) * np.sin((a1 - a2) / 2) ** 2
    return float(np.degrees(2 * np.arcsin(np.sqrt(min(1.0, half)))))


def sun_distance(when: datetime) -> float:
    """Distance of the sun in astronomical units, to 0.0002 (Astronomical Almanac, low precision formula)."""
    days = (when - datetime(2000, 1, 1, 12, tzinfo=UTC)).total_seconds() / 86400.0
    anomaly = np.radians(357.528 + 0.985_600_3 * days)
    return float(1.00014 - 0.01671 * np.cos(anomaly) - 0.00014 * np.cos(2 * anomaly))
