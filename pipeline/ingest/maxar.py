"""Maxar (DigitalGlobe): an IMD or XML beside the image, with RPB or the XML's own RPC."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from pipeline.datatypes import Band, Flag
from pipeline.errors import InputError
from pipeline.ingest.bandnames import MAXAR
from pipeline.ingest.draft import Draft, ViewClaim, parse_time, read_number
from pipeline.ingest.opening import RasterHeader, check_file, read_header, read_xml
from pipeline.ingest.rpcfile import find_rpc, gather
from pipeline.ingest.vendorxml import find, find_all, local
from pipeline.ingest.view import sun_distance

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

IRRADIANCE: Final = {
    "WV02": {
        "BAND_P": 1580.8140,
        "BAND_C": 1758.2229,
        "BAND_B": 1974.2416,
        "BAND_G": 1856.4104,
        "BAND_Y": 1738.4791,
        "BAND_R": 1559.4555,
        "BAND_RE": 1342.0695,
        "BAND_N": 1069.7302,
        "BAND_N2": 861.2866,
    }
}
"""Of the sun at one astronomical unit, averaged over the band (Updike and Comp 2010, Radiometric use of
WorldView-2 imagery, DigitalGlobe, table 4) [W/m2/um]."""
_TWIN: Final = (".tif", ".tiff", ".jp2")


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxarMetadata:
    """What IMD says, in either of its two forms."""

    when: datetime | None
    satellite: str
    view: ViewClaim
    bands: tuple[str, ...]
    """In the order of the file, as BAND_B, BAND_G, ..."""
    gains: dict[str, float]
    """absCalFactor / effectiveBandwidth: DN to radiance [W/m2/sr/um]."""
    cloud_cover: float | None


def read_maxar(path: Path) -> Draft:
    """An image with its IMD or XML as a draft.

    Raises
    ------
    InputError
        "missing", "metadata", "bands", "time", "xml"; those of the files.
    """
    images = [p for p in sorted(path.parent.iterdir()) if p.stem == path.stem and p.suffix.lower() in _TWIN]
    if not images:
        raise InputError(
            "missing", f"{path.name}: no image of the same name", hint="fetch the whole delivery"
        )
    image = images[0]
    check_file(image, root=path.parent)
    header = read_header(image)
    if path.suffix.lower() == ".xml":
        root = read_xml(path)
        metadata, rpc = read_maxar_xml(root), _rpc_of_xml(root, path.name)
    else:
        check_file(path)
        metadata, rpc = read_imd(path.read_text(encoding="utf-8", errors="replace")), None
    same_stem = [p.name for p in path.parent.iterdir() if p.name.upper().startswith(path.stem.upper())]
    bands, calibrated = _bands(image, header, metadata)
    flag = Flag(code="not-radiometric", message=f"no irradiances for {metadata.satellite}: brightness only")
    return Draft(
        source="maxar",
        root=path.parent,
        bands=bands,
        calibrated=calibrated,
        when=metadata.when,
        platform=metadata.satellite.lower(),
        view=metadata.view,
        rpc=rpc or find_rpc(path.parent, same_stem),
        nodata=header.nodata if header.nodata is not None else 0.0,
        metadata=(path,),
        cloud_cover=metadata.cloud_cover,
        flags=() if calibrated else (flag,),
    )


def read_imd(text: str) -> MaxarMetadata:
    """The text form: `key = value;` in groups.

    Raises
    ------
    InputError
        "metadata", "time".
    """
    values: dict[str, str] = {}
    bands: dict[str, dict[str, str]] = {}
    group = ""
    for line in text.splitlines():
        if match := re.match(r"\s*BEGIN_GROUP\s*=\s*(\w+)", line):
            group = match[1].upper()
        elif re.match(r"\s*END_GROUP", line):
            group = ""
        elif match := re.match(r'\s*(\w+)\s*=\s*"?([^";]*)"?\s*;', line):
            if group in MAXAR:
                bands.setdefault(group, {})[match[1].lower()] = match[2].strip()
            values.setdefault(match[1].lower(), match[2].strip())
    return _metadata(values, bands)


def read_maxar_xml(root: Element) -> MaxarMetadata:
    """The XML form (`isd`), with upper-case tags.

    Raises
    ------
    InputError
        "metadata", "time".
    """
    imd = find(root, "IMD")
    if imd is None:
        raise InputError("metadata", "the XML has no IMD", hint="give the XML that came with the image")
    values: dict[str, str] = {}
    bands: dict[str, dict[str, str]] = {}
    for element in imd.iter():
        if local(element).upper() in MAXAR:
            bands[local(element).upper()] = {local(e).lower(): (e.text or "").strip() for e in element}
        elif element.text and element.text.strip():
            values.setdefault(local(element).lower(), element.text.strip())
    return _metadata(values, bands)


def _metadata(values: dict[str, str], bands: dict[str, dict[str, str]]) -> MaxarMetadata:
    """Both forms: the view zenith angle is 90 - meanSatEl, the azimuth meanSatAz as it is."""
    stamp = values.get("firstlinetime") or values.get("earliestacqtime")
    elevation = read_number(values, "meansatel", low=0.0, high=90.0)
    cloud = read_number(values, "cloudcover", low=-999.0, high=1.0)
    gains = {}
    for name, entry in bands.items():
        factor = read_number(entry, "abscalfactor", low=0.0, high=1e6)
        width = read_number(entry, "effectivebandwidth", low=1e-6, high=1e3)
        if factor and width:
            gains[name] = factor / width
    return MaxarMetadata(
        when=None if stamp is None else parse_time(stamp),
        satellite=values.get("satid", "maxar"),
        view=ViewClaim(
            incidence_angle=None if elevation is None else 90.0 - elevation,
            azimuth=read_number(values, "meansataz", low=-360.0, high=360.0),
            sun_elevation=read_number(values, "meansunel", low=-90.0, high=90.0),
            sun_azimuth=read_number(values, "meansunaz", low=-360.0, high=360.0),
            source="maxar-imd",
            off_nadir=read_number(values, "meanoffnadirviewangle", low=-89.0, high=89.0),
        ),
        bands=tuple(bands),
        gains=gains,
        cloud_cover=cloud if cloud is not None and cloud >= 0.0 else None,
    )


def _rpc_of_xml(root: Element, name: str) -> dict[str, str] | None:
    """The RPB part of the XML under GDAL's names."""
    rpb = find(root, "RPB")
    if rpb is None:
        return None
    values: dict[str, str] = {}
    lists: dict[str, Sequence[str]] = {}
    for element in rpb.iter():
        tag, text = local(element), (element.text or "").strip()
        if tag.lower().endswith("coeflist"):
            inner = next(find_all(element, tag[:-4]), element)
            lists[tag[:-4]] = (inner.text or "").split()
        elif text:
            values[tag] = text
    return gather(values, lists, name)


def _bands(path: Path, header: RasterHeader, metadata: MaxarMetadata) -> tuple[tuple[Band, ...], bool]:
    """Bands to reflectance at the top of the atmosphere where the sun's irradiance in them is known."""
    if len(metadata.bands) != header.count:
        raise InputError(
            "bands",
            f"{path.name}: {header.count} bands, its metadata describe {len(metadata.bands)}",
            hint="the metadata belong to another product",
        )
    table = IRRADIANCE.get(metadata.satellite, {})
    elevation = metadata.view.sun_elevation
    known = all(b in table and b in metadata.gains for b in metadata.bands)
    if header.dtype == "uint8" or not known or elevation is None or elevation <= 0.0 or metadata.when is None:
        full = 255.0 if header.dtype == "uint8" else 2047.0  # eleven bits
        plain = (
            Band(name=MAXAR[b], path=str(path), index=i, scale=1.0 / full)
            for i, b in enumerate(metadata.bands, 1)
        )
        return tuple(plain), False
    common = np.pi * sun_distance(metadata.when) ** 2 / np.sin(np.radians(elevation))
    return tuple(
        Band(name=MAXAR[b], path=str(path), index=i, scale=float(common * metadata.gains[b] / table[b]))
        for i, b in enumerate(metadata.bands, 1)
    ), True
