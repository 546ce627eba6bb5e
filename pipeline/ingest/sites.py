"""Sites from GeoJSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipeline.datatypes import Polygon, Site, SiteFeature
from pipeline.errors import InputError, UsageError
from pipeline.ingest.opening import read_json
from pipeline.resources import find_resource

_ROLES: Final = ("aoi", "berth", "anchorage", "land")
_HINT: Final = "see the contract: features with id, role and a Polygon"


def read_site(name_or_path: str) -> Site:
    """A site known by its id in `models/sites/`, or from a GeoJSON file.

    Raises
    ------
    UsageError
        No site has this id, and no file this name.
    InputError
        "site": the file is not a site; the message names the feature.
    """
    path = Path(name_or_path)
    if not path.is_file():
        known = sorted(p.stem for p in (find_resource("models") / "sites").glob("*.geojson"))
        if name_or_path not in known:
            raise UsageError(
                f"{name_or_path}: no such site", hint=f"known: {', '.join(known)}; or name a GeoJSON file"
            )
        path = find_resource("models") / "sites" / f"{name_or_path}.geojson"
    try:
        document = read_json(path)
    except InputError as error:
        raise _fault(path, str(error)) from error
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        raise _fault(path, "not a GeoJSON FeatureCollection")
    features = document.get("features")
    if not isinstance(features, list) or not features:
        raise _fault(path, "no features")
    read = tuple(_read_feature(path, i, f) for i, f in enumerate(features, start=1))
    ids = [f.id for f in read]
    if len(set(ids)) < len(ids):
        twice = next(i for i in ids if ids.count(i) > 1)
        raise _fault(path, f"id {twice!r} is there twice")
    return _with_header(path, document.get("site") or {}, read)


def _with_header(path: Path, header: Any, features: tuple[SiteFeature, ...]) -> Site:
    """The collection-level `site` member and the features."""
    if not isinstance(header, dict):
        raise _fault(path, "`site` is no object")
    density = header.get("water_density")
    if density is not None and not (_is_number(density) and 990.0 <= density <= 1050.0):
        raise _fault(path, f"water_density: {density!r}, expected 990 to 1050 kg/m3")
    timezone = header.get("timezone") or "UTC"
    try:
        ZoneInfo(str(timezone))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise _fault(path, f"timezone {timezone!r} is not known, expected e.g. Asia/Vladivostok") from error
    site_id = str(header.get("id") or path.stem)
    return Site(
        id=site_id,
        name=str(header.get("name") or site_id),
        features=features,
        water_density=None if density is None else float(density),
        timezone=str(timezone),
        simulated=header.get("simulated") is True or header.get("plimsoll:simulated") is True,
    )


def _fault(path: Path, what: str) -> InputError:
    return InputError("site", f"{path.name}: {what}", hint=_HINT)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _read_feature(path: Path, number: int, feature: Any) -> SiteFeature:
    """One feature; `number` counts from 1."""
    properties = feature.get("properties") if isinstance(feature, dict) else None
    if not isinstance(properties, dict):
        raise _fault(path, f"feature {number} has no properties")
    feature_id = properties.get("id", feature.get("id"))
    if not isinstance(feature_id, str | int) or isinstance(feature_id, bool) or f"{feature_id}" == "":
        raise _fault(path, f"feature {number} has no id")
    where = f"feature {number} ({feature_id})"
    role = properties.get("role")
    if role not in _ROLES:
        raise _fault(path, f"{where}: role {role!r}, expected one of {', '.join(_ROLES)}")
    accuracy = properties.get("accuracy_m")
    if accuracy is not None and not (_is_number(accuracy) and accuracy >= 0):
        raise _fault(path, f"{where}: accuracy_m {accuracy!r}, expected metres")
    verified = properties.get("verified", True)
    if not isinstance(verified, bool):
        raise _fault(path, f"{where}: verified {verified!r}, expected true or false")
    return SiteFeature(
        id=str(feature_id),
        role=cast(Literal["aoi", "berth", "anchorage", "land"], role),
        outline=_read_outline(path, where, feature.get("geometry")),
        name=_text(properties, "name"),
        accuracy=None if accuracy is None else float(accuracy),
        verified=verified,
        source=_text(properties, "source"),
    )


def _text(properties: Mapping[str, Any], key: str) -> str | None:
    value = properties.get(key)
    return None if value in (None, "") else str(value)


def _read_outline(path: Path, where: str, geometry: Any) -> Polygon:
    """The exterior of a Polygon that does not cross itself."""
    from shapely.geometry import Polygon as Figure
    from shapely.validation import explain_validity

    if not isinstance(geometry, dict) or geometry.get("type") != "Polygon":
        kind = geometry.get("type") if isinstance(geometry, dict) else None
        raise _fault(path, f"{where}: geometry {kind!r}, expected a Polygon")
    rings = geometry.get("coordinates")
    ring = rings[0] if isinstance(rings, list) and rings else None
    if not isinstance(ring, list) or len(ring) < 4:
        raise _fault(path, f"{where}: a polygon needs at least four positions")
    points = []
    for position in ring:
        good = isinstance(position, list) and len(position) >= 2 and all(_is_number(v) for v in position[:2])
        if not good or abs(position[0]) > 180.0 or abs(position[1]) > 90.0:
            raise _fault(path, f"{where}: position {position!r}, expected [longitude, latitude]")
        points.append((float(position[0]), float(position[1])))
    figure = Figure(points)
    if not figure.is_valid or figure.area == 0.0:
        raise _fault(path, f"{where}: polygon not usable: {explain_validity(figure)}")
    return tuple(points)
