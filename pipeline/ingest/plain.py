"""Images whose description is their name, a small JSON, or nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pipeline.datatypes import Band, Flag
from pipeline.errors import InputError
from pipeline.ingest.bandnames import SENTINEL2, common_name, split_band_token
from pipeline.ingest.draft import Draft, Mask, parse_time, read_number
from pipeline.ingest.opening import RasterHeader, check_file, read_header, read_json

_RASTERS: Final = (".tif", ".tiff", ".jp2")
_L2A_ORDER: Final = tuple(b for b in SENTINEL2 if b != "B10")
"""Sentinel-2 L2A in twelve bands: B10 does not reach the ground."""


def read_band_files(path: Path) -> Draft:
    """One band a file: the group that `path` belongs to.

    Reflectance is DN / 65535 where the names carry the browser's "(Raw)", else DN / 10000.

    Raises
    ------
    InputError
        "bands", "time"; those of the files.
    """
    token = split_band_token(path.stem)
    if token is None:
        raise InputError("bands", f"{path.name}: no band in its name", hint="expected e.g. ..._B04_...")
    bands: list[Band] = []
    for other in sorted(path.parent.iterdir()):
        found = split_band_token(other.stem)
        if found is None or found[1] != token[1] or other.suffix.lower() not in _RASTERS:
            continue
        check_file(other, root=path.parent)
        header = read_header(other)
        scale = 1.0 / 255.0 if header.dtype == "uint8" else 1e-4
        if "(Raw)" in other.stem and header.dtype == "uint16":
            scale = 1.0 / 65535.0
        bands.append(Band(name=SENTINEL2[found[0]], path=str(other), index=1, scale=scale))
    calibrated = all(b.scale != 1.0 / 255.0 for b in bands)
    when, flags = _time_of_name(token[1])
    return Draft(
        source="band-files",
        root=path.parent,
        bands=tuple(bands),
        calibrated=calibrated,
        when=when,
        platform="sentinel-2" if "sentinel-2" in path.name.lower() else None,
        flags=flags,
    )


_DAY = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")


def _time_of_name(name: str) -> tuple[datetime | None, tuple[Flag, ...]]:
    """Noon of the day that a name states, flagged; None where it states none."""
    match = _DAY.search(name)
    return (None, ()) if match is None else _noon(match.group())


def _noon(day: str) -> tuple[datetime, tuple[Flag, ...]]:
    try:
        when = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(hours=12)
    except ValueError as error:
        raise InputError("time", f"date given as {day!r}", hint="mend the name or the metadata") from error
    message = f"only the day {day} is known: noon UTC stands for it, and no sun is computed"
    return when, (Flag(code="time-of-day-unknown", message=message),)


def read_json_sidecar(path: Path) -> Draft:
    """Chips of Sentinel-2 with a JSON of the same stem: `acquisition-date`, or `datetime` and more.

    Raises
    ------
    InputError
        "metadata", "bands", "time"; those of the files.
    """
    document = read_json(path)
    image = next(
        (p for s in _RASTERS for p in (path.with_suffix(s), path.with_suffix(s.upper())) if p.exists()), None
    )
    if not isinstance(document, dict) or image is None:
        raise InputError(
            "metadata", f"{path.name}: no image of the same name", hint="expected a .tif beside it"
        )
    check_file(image, root=path.parent)
    header = read_header(image)
    names = _chip_bands(document, header)
    scale = read_number(document, "reflectance_scale", low=1e-9, high=1.0) or 1e-4
    offset = read_number(document, "reflectance_offset", low=-1.0, high=1.0) or 0.0
    flags: tuple[Flag, ...] = ()
    if "datetime" in document:
        when = parse_time(document["datetime"])
    else:
        when, flags = _noon(str(document.get("acquisition-date")))
    percent = read_number(document, "cloud_cover", low=0.0, high=100.0)
    platform = document.get("platform") or "sentinel-2"
    return Draft(
        source="json-sidecar",
        root=path.parent,
        bands=tuple(
            Band(name=SENTINEL2[n], path=str(image), index=i + 1, scale=scale, offset=offset)
            for i, n in enumerate(names)
            if n in SENTINEL2
        ),
        calibrated=True,
        when=when,
        platform=str(platform).lower(),
        nodata=header.nodata,
        masks=tuple(Mask(kind="scl", path=image, index=i + 1) for i, n in enumerate(names) if n == "SCL"),
        metadata=(path,),
        cloud_cover=None if percent is None else percent / 100.0,
        flags=flags,
    )


def _chip_bands(document: Mapping[str, Any], header: RasterHeader) -> Sequence[str]:
    """Sentinel-2 names in the order of the file: the JSON's, else the file's own, else the L2A order."""
    stated = document.get("bands")
    if isinstance(stated, list) and len(stated) != header.count:
        raise InputError(
            "bands",
            f"{Path(header.path).name}: {header.count} bands, its JSON names {len(stated)}",
            hint="mend the JSON",
        )
    if isinstance(stated, list):
        return [str(n) for n in stated]
    described = [d for d in header.descriptions if d in SENTINEL2]
    if len(described) == header.count:
        return described
    if header.count != len(_L2A_ORDER):
        raise InputError(
            "bands",
            f"{Path(header.path).name}: {header.count} bands without names",
            hint="name them in the JSON",
        )
    return _L2A_ORDER


def read_geotiff(path: Path) -> Draft:
    """A bare image: good for detection, not for freeboard, since nothing says where the satellite stood.

    RPC in the file give the view where it also carries its time.

    Raises
    ------
    InputError
        Those of the file.
    """
    check_file(path, root=path.parent)
    header = read_header(path)
    names = _plain_names(header)
    bands = []
    for i, name in names.items():
        scale, offset = header.scales[i], header.offsets[i]
        if (scale, offset) == (1.0, 0.0):
            scale = {"uint8": 1.0 / 255.0, "uint16": 1e-4, "int16": 1e-4}.get(header.dtype, 1.0)
        bands.append(Band(name=name, path=str(path), index=i + 1, scale=scale, offset=offset))
    calibrated = any(s != 1.0 for s in header.scales)
    flags = [
        Flag(code="bare-image", message="an image without metadata: ships are found, nothing is measured")
    ]
    if not calibrated:
        flags.append(
            Flag(code="not-radiometric", message="brightness, not reflectance: no calibration is stated")
        )
    alpha = [i + 1 for i, colour in enumerate(header.colours) if colour == "alpha"]
    return Draft(
        source="geotiff",
        root=path.parent,
        bands=tuple(bands),
        calibrated=calibrated,
        when=_time_of_tags(header.tags),
        nodata=header.nodata,
        masks=tuple(Mask(kind="alpha", path=path, index=i) for i in alpha[:1]),
        flags=tuple(flags),
    )


def _time_of_tags(tags: Mapping[str, str]) -> datetime | None:
    """A `datetime` that names its zone; TIFF's own DateTime has none and is when the file was written."""
    stamp = tags.get("datetime") or tags.get("ACQUISITION_TIME")
    try:
        return None if stamp is None else parse_time(stamp)
    except InputError:
        return None


def _plain_names(header: RasterHeader) -> dict[int, str]:
    """{0-based band: name}: as described, else by colour; no alpha."""
    colour = [i for i, c in enumerate(header.colours) if c != "alpha"]
    described = {i: common_name(header.descriptions[i]) for i in colour}
    if all(described.values()):
        names = [str(described[i]) for i in colour]
    elif {"red", "green", "blue"} <= set(header.colours):
        extra = iter(("nir",) if len(colour) == 4 and header.dtype != "uint8" else ())
        names = [
            c if (c := header.colours[i]) in ("red", "green", "blue") else next(extra, f"b{i + 1}")
            for i in colour
        ]
    elif len(colour) == 1:
        names = ["pan"]
    else:
        names = [f"b{i + 1}" for i in colour]
    return {
        i: n if names.index(n) == j else f"b{i + 1}"
        for j, (i, n) in enumerate(zip(colour, names, strict=True))
    }
