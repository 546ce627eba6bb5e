"""Airbus DIMAP: Pleiades, Pleiades Neo, SPOT 6 and 7."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.datatypes import Band, Flag
from pipeline.errors import InputError
from pipeline.ingest.bandnames import DIMAP
from pipeline.ingest.draft import Draft, ViewClaim, parse_time
from pipeline.ingest.opening import RasterHeader, check_file, read_header, read_xml
from pipeline.ingest.vendorxml import find, find_all, number_of, text_of
from pipeline.ingest.view import pleiades_azimuth, sun_distance

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


@dataclass(frozen=True, slots=True, kw_only=True)
class DimapMetadata:
    """What DIM_*.XML says."""

    when: datetime | None
    platform: str
    view: ViewClaim
    order: tuple[str, ...]
    """Band ids in the order of the file."""
    factors: Mapping[str, tuple[float, float]]
    """Band id to (scale, offset) to reflectance; empty where that is not stated."""
    nodata: float | None
    tiles: tuple[str, ...]
    """Images, as the metadata name them."""
    cloud_cover: float | None


def read_dimap(path: Path) -> Draft:
    """A DIMAP product as a draft.

    Raises
    ------
    InputError
        "missing", "metadata", "bands", "time", "xml", "tiles": more than one image; those of the files.
    """
    metadata = read_dimap_xml(read_xml(path))
    if len(metadata.tiles) != 1:
        raise InputError(
            "tiles",
            f"{path.name}: {len(metadata.tiles)} images, expected one",
            hint="merge the tiles with gdal_merge.py, or order a smaller area",
        )
    href = metadata.tiles[0]
    if Path(href).is_absolute() or ".." in Path(href).parts:
        raise InputError(
            "outside-folder", f"image {href[:60]!r} lies outside the product", hint="fetch it again"
        )
    image = path.parent / href
    check_file(image, root=path.parent)
    header = read_header(image)
    bands, calibrated = _bands(image, header, metadata)
    rpc = sorted(path.parent.glob("RPC_*.XML")) + sorted(path.parent.glob("RPC_*.xml"))
    flag = Flag(code="not-radiometric", message="no calibration to reflectance is stated: brightness only")
    return Draft(
        source="dimap",
        root=path.parent,
        bands=bands,
        calibrated=calibrated,
        when=metadata.when,
        platform=metadata.platform,
        view=metadata.view,
        rpc=read_dimap_rpc(read_xml(rpc[0])) if len(rpc) == 1 else None,
        nodata=metadata.nodata if metadata.nodata is not None else header.nodata,
        metadata=(path, *(rpc if len(rpc) == 1 else ())),
        cloud_cover=metadata.cloud_cover,
        flags=() if calibrated else (flag,),
    )


def read_dimap_xml(root: Element) -> DimapMetadata:
    """DIM_*.XML, version 2 and the tags of version 1 that mean the same.

    Raises
    ------
    InputError
        "metadata", "time".
    """
    mission = text_of(root, "MISSION") or "dimap"
    platform = " ".join(t for t in (mission, text_of(root, "MISSION_INDEX")) if t).lower()
    place = _centre_values(root)
    day, clock = text_of(root, "IMAGING_DATE"), text_of(root, "IMAGING_TIME")
    stamp = text_of(place, "TIME") or (f"{day}T{clock}" if day and clock else None)
    when = None if stamp is None else parse_time(stamp, zone_known=True)
    view = _view(place, mission)
    order = [text_of(e, "BAND_ID") for e in find_all(root, "Raster_Index")]
    hrefs = [e.get("href") for e in find_all(root, "DATA_FILE_PATH")]
    return DimapMetadata(
        when=when,
        platform=platform,
        view=view,
        order=tuple(o for o in order if o),
        factors=_factors(root, when, view.sun_elevation),
        nodata=_nodata(root),
        tiles=tuple(h for h in hrefs if h),
        cloud_cover=_percent(root),
    )


def _nodata(root: Element) -> float | None:
    for element in find_all(root, "Special_Value"):
        if (text_of(element, "SPECIAL_VALUE_TEXT") or "").upper() == "NODATA":
            return number_of(element, "SPECIAL_VALUE_COUNT", "SPECIAL_VALUE_INDEX")
    return None


def _percent(root: Element) -> float | None:
    value = number_of(root, "CLOUD_COVERAGE", low=0.0, high=100.0)
    return None if value is None else value / 100.0


def _centre_values(root: Element) -> Element:
    """The geometric values at the centre of the image, else the first there are."""
    places = list(find_all(root, "Located_Geometric_Values", "Located_Geometric_Header"))
    for place in places:
        if (text_of(place, "LOCATION_TYPE") or "").lower() == "center":
            return place
    return places[0] if places else root


def _view(place: Element, mission: str) -> ViewClaim:
    """Angles of one place. Pleiades' AZIMUTH_ANGLE is the direction of the image's lines."""
    lines = number_of(place, "AZIMUTH_ANGLE", "ORIENTATION", "IMAGE_ORIENTATION", low=-360.0, high=360.0)
    across = number_of(place, "INCIDENCE_ANGLE_ACROSS_TRACK", "ORTHO_TRACK_INCIDENCE", low=-89.0, high=89.0)
    along = number_of(place, "INCIDENCE_ANGLE_ALONG_TRACK", "ALONG_TRACK_INCIDENCE", low=-89.0, high=89.0)
    incidence = number_of(place, "INCIDENCE_ANGLE", "GLOBAL_INCIDENCE", low=-89.0, high=89.0)
    azimuth, trusted = lines, False
    if mission.upper().startswith(("PHR", "PLEIADES", "PNEO")):
        if mission.upper().startswith("PNEO") or "NEO" in mission.upper():
            lines = number_of(place, "IMAGE_ORIENTATION", "AZIMUTH_ANGLE", low=-360.0, high=360.0)
        if lines is None or across is None or along is None:
            azimuth = None
        else:
            azimuth = pleiades_azimuth(lines, across, along)
        trusted = mission.upper() in ("PHR", "PLEIADES")
    return ViewClaim(
        incidence_angle=None if incidence is None else abs(incidence),
        azimuth=azimuth,
        sun_elevation=number_of(place, "SUN_ELEVATION", low=-90.0, high=90.0),
        sun_azimuth=number_of(place, "SUN_AZIMUTH", low=-360.0, high=360.0),
        source="dimap",
        azimuth_trusted=trusted,
    )


def _factors(
    root: Element, when: datetime | None, sun_elevation: float | None
) -> dict[str, tuple[float, float]]:
    """(scale, offset) by band: of a reflectance product, else by L = DN/GAIN + BIAS and the irradiance."""
    processing = (text_of(root, "RADIOMETRIC_PROCESSING") or "").upper()
    ids = [text_of(e, "BAND_ID") or "" for e in find_all(root, "Raster_Index")]
    if processing == "REFLECTANCE":
        return dict.fromkeys(ids, (1e-4, 0.0))
    if processing not in ("BASIC", "") or when is None or sun_elevation is None or sun_elevation <= 0.0:
        return {}
    radiance = {text_of(e, "BAND_ID"): e for e in find_all(root, "Band_Radiance")}
    irradiance = {
        text_of(e, "BAND_ID"): number_of(e, "VALUE") for e in find_all(root, "Band_Solar_Irradiance")
    }
    common = np.pi * sun_distance(when) ** 2 / np.sin(np.radians(sun_elevation))
    factors = {}
    for band in ids:
        if band in radiance and irradiance.get(band):
            gain, bias = number_of(radiance[band], "GAIN"), number_of(radiance[band], "BIAS")
            sun = irradiance[band]
            if gain and sun:
                factors[band] = (float(common / gain / sun), float(common * (bias or 0.0) / sun))
    return factors


def _bands(path: Path, header: RasterHeader, metadata: DimapMetadata) -> tuple[tuple[Band, ...], bool]:
    """Bands in the order of the file."""
    if len(metadata.order) != header.count:
        raise InputError(
            "bands",
            f"{path.name}: {header.count} bands, its metadata describe {len(metadata.order)}",
            hint="the metadata belong to another product",
        )
    calibrated = header.dtype != "uint8" and all(b in metadata.factors for b in metadata.order)
    full = 255.0 if header.dtype == "uint8" else 4095.0  # twelve bits
    bands = []
    for i, band in enumerate(metadata.order, start=1):
        scale, offset = metadata.factors[band] if calibrated else (1.0 / full, 0.0)
        bands.append(
            Band(name=DIMAP.get(band.upper(), f"b{i}"), path=str(path), index=i, scale=scale, offset=offset)
        )
    return tuple(bands), calibrated


def read_dimap_rpc(root: Element) -> dict[str, str] | None:
    """RPC_*.XML: the model from the ground to the image, under GDAL's names; None where there is none.

    Raises
    ------
    InputError
        "metadata": a number is missing.
    """
    model, validity = find(root, "Inverse_Model", "GroundtoImage_Values"), find(root, "RFM_Validity")
    if model is None or validity is None:
        return None

    def value(holder: Element, *names: str) -> str:
        text = text_of(holder, *names)
        if text is None:
            raise InputError("metadata", f"no {names[0]} in the RPC", hint="fetch it again")
        return text

    rpc: dict[str, str] = {}
    for key in ("LAT", "LONG", "HEIGHT", "SAMP", "LINE"):
        for part in ("SCALE", "OFF"):
            rpc[f"{key}_{part}"] = value(validity, f"{key}_{part}")
    # DIMAP counts rows and columns from 1, GDAL from 0
    for key in ("SAMP_OFF", "LINE_OFF"):
        rpc[key] = repr(float(rpc[key]) - 1.0)
    for key in ("SAMP_NUM", "SAMP_DEN", "LINE_NUM", "LINE_DEN"):
        rpc[f"{key}_COEFF"] = " ".join(value(model, f"{key}_COEFF_{i}") for i in range(1, 21))
    return rpc
