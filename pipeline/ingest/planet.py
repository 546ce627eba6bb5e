"""PlanetScope, SkySat and RapidEye as Planet lays them out: images, masks, XML and JSON of one item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.datatypes import Band, Flag
from pipeline.errors import InputError
from pipeline.ingest.bandnames import PLANET
from pipeline.ingest.draft import Draft, Mask, ViewClaim, parse_time, read_number
from pipeline.ingest.opening import RasterHeader, check_file, read_header, read_json, read_xml
from pipeline.ingest.rpcfile import find_rpc
from pipeline.ingest.vendorxml import find_all, number_of, text_of
from pipeline.ingest.view import zenith_from_off_nadir

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_PREFERENCE: Final = (
    "pansharpened",
    "analyticms_sr_8b",
    "analyticms_sr",
    "analytic_sr",
    "analyticms_8b",
    "analyticms",
    "analytic",
    "panchromatic",
    "visual",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanetMetadata:
    """What the XML or the JSON of an item says."""

    when: datetime | None = None
    platform: str = "planetscope"
    view: ViewClaim = field(default_factory=lambda: ViewClaim(source="planet"))
    coefficients: Mapping[int, float] = field(default_factory=dict)
    """1-based band to the factor from DN to reflectance at the top of the atmosphere."""
    cloud_cover: float | None = None


def read_planet(path: Path, names: Sequence[str]) -> Draft:
    """The files of one Planet item as a draft.

    Parameters
    ----------
    path
        One of its metadata files.
    names
        All files of the item, in the folder of `path`.

    Raises
    ------
    InputError
        "missing": no ortho image; "metadata", "bands", "time"; those of the files.
    """
    folder = path.parent
    image = choose_image(names)
    if image is None:
        raise InputError(
            "missing",
            f"{path.name}: no georeferenced image among the item's files",
            hint="order an ortho product",
        )
    check_file(folder / image, root=folder)
    header = read_header(folder / image)
    described = [folder / n for n in names if n.lower().endswith("_metadata.xml")]
    items = [folder / n for n in names if n.lower().endswith(".json")]
    product = Path(image).stem.lower().removesuffix("_sr")
    described.sort(key=lambda p: (not p.name.lower().startswith(product), p.name))
    metadata = PlanetMetadata()
    if described:
        metadata = read_planet_xml(read_xml(described[0]))
    if items:
        metadata = _merge(metadata, read_planet_json(read_json(items[0])))
    bands, calibrated = _bands(folder / image, header, metadata)
    flags = () if calibrated else (_NOT_RADIOMETRIC,)
    return Draft(
        source="planet",
        root=folder,
        bands=bands,
        calibrated=calibrated,
        when=metadata.when,
        platform=metadata.platform,
        view=metadata.view,
        rpc=find_rpc(folder, names),
        nodata=header.nodata if header.nodata is not None else 0.0,
        masks=_masks(folder, names),
        metadata=(*described[:1], *items[:1]),
        cloud_cover=metadata.cloud_cover,
        flags=flags,
    )


_NOT_RADIOMETRIC: Final = Flag(
    code="not-radiometric", message="a visual or uncalibrated product: brightness only"
)


def choose_image(names: Sequence[str]) -> str | None:
    """The best georeferenced image: the finest, then reflectance, then all bands; never a basic one."""
    images = [n for n in names if n.lower().endswith((".tif", ".tiff")) and "udm" not in n.lower()]
    for kind in _PREFERENCE:
        for name in sorted(images):
            stem = Path(name).stem.lower()
            if kind in stem and "basic" not in stem and "_1b_" not in stem and "_1a_" not in stem:
                return name
    return None


def read_planet_xml(root: Element) -> PlanetMetadata:
    """`*_metadata.xml` of an ortho product. Its azimuthAngle turns the image and is not the satellite's.

    Raises
    ------
    InputError
        "metadata", "time".
    """
    stamp = text_of(root, "acquisitionDateTime", "acquisitionDate")
    incidence = number_of(root, "incidenceAngle", low=-89.0, high=89.0)
    platform = _family(text_of(root, "shortName") or "", text_of(root, "serialIdentifier") or "")
    if incidence is None:
        off_nadir = number_of(root, "spaceCraftViewAngle", low=-89.0, high=89.0)
        incidence = None if off_nadir is None else zenith_from_off_nadir(off_nadir, platform)
    coefficients = {}
    for band in find_all(root, "bandSpecificMetadata"):
        number, factor = (
            number_of(band, "bandNumber"),
            number_of(band, "reflectanceCoefficient", low=0.0, high=1.0),
        )
        if number is not None and factor:
            coefficients[int(number)] = factor
    cloud = number_of(root, "cloudCoverPercentage", low=0.0, high=100.0)
    return PlanetMetadata(
        when=None if stamp is None else parse_time(stamp),
        platform=platform,
        view=ViewClaim(
            incidence_angle=None if incidence is None else abs(incidence),
            sun_elevation=number_of(root, "illuminationElevationAngle", low=-90.0, high=90.0),
            sun_azimuth=number_of(root, "illuminationAzimuthAngle", low=-360.0, high=360.0),
            source="planet",
            azimuth_trusted=False,
        ),
        coefficients=coefficients,
        cloud_cover=None if cloud is None else cloud / 100.0,
    )


def read_planet_json(document: Any) -> PlanetMetadata:
    """`*_metadata.json` of the API: view_angle is at the satellite, satellite_azimuth is worded in two ways.

    Raises
    ------
    InputError
        "metadata", "time".
    """
    properties = document.get("properties") if isinstance(document, dict) else None
    if not isinstance(properties, dict):
        raise InputError("metadata", "the item's JSON has no properties", hint="fetch the metadata again")
    stamp = properties.get("acquired", properties.get("datetime"))
    platform = _family(
        str(properties.get("item_type", properties.get("constellation", ""))),
        str(properties.get("satellite_id", properties.get("platform", ""))),
    )
    key = "view_angle" if "view_angle" in properties else "view:off_nadir"
    off_nadir = read_number(properties, key, low=-89.0, high=89.0)
    return PlanetMetadata(
        when=None if stamp is None else parse_time(stamp),
        platform=platform,
        view=ViewClaim(
            incidence_angle=None if off_nadir is None else zenith_from_off_nadir(off_nadir, platform),
            azimuth=read_number(properties, "satellite_azimuth", low=-360.0, high=360.0),
            sun_elevation=read_number(properties, "sun_elevation", low=-90.0, high=90.0),
            sun_azimuth=read_number(properties, "sun_azimuth", low=-360.0, high=360.0),
            source="planet",
            azimuth_trusted=False,
        ),
        cloud_cover=read_number(properties, "cloud_cover", low=0.0, high=1.0),
    )


def _family(item_type: str, satellite: str) -> str:
    """Constellation and satellite."""
    lower = item_type.lower()
    name = "skysat" if lower.startswith("skysat") else "rapideye" if lower.startswith("re") else "planetscope"
    return f"{name} {satellite}".strip()


def _merge(xml: PlanetMetadata, item: PlanetMetadata) -> PlanetMetadata:
    """The XML's numbers, filled up from the JSON's."""

    def first(a: float | None, b: float | None) -> float | None:
        return b if a is None else a

    return PlanetMetadata(
        when=item.when or xml.when,
        platform=item.platform,
        view=ViewClaim(
            incidence_angle=first(xml.view.incidence_angle, item.view.incidence_angle),
            azimuth=item.view.azimuth,
            sun_elevation=first(xml.view.sun_elevation, item.view.sun_elevation),
            sun_azimuth=first(xml.view.sun_azimuth, item.view.sun_azimuth),
            source="planet",
            azimuth_trusted=False,
        ),
        coefficients=xml.coefficients,
        cloud_cover=first(item.cloud_cover, xml.cloud_cover),
    )


def _bands(path: Path, header: RasterHeader, metadata: PlanetMetadata) -> tuple[tuple[Band, ...], bool]:
    """Bands with their factors, and True where these give reflectance."""
    colour = [i for i, name in enumerate(header.colours) if name != "alpha"]
    names = PLANET.get(len(colour))
    if names is None:
        raise InputError(
            "bands",
            f"{path.name}: {len(colour)} bands, expected 1, 3, 4, 5 or 8",
            hint="order a standard product",
        )
    surface = "_sr" in path.stem.lower()
    calibrated = header.dtype != "uint8" and (surface or all(i + 1 in metadata.coefficients for i in colour))
    bands = []
    for i, name in zip(colour, names, strict=True):
        if header.dtype == "uint8":
            scale = 1.0 / 255.0
        else:
            scale = 1e-4 if surface or not calibrated else metadata.coefficients[i + 1]
        bands.append(Band(name=name, path=str(path), index=i + 1, scale=scale))
    return tuple(bands), calibrated


def _masks(folder: Path, names: Sequence[str]) -> tuple[Mask, ...]:
    """UDM2, else UDM."""
    for kind in ("udm2", "udm"):
        found = [
            n
            for n in names
            if kind in n.lower() and n.lower().endswith((".tif", ".tiff")) and "basic" not in n
        ]
        if found:
            return (Mask(kind=kind, path=folder / sorted(found)[0]),)
    return ()
