"""Passes on offer, from a CSV or from STAC items: what may be bought and under which angles it was taken."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pipeline.datatypes import Polygon
from pipeline.errors import InputError, UsageError
from pipeline.geometry import wrap_degrees
from pipeline.ingest.draft import parse_time, read_number
from pipeline.ingest.opening import check_file, read_json
from pipeline.ingest.stac import item_cloud_cover, item_platform, item_time, item_view, read_polygon
from pipeline.ingest.view import zenith_from_off_nadir

COLUMNS: Final = (
    "id", "datetime", "incidence_angle", "off_nadir", "altitude", "azimuth", "gsd", "platform", "cloud_cover",
)  # fmt: skip
_MAX_BYTES: Final = 16 * 2**20
_HINT: Final = f"columns: {','.join(COLUMNS)}; one of incidence_angle and off_nadir"


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatePass:
    """An image that may be bought or tasked: when, from where and how fine."""

    id: str
    datetime: datetime
    """Aware UTC."""
    incidence_angle: float | None
    """View zenith angle at the ground, None where it is not stated [deg]."""
    azimuth: float | None
    """From the ship to the satellite, None where it is not stated [deg]."""
    gsd: float | None = None
    """[m]"""
    platform: str | None = None
    cloud_cover: float | None = None
    """As the vendor states or foretells it for the whole image, 0..1."""
    footprint: Polygon | None = None


def read_passes(path: Path) -> tuple[tuple[CandidatePass, ...], tuple[str, ...]]:
    """The passes of a CSV, a STAC Item, an ItemCollection or a folder of Items, and the faults of the rest.

    Parameters
    ----------
    path
        A CSV has a header with `datetime` and `incidence_angle`, or `off_nadir` with `altitude` [m] or a
        `platform` whose orbit is known; further `id`, `azimuth` (from the ship to the satellite), `gsd`,
        `cloud_cover` [%].

    Returns
    -------
    tuple
        (passes in their order, faults): a fault is one sentence that names file and row or item; the others
        are read.

    Raises
    ------
    UsageError
        No such file.
    InputError
        "candidates": neither a CSV with these columns nor STAC.
    """
    if not path.exists():
        raise UsageError(f"{path}: no such file", hint="give a CSV, STAC items or a folder of them")
    found: list[CandidatePass] = []
    faults: list[str] = []
    for where, entry in _entries(path):
        try:
            found.append(_read_row(where, entry) if isinstance(entry, Row) else _read_item(where, entry))
        except InputError as error:
            faults.append(f"{where}: {error}")
    if not found and not faults:
        raise InputError("candidates", f"{path.name}: holds no pass", hint=_HINT)
    return tuple(found), tuple(faults)


class Row(dict[str, str]):
    """Cells of a line of a CSV that are not empty, by column."""


def _entries(path: Path) -> Iterator[tuple[str, Any]]:
    """(where it stands, `Row` or STAC document) of everything that `path` holds."""
    if path.is_dir():
        for file in sorted(path.rglob("*.json")):
            yield from _documents(file)
    elif path.suffix.lower() in (".json", ".geojson"):
        yield from _documents(path)
    else:
        yield from _rows(path)


def _documents(path: Path) -> Iterator[tuple[str, Any]]:
    try:
        document = read_json(path)
    except InputError as error:
        yield path.name, error
        return
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        yield path.name, document
        return
    for number, feature in enumerate(features, start=1):
        yield f"{path.name} item {number}", feature


def _rows(path: Path) -> Iterator[tuple[str, Row]]:
    if check_file(path).st_size > _MAX_BYTES:
        raise InputError("candidates", f"{path.name}: larger than {_MAX_BYTES >> 20} MiB", hint=_HINT)
    try:
        lines = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""), strict=True)
        columns = [c.strip().lower() for c in lines.fieldnames or ()]
        if "datetime" not in columns or not {"incidence_angle", "off_nadir"} & set(columns):
            raise InputError("candidates", f"{path.name}: no column datetime or no angle", hint=_HINT)
        lines.fieldnames = columns
        for cells in lines:
            row = Row({k: v.strip() for k, v in cells.items() if k and isinstance(v, str) and v.strip()})
            if row:
                yield f"{path.name} line {lines.line_num}", row
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            "candidates", f"{path.name}: not readable as CSV: {error}", hint="save it as UTF-8 CSV"
        ) from error


def _read_row(where: str, row: Row) -> CandidatePass:
    """One line of a CSV."""
    unknown = set(row) - set(COLUMNS)
    values: dict[str, Any] = {k: v for k, v in row.items() if k not in unknown}
    incidence = read_number(values, "incidence_angle", low=0.0, high=89.0)
    off_nadir = read_number(values, "off_nadir", low=-89.0, high=89.0)
    altitude = read_number(values, "altitude", low=160e3, high=40_000e3)
    platform = values.get("platform")
    if incidence is None and off_nadir is not None:
        incidence = zenith_from_off_nadir(off_nadir, platform, height=altitude)
        if incidence is None:
            raise InputError("candidates", f"off_nadir {off_nadir:g}: needs altitude [m] or a known platform")
    azimuth = read_number(values, "azimuth", low=-360.0, high=360.0)
    cloud = read_number(values, "cloud_cover", low=0.0, high=100.0)
    return _candidate(
        values.get("id") or where,
        parse_time(values.get("datetime")),
        (incidence, azimuth),
        gsd=read_number(values, "gsd", low=0.05, high=1000.0),
        platform=platform,
        cloud_cover=None if cloud is None else cloud / 100.0,
    )


def _read_item(where: str, document: Any) -> CandidatePass:
    """One STAC Item; its assets need not be there."""
    if isinstance(document, InputError):
        raise document
    properties = document.get("properties") if isinstance(document, dict) else None
    if not isinstance(properties, dict) or document.get("type") != "Feature":
        raise InputError("candidates", "not a STAC Item")
    platform = item_platform(properties)
    claim = item_view(properties, platform)
    angles = (None, None) if claim is None else (claim.incidence_angle, claim.azimuth)
    return _candidate(
        str(document.get("id") or where),
        item_time(properties),
        angles,
        gsd=read_number(properties, "gsd", low=0.05, high=1000.0),
        platform=platform,
        cloud_cover=item_cloud_cover(properties),
        footprint=read_polygon(document.get("geometry")),
    )


def _candidate(
    name: str, when: datetime, angles: tuple[float | None, float | None], **rest: Any
) -> CandidatePass:
    incidence, azimuth = angles
    return CandidatePass(
        id=name,
        datetime=when,
        incidence_angle=incidence,
        azimuth=None if azimuth is None else wrap_degrees(azimuth),
        **rest,
    )
