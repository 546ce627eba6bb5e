"""STAC Items, 1.0 and 1.1 (older ones where they say the same), with their assets beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from pipeline.datatypes import Band, Polygon
from pipeline.errors import InputError
from pipeline.ingest.bandnames import PLANET, common_name
from pipeline.ingest.draft import Draft, Mask, ViewClaim, parse_time, read_number
from pipeline.ingest.opening import RasterHeader, check_crs, check_file, read_header, read_json, read_xml
from pipeline.ingest.planet import read_planet_xml
from pipeline.ingest.view import zenith_from_off_nadir

_RASTERS = (".tif", ".tiff", ".jp2")
_NOT_DATA = {"thumbnail", "overview", "metadata", "visual", "udm", "udm2", "cloud", "saturation"}
_PREFERRED = (
    "image",
    "pansharpened",
    "analytic_sr",
    "ortho_analytic_sr",
    "analytic",
    "ortho_analytic",
    "data",
    "visual",
)


def is_item(document: Any) -> bool:
    """True for a STAC Item of any version."""
    return (
        isinstance(document, dict)
        and document.get("type") == "Feature"
        and isinstance(document.get("assets"), dict)
        and "stac_version" in document
    )


def resolve_href(href: Any, folder: Path) -> Path | None:
    """The local file that a href means, below `folder`; None where it is on a server and no copy lies here.

    A remote href stands for a file of the same name beside the item; nothing is ever fetched.

    Raises
    ------
    InputError
        "outside-folder": the href leaves the item's folder.
    """
    if not isinstance(href, str) or not href or "\x00" in href:
        raise InputError("stac", f"href {href!r:.60} is no path", hint="mend the item")
    url = urlparse(href)
    if len(url.scheme) > 1:  # one letter is a drive
        beside = folder / Path(unquote(url.path)).name
        return beside if url.scheme != "file" and beside.is_file() else None
    path = Path(href) if Path(href).is_absolute() else folder / href
    inside = path.resolve().is_relative_to(folder.resolve()) and ".." not in Path(href).parts
    if not inside:
        raise InputError(
            "outside-folder",
            f"asset {href[:80]!r} lies outside the item's folder",
            hint="keep assets beside the item",
        )
    return path


def local_assets(document: Mapping[str, Any], folder: Path) -> list[tuple[str, Path | None, dict[str, Any]]]:
    """(key, local path or None, asset) of every asset, in the item's order; never raises."""
    found: list[tuple[str, Path | None, dict[str, Any]]] = []
    for key, asset in document.get("assets", {}).items():
        if isinstance(asset, dict):
            try:
                path = resolve_href(asset.get("href"), folder)
            except InputError:
                path = None
            found.append((str(key), path, asset))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asset:
    key: str
    path: Path
    entry: dict[str, Any]


def read_item(path: Path) -> Draft:
    """A STAC Item as a draft.

    Raises
    ------
    InputError
        "stac", "missing", "outside-folder", "bands", "time", "metadata", "crs-syntax"; those of the files.
    """
    document = read_json(path)
    if not is_item(document) or not isinstance(document.get("properties"), dict):
        raise InputError(
            "stac", f"{path.name}: not a STAC Item", hint="expected a Feature with assets and properties"
        )
    properties: dict[str, Any] = document["properties"]
    platform = item_platform(properties)
    assets = _data_assets(document, path.parent)
    bands: list[Band] = []
    nodata: float | None = None
    calibrated = True
    for asset in assets:
        header = read_header(asset.path)
        read = _read_bands(asset, header, properties, platform)
        bands += [b for b in read if b.name not in {x.name for x in bands} or b.name.startswith("b")]
        calibrated = calibrated and _is_calibrated(asset, header, properties)
        if nodata is None:
            nodata = _nodata(asset.entry, header)
    crs = _crs(properties, assets)
    sidecar = None if calibrated else _planet_xml(document, path.parent)
    if sidecar is not None:
        bands, calibrated = _with_coefficients(bands, read_planet_xml(read_xml(sidecar)).coefficients)
    return Draft(
        source="stac",
        root=path.parent,
        bands=tuple(bands),
        calibrated=calibrated,
        when=item_time(properties),
        platform=platform,
        view=item_view(properties, platform),
        crs=crs,
        footprint=read_polygon(document.get("geometry")),
        nodata=nodata,
        masks=_masks(document, path.parent),
        metadata=(path,) if sidecar is None else (path, sidecar),
        cloud_cover=item_cloud_cover(properties),
        simulated=properties.get("plimsoll:simulated") is True,
    )


def _planet_xml(document: Mapping[str, Any], folder: Path) -> Path | None:
    """Planet's own XML among the assets: older items do not repeat its reflectance coefficients."""
    for _, path, _ in local_assets(document, folder):
        if path is not None and path.name.lower().endswith("_metadata.xml") and path.is_file():
            return path
    return None


def _with_coefficients(bands: list[Band], coefficients: Mapping[int, float]) -> tuple[list[Band], bool]:
    """Bands with the factors of their numbers, where all have one."""
    if not all(b.index in coefficients for b in bands):
        return bands, False
    return [replace(b, scale=coefficients[b.index], offset=0.0) for b in bands], True


def item_platform(properties: Mapping[str, Any]) -> str | None:
    """The platform, with its constellation where the platform is a serial number alone."""
    platform, constellation = properties.get("platform"), properties.get("constellation")
    names = [n for n in (constellation, platform) if isinstance(n, str) and n]
    if not names:
        return None
    if len(names) == 2 and names[0].lower().replace(" ", "-") not in names[1].lower():
        return f"{names[0].lower().replace(' ', '-')} {names[1]}"
    return names[-1]


def item_time(properties: Mapping[str, Any]) -> Any:
    """`datetime`, or the middle of start and end."""
    stamp = properties.get("datetime")
    if stamp is not None:
        return parse_time(stamp)
    start, end = properties.get("start_datetime"), properties.get("end_datetime")
    if start is None or end is None:
        raise InputError("time", "the item has no datetime", hint="give `datetime` in UTC")
    first, last = parse_time(start), parse_time(end)
    return first + (last - first) / 2


def item_cloud_cover(properties: Mapping[str, Any]) -> float | None:
    """`eo:cloud_cover` as a share [1]."""
    percent = read_number(properties, "eo:cloud_cover", low=0.0, high=100.0)
    return None if percent is None else percent / 100.0


def item_view(properties: Mapping[str, Any], platform: str | None) -> ViewClaim | None:
    """Angles of the view and projection extensions; None where the item states no view."""
    incidence = read_number(properties, "view:incidence_angle", low=0.0, high=89.0)
    off_nadir = read_number(properties, "view:off_nadir", low=-89.0, high=89.0)
    if incidence is None and off_nadir is not None:
        incidence = zenith_from_off_nadir(off_nadir, platform)
    family = (platform or "").lower()
    claim = ViewClaim(
        incidence_angle=incidence,
        azimuth=read_number(properties, "view:azimuth", low=-360.0, high=360.0),
        sun_elevation=read_number(properties, "view:sun_elevation", low=-90.0, high=90.0),
        sun_azimuth=read_number(properties, "view:sun_azimuth", low=-360.0, high=360.0),
        source="stac",
        # Planet words satellite_azimuth in two ways, and items pass it through; items of Sentinel-2 hold an
        # arithmetic mean over the bands, wrong where these lie on both sides of north (physics.md 1.8)
        azimuth_trusted=not any(n in family for n in ("planet", "skysat", "sentinel-2")),
        off_nadir=off_nadir,
    )
    return claim if incidence is not None or claim.sun_elevation is not None else None


def _crs(properties: Mapping[str, Any], assets: Sequence[_Asset]) -> str | None:
    """`proj:code`, `proj:epsg` or `proj:wkt2` of the item or its first asset, checked."""
    for holder in (properties, *(a.entry for a in assets)):
        code, epsg, wkt = holder.get("proj:code"), holder.get("proj:epsg"), holder.get("proj:wkt2")
        if code is not None:
            return check_crs(str(code), "proj:code")
        if epsg is not None:
            return check_crs(f"EPSG:{epsg}", "proj:epsg")
        if wkt is not None:
            return check_crs(str(wkt), "proj:wkt2")
    return None


def read_polygon(geometry: Any) -> Polygon | None:
    """The exterior of a GeoJSON polygon, or of the largest of several; None where there is none.

    Raises
    ------
    InputError
        "stac": positions that are not on the Earth.
    """
    from shapely.errors import ShapelyError
    from shapely.geometry import shape

    if geometry is None:
        return None
    try:
        figure = shape(geometry)
        parts = [g for g in getattr(figure, "geoms", [figure]) if g.geom_type == "Polygon" and not g.is_empty]
        ring = tuple((float(x), float(y)) for x, y, *_ in max(parts, key=lambda g: g.area).exterior.coords)
    except (ShapelyError, ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        raise InputError("stac", f"geometry is no polygon: {error!s:.80}", hint="mend the item") from error
    if not all(abs(x) <= 180.0 and abs(y) <= 90.0 for x, y in ring):
        raise InputError("stac", "geometry lies off the Earth", hint="expected longitude and latitude")
    return ring


# --------------------------------------------------------------------------------------------- assets


def _roles(asset: Mapping[str, Any]) -> set[str]:
    roles = asset.get("roles")
    return {str(r).lower() for r in roles} if isinstance(roles, list) else set()


def _is_raster(asset: Mapping[str, Any]) -> bool:
    href, kind = str(asset.get("href", "")).lower(), str(asset.get("type", "")).lower()
    return href.split("?")[0].endswith(_RASTERS) or "tiff" in kind or "jp2" in kind


def _band_entries(asset: Mapping[str, Any]) -> list[dict[str, Any]]:
    """`bands` (1.1) or `eo:bands` (1.0), each entry with what `raster:bands` says of it."""
    spectral = asset.get("bands") or asset.get("eo:bands") or []
    raster = asset.get("raster:bands") or []
    if not isinstance(spectral, list) or not isinstance(raster, list):
        raise InputError("stac", "bands of an asset are no list", hint="mend the item")
    merged = []
    for i in range(max(len(spectral), len(raster))):
        entry: dict[str, Any] = {}
        for source in (spectral, raster):
            if i < len(source) and isinstance(source[i], dict):
                entry |= source[i]
        merged.append(entry)
    return merged


def _data_assets(document: Mapping[str, Any], folder: Path) -> list[_Asset]:
    """The images that hold the scene: all single-band files, or the one best product of several bands."""
    rasters = [(str(k), a) for k, a in document["assets"].items() if isinstance(a, dict) and _is_raster(a)]
    data = [(k, a) for k, a in rasters if not (_roles(a) | {k.lower()}) & _NOT_DATA and not _is_mask(k, a)]
    visual = [
        (k, a) for k, a in rasters if (_roles(a) | {k.lower()}) & {"visual"} and "thumbnail" not in _roles(a)
    ]
    chosen = data or visual
    if not chosen:
        raise InputError(
            "stac", "the item names no image", hint="expected a GeoTIFF or JPEG 2000 among its assets"
        )
    located = [(k, resolve_href(a.get("href"), folder), a) for k, a in chosen]
    here = [_Asset(key=k, path=p, entry=a) for k, p, a in located if p is not None]
    if not here:
        raise InputError(
            "missing", "the item's images are not on this machine", hint="fetch its assets beside it"
        )
    many = [a for a in here if len(_band_entries(a.entry)) > 1 or a.key.lower() in _PREFERRED]
    if not many:
        known = [a for a in here if _single_band_name(a) is not None]
        return [_checked(a, folder) for a in known or here]
    order = {key: i for i, key in enumerate(_PREFERRED)}
    best = min(many, key=lambda a: (order.get(a.key.lower(), len(order)), a.key))
    return [_checked(best, folder)]


def _checked(asset: _Asset, folder: Path) -> _Asset:
    check_file(asset.path, root=folder)
    return asset


def _single_band_name(asset: _Asset) -> str | None:
    entries = _band_entries(asset.entry) or [{}]
    entry = entries[0]
    for name in (entry.get("name"), asset.key, entry.get("eo:common_name"), entry.get("common_name")):
        found = common_name(name if isinstance(name, str) else None)
        if found is not None:
            return found
    return None


def _read_bands(
    asset: _Asset, header: RasterHeader, properties: Mapping[str, Any], platform: str | None
) -> list[Band]:
    """The bands of one asset, alpha left out.

    Raises
    ------
    InputError
        "bands": the item and the file disagree on their number.
    """
    entries = _band_entries(asset.entry)
    colour = [i for i, name in enumerate(header.colours) if name != "alpha"]
    if entries and len(entries) not in (header.count, len(colour)):
        raise InputError(
            "bands",
            f"{asset.path.name}: {header.count} bands, its item describes {len(entries)}",
            hint="the item belongs to another product of the delivery",
        )
    names = _band_names(asset, header, entries, colour, platform)
    bands = []
    for i, name in zip(colour, names, strict=True):
        entry = entries[i] if i < len(entries) else {}
        scale, offset = _radiometry(entry, header, i, properties, platform)
        bands.append(Band(name=name, path=str(asset.path), index=i + 1, scale=scale, offset=offset))
    return bands


def _band_names(
    asset: _Asset,
    header: RasterHeader,
    entries: Sequence[Mapping[str, Any]],
    colour: Sequence[int],
    platform: str | None,
) -> list[str]:
    """By the item, else the file, else the vendor's order, else b1, b2, ..."""
    if len(colour) == 1 and (single := _single_band_name(asset)):
        return [single]
    names: list[str | None] = []
    for i in colour:
        entry = entries[i] if i < len(entries) else {}
        candidates = (
            entry.get("eo:common_name"),
            entry.get("common_name"),
            entry.get("name"),
            header.descriptions[i],
        )
        found = (common_name(c, platform=platform) for c in candidates if isinstance(c, str))
        names.append(next((n for n in found if n), None))
    if not any(names):
        family = (platform or "").lower()
        planet = (
            PLANET.get(len(colour), ()) if any(n in family for n in ("planet", "skysat", "rapideye")) else ()
        )
        names = list(planet) or [
            n if n in ("red", "green", "blue") else None for n in (header.colours[i] for i in colour)
        ]
    unique: list[str] = []
    for i, name in enumerate(names):
        unique.append(name if name and name not in unique else f"b{colour[i] + 1}")
    return unique


def _radiometry(
    entry: Mapping[str, Any],
    header: RasterHeader,
    index: int,
    properties: Mapping[str, Any],
    platform: str | None,
) -> tuple[float, float]:
    """(scale, offset) to reflectance: the item's, else the file's, else the product's rule."""
    scale, offset = (
        entry.get("raster:scale", entry.get("scale")),
        entry.get("raster:offset", entry.get("offset")),
    )
    if scale is not None or offset is not None:
        values = {"scale": 1.0 if scale is None else scale, "offset": 0.0 if offset is None else offset}
        checked = (read_number(values, key, low=-1e6, high=1e6) for key in ("scale", "offset"))
        first, second = (float(v) for v in checked if v is not None)
        if first == 0.0:
            raise InputError("radiometry", "a band's scale is zero", hint="mend raster:bands")
        return first, second
    if (header.scales[index], header.offsets[index]) != (1.0, 0.0):
        return header.scales[index], header.offsets[index]
    if header.dtype == "uint8":
        return 1.0 / 255.0, 0.0
    if header.dtype.startswith("float"):
        return 1.0, 0.0
    if "sentinel-2" in (platform or "").lower():
        return 1e-4, sentinel2_offset(properties)
    return 1.0 / 65535.0 if header.dtype == "uint16" else 1e-4, 0.0


def sentinel2_offset(properties: Mapping[str, Any]) -> float:
    """-0.1 from processing baseline 04.00 on, unless the item says that the offset was already applied."""
    applied = properties.get("earthsearch:boa_offset_applied", properties.get("sentinel:boa_offset_applied"))
    baseline = properties.get("s2:processing_baseline", properties.get("processing:version"))
    try:
        recent = float(str(baseline)) >= 4.0
    except ValueError:
        recent = False
    return -0.1 if recent and applied is not True else 0.0


def _is_calibrated(asset: _Asset, header: RasterHeader, properties: Mapping[str, Any]) -> bool:
    """True where the numbers are reflectance by the item's or the product's word."""
    entries = _band_entries(asset.entry)
    if header.dtype == "uint8":
        return False
    units = {str(e.get("unit", e.get("raster:unit", "1"))).lower() for e in entries}
    if units - {"1", "", "none", "reflectance", "unitless"}:
        return False
    stated = any({"scale", "offset", "raster:scale", "raster:offset"} & set(e) for e in entries)
    from_file = any(s != 1.0 for s in header.scales)
    sentinel2 = "sentinel-2" in (item_platform(properties) or "").lower()
    return stated or from_file or sentinel2 or header.dtype.startswith("float")


def _nodata(asset: Mapping[str, Any], header: RasterHeader) -> float | None:
    """The file's, else the item's."""
    if header.nodata is not None:
        return header.nodata
    for entry in (*_band_entries(asset), asset):
        value = entry.get("nodata", entry.get("raster:nodata"))
        if value in ("nan", "inf", "-inf"):
            return None  # what is not finite is never valid
        if value is not None:
            return read_number({"nodata": value}, "nodata", low=-1e38, high=1e38)
    return None


# ---------------------------------------------------------------------------------------------- masks


def _is_mask(key: str, asset: Mapping[str, Any]) -> bool:
    return _mask_kind(key, asset) is not None or key.upper() in ("AOT", "WVP", "CLOUD", "SNOW")


def _mask_kind(key: str, asset: Mapping[str, Any]) -> str | None:
    lower = key.lower()
    if lower == "scl" or lower.startswith("scl-"):
        return "scl"
    for kind in ("udm2", "udm"):
        if kind in lower or kind in _roles(asset):
            return kind
    return None


def _masks(document: Mapping[str, Any], folder: Path) -> tuple[Mask, ...]:
    """SCL, UDM2 or UDM among the assets, where the file is here."""
    found = []
    for key, path, asset in local_assets(document, folder):
        kind = _mask_kind(key, asset)
        if kind is not None and path is not None and path.is_file() and _is_raster(asset):
            found.append(Mask(kind=kind, path=path))
    return tuple(sorted(found, key=lambda m: ("scl", "udm2", "udm").index(m.kind))[:1])
