"""plimsoll.kmz: a folder a visit for Google Earth, its images inside the file, nothing fetched.

Every text from outside is escaped twice: once for the HTML of a balloon, once for the XML around it.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import LonLat, Polygon, Site
from pipeline.products import (
    DetectionResult,
    Quantiles,
    SceneResult,
    Visit,
    VisitBarrels,
    VisitsDocument,
    VolumeDocument,
)
from pipeline.store.documents import format_time
from pipeline.store.files import sync_file

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The date of every member: the same season has the same bytes."""
_SIGNS: Final = "A rank is not a finding: an analyst signs."
_MARGIN: Final = 120.0
"""Of an overlay around the hull [m]."""
_MOST_PX: Final = 1200
_SIMULATED: Final = (160, 48, 126)
"""(blue, green, red) of the plate that says so."""
_COLOURS: Final = {"measured": "ffb27200", "imputed": "ff009fe6", "berth": "ff35a853"}
"""aabbggrr, of Okabe and Ito's palette."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """A piece of an annotated image, for the globe."""

    jpeg: bytes
    corners: tuple[LonLat, LonLat, LonLat, LonLat]
    """Lower left, lower right, upper right, upper left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """By "scene id/detection id"."""

    crops: Mapping[str, bytes]
    """PNG or JPEG of the ship, bow to the right."""
    overlays: Mapping[str, Overlay]


def cut_overlay(path: Path, ship: DetectionResult, *, simulated: bool = False) -> Overlay | None:
    """The annotated image around a ship; None where it does not reach her.

    `path` is a georeferenced annotated image of ours; a simulated one says so in its corner.
    """
    import cv2
    import rasterio
    from pyproj import Transformer
    from rasterio.windows import Window

    ring = np.asarray(ship.outline["coordinates"], dtype=np.float64)[0]
    with rasterio.open(path, driver="GTiff") as file:
        x, y = Transformer.from_crs("EPSG:4326", file.crs, always_xy=True).transform(ring[:, 0], ring[:, 1])
        a, b, c, d, e, f = (float(v) for v in tuple(file.transform)[:6])
        east, north = np.asarray(x) - c, np.asarray(y) - f
        cols, rows = (np.array([[e, -b], [-d, a]]) / (a * e - b * d)) @ np.stack([east, north])
        pad = _MARGIN / abs(a) if file.crs.is_projected else 0.5 * float(np.ptp(cols))
        start = np.maximum(np.floor([cols.min() - pad, rows.min() - pad]), 0).astype(int)
        stop = np.minimum(np.ceil([cols.max() + pad, rows.max() + pad]), [file.width, file.height]).astype(
            int
        )
        if (stop - start).min() < 8:
            return None
        planes = file.read(window=Window(*start, *(stop - start)))
        corner = [(start[0], stop[1]), (stop[0], stop[1]), (stop[0], start[1]), (start[0], start[1])]
        places = [(a * col + b * row + c, d * col + e * row + f) for col, row in corner]
        lon, lat = Transformer.from_crs(file.crs, "EPSG:4326", always_xy=True).transform(
            *zip(*places, strict=True)
        )
    picture = planes.transpose(1, 2, 0)[:, :, ::-1]
    scale = min(_MOST_PX / max(picture.shape[:2]), 1.0)
    if scale < 1.0:
        size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    picture = np.ascontiguousarray(picture)
    if simulated:
        cv2.rectangle(picture, (0, 0), (136, 34), _SIMULATED, -1)
        cv2.putText(picture, "SIMULATED", (10, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.65, (255, 255, 255), 1)
    done, coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])
    if not done:
        return None
    first, second, third, fourth = ((float(u), float(v)) for u, v in zip(lon, lat, strict=True))
    return Overlay(jpeg=bytes(coded), corners=(first, second, third, fourth))


def write_kmz(
    path: Path,
    season: tuple[VisitsDocument, VolumeDocument],
    results: Sequence[SceneResult],
    site: Site | None,
    places: Mapping[str, LonLat],
    pictures: Pictures,
) -> None:
    """Write the season to a new file at `path`; `places` gives (lon, lat) by visit id."""
    visits, volume = season
    scenes = {result.scene_id: result for result in results}
    barrels = {entry.visit_id: entry for entry in volume.by_visit}
    files: dict[str, bytes] = {}
    folders = [
        _visit(visit, barrels.get(visit.visit_id), scenes, places, pictures, files) for visit in visits.visits
    ]
    simulated = visits.simulated or volume.simulated
    title = f"Oil loaded at {site.name if site is not None else 'unnamed site'}"
    if simulated:
        title += " (SIMULATED)"
    document = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2">'
        f"<Document><name>{_xml(title)}</name><open>1</open>"
        f"<description>{_xml(_summary(volume, simulated=simulated))}</description>{_styles()}{_berths(site)}"
        + "".join(folders)
        + "</Document></kml>\n"
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in [("doc.kml", document.encode()), *sorted(files.items())]:
            info = zipfile.ZipInfo(name, _EPOCH)
            info.external_attr = 0o644 << 16
            info.create_system = 3
            packed = zipfile.ZIP_DEFLATED if name.endswith(".kml") else zipfile.ZIP_STORED
            archive.writestr(info, data, compress_type=packed, compresslevel=6)
    sync_file(path)


def _xml(text: str) -> str:
    """`text` as XML character data, without what XML has no place for."""
    kept = "".join(c if c.isprintable() or c == "\n" else " " for c in text)
    return escape(kept, quote=True)


def _html(text: object) -> str:
    """`text` as HTML, which still has to be put into XML."""
    return _xml(str(text)).replace("\n", " ")


def _summary(volume: VolumeDocument, *, simulated: bool) -> str:
    said = (
        f"Seen: {_quantiles(volume.barrels.baseline)} barrels; with what may not have been seen: "
        f"{_quantiles(volume.barrels.total)}. {volume.product.name} assumed. {_SIGNS}"
    )
    return ("SIMULATED: ships, images and barrels are invented. " if simulated else "") + said


def _quantiles(q: Quantiles) -> str:
    """As "125,000 (90 %: 114,000 to 134,000)", three significant digits."""
    low, middle, high = (float(f"{v:.3g}") for v in (q.p05, q.p50, q.p95))
    return f"{middle:,.0f} (90 %: {low:,.0f} to {high:,.0f})"


def _styles() -> str:
    text = ""
    for name, colour in _COLOURS.items():
        fill = f"33{colour[2:]}" if name == "berth" else f"40{colour[2:]}"
        text += (
            f'<Style id="{name}"><IconStyle><color>{colour}</color></IconStyle>'
            f"<LineStyle><color>{colour}</color><width>2</width></LineStyle>"
            f"<PolyStyle><color>{fill}</color></PolyStyle>"
            "<BalloonStyle><text>$[description]</text></BalloonStyle></Style>"
        )
    return text


def _berths(site: Site | None) -> str:
    """The berths, with what is not verified said to be a candidate."""
    if site is None or not site.of_role("berth"):
        return ""
    marks = ""
    for berth in site.of_role("berth"):
        name = (berth.name or berth.id) + ("" if berth.verified else " (candidate, not verified)")
        shape = _polygon(berth.outline)
        marks += f"<Placemark><name>{_xml(name)}</name><styleUrl>#berth</styleUrl>{shape}</Placemark>"
    return f"<Folder><name>Berths</name><visibility>1</visibility>{marks}</Folder>"


def _polygon(ring: Polygon | npt.NDArray[np.float64]) -> str:
    points = [(float(p[0]), float(p[1])) for p in ring]
    if points[0] != points[-1]:
        points.append(points[0])
    text = " ".join(f"{lon:.7f},{lat:.7f}" for lon, lat in points)
    inner = f"<LinearRing><coordinates>{text}</coordinates></LinearRing>"
    return f"<Polygon><tessellate>1</tessellate><outerBoundaryIs>{inner}</outerBoundaryIs></Polygon>"


def _time(when: datetime) -> str:
    return format_time(when.astimezone(UTC))


def _visit(
    visit: Visit,
    barrels: VisitBarrels | None,
    scenes: Mapping[str, SceneResult],
    places: Mapping[str, LonLat],
    pictures: Pictures,
    files: dict[str, bytes],
) -> str:
    """One folder: where she lay with the whole story, her hull and image at each look."""
    latest = visit.departure_window[1]
    end = "" if latest is None else f"<end>{_time(latest)}</end>"
    span = f"<TimeSpan><begin>{_time(visit.arrival_window[0])}</begin>{end}</TimeSpan>"
    first = visit.identity[0] if visit.identity else None
    who = (
        "ship not known" if first is None or first.name is None else f"{first.name}? {first.probability:.0%}"
    )
    looks, shown = "", []
    for scene_id, detection_id in zip(visit.scene_ids, visit.detection_ids, strict=False):
        result = scenes.get(scene_id)
        ship = (
            next((d for d in result.detections if d.id == detection_id), None) if result is not None else None
        )
        if result is None or ship is None:
            continue
        crop = pictures.crops.get(f"{scene_id}/{detection_id}")
        name = f"files/{scene_id}-{detection_id}"
        if crop is not None:
            ending = "png" if crop.startswith(b"\x89PNG") else "jpg"
            files[f"{name}.{ending}"] = crop
            shown.append((f"{name}.{ending}", result, ship))
        overlay = pictures.overlays.get(f"{scene_id}/{detection_id}")
        if overlay is not None:
            files[f"{name}-ground.jpg"] = overlay.jpeg
        looks += _look(visit, result, ship, overlay, f"{name}-ground.jpg")
    point = places.get(visit.visit_id)
    place = (
        "" if point is None else f"<Point><coordinates>{point[0]:.7f},{point[1]:.7f}</coordinates></Point>"
    )
    balloon = _balloon(visit, barrels, shown)
    return (
        f"<Folder><name>{_xml(f'{visit.visit_id}: {who}')}</name>{span}"
        f"<Placemark><name>{_xml(visit.visit_id)}</name><description>{_xml(balloon)}</description>{span}"
        f"<styleUrl>#{visit.status}</styleUrl>{place}</Placemark>{looks}</Folder>"
    )


def _look(
    visit: Visit, result: SceneResult, ship: DetectionResult, overlay: Overlay | None, href: str
) -> str:
    """The hull, and the image under it, at the time of one look."""
    stamp = "" if result.datetime is None else f"<TimeStamp><when>{_time(result.datetime)}</when></TimeStamp>"
    ring = np.asarray(ship.outline["coordinates"], dtype=np.float64)[0]
    text = (
        f"<Placemark><name>{_xml(f'{result.scene_id}/{ship.id}')}</name>{stamp}<styleUrl>#{visit.status}</styleUrl>"
        f"{_polygon(ring)}</Placemark>"
    )
    if overlay is not None:
        corners = " ".join(f"{lon:.7f},{lat:.7f},0" for lon, lat in overlay.corners)
        text += (
            f"<GroundOverlay><name>{_xml(f'image {result.scene_id}')}</name>{stamp}"
            f"<Icon><href>{_xml(href)}</href></Icon>"
            f"<gx:LatLonQuad><coordinates>{corners}</coordinates></gx:LatLonQuad></GroundOverlay>"
        )
    return text


def _balloon(
    visit: Visit, barrels: VisitBarrels | None, shown: Sequence[tuple[str, SceneResult, DetectionResult]]
) -> str:
    """A short evidence sheet as HTML."""
    early, late = visit.arrival_window, visit.departure_window
    left = (
        f"after {_time(late[0])}, not seen to have left"
        if late[1] is None
        else f"{_time(late[0])} to {_time(late[1])}"
    )
    rows = [
        ("Arrived", f"{_time(early[0])} to {_time(early[1])}"),
        ("Left", left),
        ("Evidence", f"{visit.evidence}, {visit.status}"),
        ("Cargo loaded", f"{visit.cargo_loaded.value:,.0f} ± {visit.cargo_loaded.sigma:,.0f} t"),
    ]
    if visit.departure is not None:
        low, high = visit.departure.interval90
        rows.append(("Fill on departure", f"{visit.departure.fraction:.0%} (90 %: {low:.0%} to {high:.0%})"))
    if barrels is not None:
        rows.append(("Barrels", _quantiles(barrels.barrels)))
    rows += [("May be", _candidate(name, imo, p)) for name, imo, p in _ranked(visit)]
    if visit.flags:
        rows.append(("Flags", ", ".join(visit.flags)))
    table = "".join(f"<tr><td>{_html(n)}</td><td>{_html(v)}</td></tr>" for n, v in rows)
    images = "".join(
        f'<p><img src="{_html(name)}" width="520"/><br/>{_html(_caption(result, ship))}</p>'
        for name, result, ship in shown
    )
    head = f"<h3>{_html(visit.visit_id)}</h3>"
    return f'{head}<table border="0" cellpadding="2">{table}</table>{images}<p>{_SIGNS}</p>'


def _ranked(visit: Visit) -> list[tuple[str | None, int | None, float]]:
    return [(i.name, i.imo, i.probability) for i in visit.identity[:3]]


def _candidate(name: str | None, imo: int | None, probability: float) -> str:
    who = "none of the register's ships" if name is None else name + ("" if imo is None else f", IMO {imo}")
    return f"{probability:.0%} {who}"


def _caption(result: SceneResult, ship: DetectionResult) -> str:
    when = "date unknown" if result.datetime is None else _time(result.datetime)
    said = f"{when}, {result.scene_id}"
    if ship.freeboard is not None:
        low, high = ship.freeboard.interval90
        said += f": freeboard {ship.freeboard.value:.2f} m (90 %: {low:.2f} to {high:.2f})"
    elif ship.not_measurable is not None:
        said += f": not measured, {ship.not_measurable.code}"
    return ("SIMULATED, " if result.simulated else "") + said
