"""Sentinel-2 products in SAFE layout, level 1C and 2A."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline.datatypes import Band, Flag, Polygon
from pipeline.errors import InputError
from pipeline.ingest.bandnames import SENTINEL2
from pipeline.ingest.draft import Draft, Mask, ViewClaim, parse_time
from pipeline.ingest.opening import check_file, read_xml
from pipeline.ingest.vendorxml import find, find_all, number_of, text_of
from pipeline.ingest.view import mean_direction

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_ORDER: Final = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
"""By the band_id of the metadata."""
_NEEDED: Final = ("B02", "B03", "B04", "B08")
_IMAGE = re.compile(r"_(B\d\d|B8A|SCL)(?:_(\d\d)m)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What MTD_MSIL1C.xml or MTD_MSIL2A.xml says."""

    platform: str
    start: datetime
    """Of the datatake, as in the product's name."""
    scale: float
    """1 / quantification value."""
    offsets: Mapping[str, float]
    """Band to offset in reflectance; empty before processing baseline 04.00."""
    images: Mapping[str, str]
    """Band, or SCL, to the path of its finest image below the product, without suffix."""
    footprint: Polygon | None
    cloud_cover: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """What MTD_TL.xml says."""

    sensed: datetime
    view: ViewClaim


def read_safe(folder: Path) -> Draft:
    """A SAFE folder as a draft.

    Raises
    ------
    InputError
        "unsupported": radar; "metadata", "xml", "missing", "time".
    """
    if folder.name.startswith("S1"):
        raise InputError(
            "unsupported", f"{folder.name[:60]}: radar, and only optical scenes are read", hint="leave it out"
        )
    metadata = [p for p in (folder / "MTD_MSIL2A.xml", folder / "MTD_MSIL1C.xml") if p.exists()]
    if not metadata:
        raise InputError(
            "metadata",
            f"{folder.name[:60]}: no MTD_MSIL2A.xml or MTD_MSIL1C.xml",
            hint="fetch the whole product",
        )
    product = read_product(read_xml(metadata[0]))
    located = {name: _image(folder, stem) for name, stem in product.images.items()}
    missing = [n for n in _NEEDED if located.get(n) is None]
    if missing:
        raise InputError(
            "missing", f"{folder.name[:60]}: no image of {', '.join(missing)}", hint="fetch the whole product"
        )
    bands = [
        Band(name=SENTINEL2[n], path=str(p), index=1, scale=product.scale, offset=product.offsets.get(n, 0.0))
        for n, p in located.items()
        if p is not None and n in SENTINEL2 and n != "B10"
    ]
    tiles = sorted(folder.glob("GRANULE/*/MTD_TL.xml"))
    tile = read_tile(read_xml(tiles[0])) if tiles else None
    flags = () if tile else (Flag(code="no-tile-metadata", message="MTD_TL.xml is missing: no view angles"),)
    scl = located.get("SCL")
    manifest = folder / "manifest.safe"
    used = [Path(b.path) for b in bands] + ([scl] if scl else [])
    return Draft(
        source="safe",
        root=folder,
        bands=tuple(bands),
        calibrated=True,
        when=tile.sensed if tile else product.start,
        named_time=product.start,
        platform=product.platform,
        view=tile.view if tile else ViewClaim(source="safe"),
        footprint=product.footprint,
        nodata=0.0,
        masks=(Mask(kind="scl", path=scl),) if scl else (),
        metadata=(metadata[0], *tiles[:1]),
        cloud_cover=product.cloud_cover,
        checksums=_checksums(manifest, used) if manifest.exists() else (),
        flags=flags,
    )


def _image(folder: Path, stem: str) -> Path | None:
    """The image file of a path without suffix; None where it was not fetched."""
    if stem.startswith("/") or ".." in Path(stem).parts:
        raise InputError(
            "outside-folder", f"image {stem[:60]!r} lies outside the product", hint="fetch it again"
        )
    for suffix in (".jp2", ".tif"):
        path = folder / f"{stem}{suffix}"
        if path.exists():
            check_file(path, root=folder)
            return path
    return None


def read_product(root: Element) -> Product:
    """MTD_MSIL1C.xml or MTD_MSIL2A.xml.

    Raises
    ------
    InputError
        "metadata": the quantification or the time is missing; "time".
    """
    level2 = next(find_all(root, "BOA_QUANTIFICATION_VALUE"), None) is not None
    quantity = number_of(root, "BOA_QUANTIFICATION_VALUE", "QUANTIFICATION_VALUE", low=1.0, high=1e6)
    start = text_of(root, "DATATAKE_SENSING_START", "PRODUCT_START_TIME")
    if quantity is None or start is None:
        raise InputError(
            "metadata",
            "the product names no quantification value or no time",
            hint="fetch the metadata again",
        )
    offsets = {}
    for element in find_all(root, "BOA_ADD_OFFSET" if level2 else "RADIO_ADD_OFFSET"):
        number = element.get("band_id", "")
        if number.isdigit() and int(number) < len(_ORDER) and element.text:
            offsets[_ORDER[int(number)]] = float(element.text) / quantity
    images: dict[str, tuple[int, str]] = {}
    for element in find_all(root, "IMAGE_FILE"):
        stem = (element.text or "").strip()
        if match := _IMAGE.search(stem):
            size = int(match[2] or 10)
            images[match[1]] = min(images.get(match[1], (size, stem)), (size, stem))
    cloud = number_of(root, "Cloud_Coverage_Assessment", low=0.0, high=100.0)
    return Product(
        platform=(text_of(root, "SPACECRAFT_NAME") or "sentinel-2").lower(),
        start=parse_time(start, zone_known=True),
        scale=1.0 / quantity,
        offsets=offsets,
        images={name: images[name][1] for name in (*_ORDER, "SCL") if name in images},
        footprint=_footprint(root),
        cloud_cover=None if cloud is None else cloud / 100.0,
    )


def _footprint(root: Element) -> Polygon | None:
    """The product's outline; positions are latitude first, with a height in some versions."""
    text = text_of(root, "EXT_POS_LIST")
    try:
        values = [float(v) for v in (text or "").split()]
    except ValueError:
        return None
    step = 3 if len(values) % 3 == 0 and len(values) % 2 else 2
    ring = tuple((values[i + 1], values[i]) for i in range(0, len(values) - 1, step))
    plausible = len(ring) >= 4 and all(abs(x) <= 180.0 and abs(y) <= 90.0 for x, y in ring)
    return ring if plausible else None


def read_tile(root: Element) -> Tile:
    """MTD_TL.xml: time and mean angles. Azimuths of the bands are averaged as vectors.

    Raises
    ------
    InputError
        "metadata", "time".
    """
    sensed = text_of(root, "SENSING_TIME")
    if sensed is None:
        raise InputError("metadata", "MTD_TL.xml names no sensing time", hint="fetch the metadata again")
    sun = find(root, "Mean_Sun_Angle")
    zenith = None if sun is None else number_of(sun, "ZENITH_ANGLE", low=0.0, high=180.0)
    zeniths, azimuths = [], []
    for element in find_all(root, "Mean_Viewing_Incidence_Angle"):
        band_zenith = number_of(element, "ZENITH_ANGLE", low=0.0, high=90.0)
        band_azimuth = number_of(element, "AZIMUTH_ANGLE", low=-360.0, high=360.0)
        if band_zenith is not None and band_azimuth is not None:
            zeniths.append(band_zenith)
            azimuths.append(band_azimuth)
    incidence, azimuth = mean_direction(zeniths, azimuths) if zeniths else (None, None)
    view = ViewClaim(
        incidence_angle=incidence,
        azimuth=azimuth,
        sun_elevation=None if zenith is None else 90.0 - zenith,
        sun_azimuth=None if sun is None else number_of(sun, "AZIMUTH_ANGLE", low=-360.0, high=360.0),
        source="safe",
        azimuth_trusted=False,  # target to satellite is believed, not checked (physics.md 1.8)
    )
    return Tile(sensed=parse_time(sensed, zone_known=True), view=view)


def _checksums(manifest: Path, used: list[Path]) -> tuple[tuple[Path, str, str], ...]:
    """(file, algorithm, digest) of the files used, as manifest.safe states them."""
    wanted = {p.resolve(): p for p in used}
    found = []
    for entry in find_all(read_xml(manifest), "byteStream"):
        place, checksum = find(entry, "fileLocation"), find(entry, "checksum")
        if place is None or checksum is None or not checksum.text:
            continue
        path = wanted.get((manifest.parent / place.get("href", "")).resolve())
        algorithm = checksum.get("checksumName", "").upper().replace("_", "-")
        if path is not None:
            found.append((path, algorithm, checksum.text.strip().lower()))
    return tuple(found)
