"""What is read of a scene, in pieces where it is too much for one, and one result out of theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pipeline.datatypes import Flag, Polygon, Scene, Site, Window
from pipeline.geometry import find_window, ground_to_lonlat, lonlat_to_ground
from pipeline.products import BerthState, CloudResult, DetectionResult, SceneResult

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

SURROUNDINGS = 500.0
"""Read around a berth: room for a ship alongside, her shadow, and water to compare with [m]."""
_INSET = 1e-3
"""That rounding does not add a row or a column [pixel]."""
SAME_SHIP = 0.5
"""Two outlines that share more than this of the smaller one are one ship [1]."""
LEFT_OUT = frozenset({"no-data", "outside-site", "too-large"})
"""Refusals of one piece that leave the others what they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one piece says."""

    result: SceneResult
    pixels: int
    """Of the piece, measured or not."""


# -------------------------------------------------------------------------------------- what to read


def area_of(site: Site) -> Polygon | None:
    """The area of interest, or the hull of several; without any, the hull of the berths."""
    areas = site.of_role("aoi") or site.of_role("berth")
    if len(areas) == 1 and areas[0].role == "berth":
        return _hull([areas[0].outline])
    return _around([area.outline for area in areas]) if areas else None


def _around(outlines: Sequence[Polygon]) -> Polygon:
    return outlines[0] if len(outlines) == 1 else _hull(outlines)


def _hull(outlines: Sequence[Polygon]) -> Polygon:
    from shapely import MultiPoint

    hull = MultiPoint([point for outline in outlines for point in outline]).convex_hull
    return tuple((float(x), float(y)) for x, y in hull.exterior.coords)


def _figure(outline: Polygon) -> BaseGeometry:
    from shapely import Polygon as Ring
    from shapely import make_valid

    return make_valid(Ring(outline))


def _meets(scene: Scene, outline: Polygon) -> bool:
    return bool(_figure(scene.footprint).intersection(_figure(outline)).area > 0)


def meets_site(scene: Scene, site: Site) -> bool:
    """True where the scene's footprint and the site's area have ground in common."""
    area = area_of(site)
    return area is not None and len(scene.footprint) >= 3 and _meets(scene, area)


def window_of(scene: Scene, area: Polygon | None) -> Window:
    """The pixels that reading `area` takes; None = the whole scene. Empty where the scene has none of it."""
    if area is None:
        return 0, 0, *scene.shape
    return find_window(scene.crs, scene.transform, scene.shape, area) or (0, 0, 0, 0)


def outline_of(scene: Scene, window: Window) -> Polygon:
    """(lon, lat) of a window's corners, cut to the scene: reading it gives these pixels and no others."""
    from pyproj import Transformer

    rows, cols = scene.shape
    top, left = (max(n, 0) + _INSET for n in window[:2])
    bottom, right = (min(n, most) - _INSET for n, most in zip(window[2:], (rows, cols), strict=True))
    a, b, c, d, e, f = scene.transform
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    x, y = zip(*((a * i + b * j + c, d * i + e * j + f) for i, j in corners), strict=True)
    lon, lat = Transformer.from_crs(scene.crs, "EPSG:4326", always_xy=True).transform(x, y)
    return tuple((float(p), float(q)) for p, q in zip(lon, lat, strict=True))


def count_pixels(scene: Scene, area: Polygon | None) -> int:
    """Pixels of one band that reading `area` takes; 0 where the scene has none of it."""
    top, left, bottom, right = window_of(scene, area)
    return max(bottom - top, 0) * max(right - left, 0)


def areas_of(site: Site, scene: Scene, max_pixels: int) -> tuple[Polygon, ...]:
    """What to read of a scene that meets the site, each piece of at most `max_pixels` where that can be.

    The hull of the areas of interest that the scene meets; else each of them alone, if all fit; else what
    lies around the berths, and around those anchorages that fit too. What does not fit even then is there
    all the same, for the reader to refuse. At least one piece, in the order of the site.

    Raises
    ------
    ValueError
        The site has neither area of interest nor berth.
    """
    whole = area_of(site)
    if whole is None:
        raise ValueError(f"{site.id}: neither area of interest nor berth")
    aois = _met(site, scene, "aoi")
    hull = _around(aois) if aois else whole
    fits = _Fits(scene, max_pixels)
    if fits(hull):
        return (hull,)
    if len(aois) > 1 and all(fits(outline) for outline in aois):
        return tuple(aois)
    return _surroundings(site, scene, fits) or (hull,)


def _met(site: Site, scene: Scene, role: str) -> list[Polygon]:
    return [feature.outline for feature in site.of_role(role) if _meets(scene, feature.outline)]


@dataclass(frozen=True, slots=True)
class _Fits:
    scene: Scene
    max_pixels: int

    def __call__(self, area: Polygon) -> bool:
        return count_pixels(self.scene, area) <= self.max_pixels


def _surroundings(site: Site, scene: Scene, fits: Callable[[Polygon], bool]) -> tuple[Polygon, ...]:
    """Boxes around the berths, then around the anchorages; no ground outside the areas of interest."""
    from shapely import box, union_all

    whole = area_of(site) or ()
    lon, lat = np.asarray(whole, dtype=np.float64).mean(axis=0)
    origin = (float(lon), float(lat))

    def on_ground(outline: Polygon) -> BaseGeometry:
        points = lonlat_to_ground(origin, outline)
        return _figure(tuple((float(x), float(y)) for x, y in points))

    def outline_of(figure: BaseGeometry) -> Polygon:
        west, south, east, north = figure.bounds
        corners = [(west, south), (east, south), (east, north), (west, north)]
        return tuple((float(x), float(y)) for x, y in ground_to_lonlat(origin, corners))

    aois = _met(site, scene, "aoi")
    wanted = union_all([on_ground(outline) for outline in aois]) if aois else None
    boxes: list[BaseGeometry] = []
    for role in ("berth", "anchorage"):
        for outline in _met(site, scene, role):
            figure = on_ground(outline)
            west, south, east, north = figure.bounds
            margin = SURROUNDINGS
            around = box(west - margin, south - margin, east + margin, north + margin)
            if wanted is not None:
                if figure.intersection(wanted).area == 0:
                    continue
                around = box(*around.intersection(wanted).bounds)
            if role == "berth" or fits(outline_of(around)):
                boxes = _add_box(boxes, around, lambda figure: fits(outline_of(figure)))
    return tuple(outline_of(figure) for figure in boxes)


def _add_box(
    boxes: Sequence[BaseGeometry], new: BaseGeometry, fits: Callable[[BaseGeometry], bool]
) -> list[BaseGeometry]:
    """`boxes` and `new`, which is joined with those that it overlaps as long as the joint box fits."""
    from shapely import box

    rest, place = list(boxes), len(boxes)
    at = 0
    while at < len(rest):
        joint = box(*new.union(rest[at]).bounds)
        if new.intersection(rest[at]).area > 0 and fits(joint):
            new, place = joint, min(place, at)
            del rest[at]
            at = 0  # the larger box may overlap one that the smaller did not
        else:
            at += 1
    return [*rest[:place], new, *rest[place:]]


def describe_reading(site: Site | None, scene: Scene, areas: Sequence[Polygon]) -> Flag | None:
    """What was read where it was not all at once, and what was left out; None for the whole in one piece."""
    from shapely import union_all

    if not areas:
        return None
    if site is None or not meets_site(scene, site):
        text = f"the scene is too large to be held at once: read in {len(areas)} pieces, one after the other"
        return Flag(code="read-in-pieces", message=text)
    aois = _met(site, scene, "aoi")
    hull = _around(aois) if aois else area_of(site) or ()
    if tuple(areas) == (hull,):
        return None
    read = union_all([_figure(area) for area in areas])
    wanted = union_all([_figure(a) for a in aois or [hull]]).intersection(_figure(scene.footprint))
    missed = 1.0 - float(wanted.intersection(read).area / wanted.area) if wanted.area > 0 else 0.0
    places = [*site.of_role("berth"), *site.of_role("anchorage")]
    left = [
        place.id
        for place in places
        if (part := _figure(place.outline).intersection(wanted)).area > 0
        and part.intersection(read).area < 0.5 * part.area
    ]
    pieces = "1 piece" if len(areas) == 1 else f"{len(areas)} pieces"
    text = f"the area of interest is too large to be read at once: read in {pieces}, "
    text += f"{100 * missed:.0f} % of it left out" if missed >= 0.005 else "nothing of it left out"
    return Flag(code="read-in-pieces", message=text + (f", with {', '.join(left)}" if left else ""))


# ------------------------------------------------------------------------------------- one from many


def join_results(parts: Sequence[Part]) -> SceneResult:
    """The pieces of one scene as one result; what a single piece says stands as it is.

    Its geometry is that of the first piece: what the ships say of it is for the caller.
    """
    first = parts[0].result
    if len(parts) == 1:
        return first
    ships, names = join_detections([part.result.detections for part in parts])
    return replace(
        first,
        cloud=_join_clouds([(p.result.cloud, p.pixels) for p in parts if p.result.cloud is not None]),
        berths=_join_berths([part.result.berths for part in parts], names),
        detections=ships,
        flags=_join_flags([part.result.flags for part in parts]),
    )


def _join_flags(parts: Sequence[Sequence[Flag]]) -> tuple[Flag, ...]:
    """Every flag once; there is no water where no piece shows any."""
    joined = dict.fromkeys(flag for flags in parts for flag in flags)
    dry = all(any(flag.code == "no-water" for flag in flags) for flags in parts)
    return tuple(flag for flag in joined if dry or flag.code != "no-water")


def join_detections(
    parts: Sequence[Sequence[DetectionResult]],
) -> tuple[tuple[DetectionResult, ...], list[dict[str, str]]]:
    """(every ship once, as d1, d2, ...; for each part her new id by her id there).

    A ship that lies mostly inside one of an earlier piece is that ship, and the earlier piece's word
    stands, unless it had her cut by its edge and the later one has not.
    """
    ships: list[DetectionResult] = []
    rings: list[BaseGeometry] = []
    names: list[dict[str, str]] = []
    for part in parts:
        earlier = len(ships)
        names.append({})
        for ship in part:
            ring = _ring(ship)
            twin = next((at for at in range(earlier) if _are_one(rings[at], ring)), None)
            if twin is None:
                ships.append(ship)
                rings.append(ring)
                twin = len(ships) - 1
            else:
                ships[twin] = _choose(ships[twin], ship)
                rings[twin] = _ring(ships[twin])
            names[-1][ship.id] = f"d{twin + 1}"
    return tuple(replace(ship, id=f"d{at}") for at, ship in enumerate(ships, 1)), names


def _ring(ship: DetectionResult) -> BaseGeometry:
    rings: object = ship.outline["coordinates"]
    points = np.asarray(rings, dtype=np.float64)[0]
    return _figure(tuple((float(x), float(y)) for x, y in points))


def _are_one(one: BaseGeometry, other: BaseGeometry) -> bool:
    if not one.intersects(other):
        return False
    return bool(one.intersection(other).area > SAME_SHIP * min(one.area, other.area))


def _choose(earlier: DetectionResult, later: DetectionResult) -> DetectionResult:
    cut = "cut-by-edge"
    kept, other = (later, earlier) if cut in earlier.flags and cut not in later.flags else (earlier, later)
    return kept if kept.berth_id is not None else replace(kept, berth_id=other.berth_id)


def _join_berths(
    parts: Sequence[Sequence[BerthState]], names: Sequence[Mapping[str, str]]
) -> tuple[BerthState, ...]:
    """Per berth the best outcome: occupied, else where most of it was clear; not imaged comes last."""
    joined = []
    for states in zip(*parts, strict=True):
        best = max(states, key=lambda s: (s.state == "occupied", s.state != "not-imaged", s.clear_fraction))
        ids = (renamed[i] for state, renamed in zip(states, names, strict=True) for i in state.detection_ids)
        joined.append(replace(best, detection_ids=tuple(dict.fromkeys(ids))))
    return tuple(joined)


def _join_clouds(parts: Sequence[tuple[CloudResult, int]]) -> CloudResult:
    """Shares of all measured pixels, and of all pixels."""
    total = sum(pixels for _, pixels in parts)
    measured = [pixels * (1.0 - cloud.nodata_fraction) for cloud, pixels in parts]
    weights = np.asarray(measured) / max(sum(measured), 1.0)
    return CloudResult(
        method=", ".join(dict.fromkeys(cloud.method for cloud, _ in parts)),
        cloud_fraction=float(weights @ [cloud.cloud_fraction for cloud, _ in parts]),
        shadow_fraction=float(weights @ [cloud.shadow_fraction for cloud, _ in parts]),
        nodata_fraction=1.0 - sum(measured) / total,
    )


# ----------------------------------------------------------------------------------------- pictures


def split_result(scene: Scene, areas: Sequence[Polygon | None], result: SceneResult) -> list[SceneResult]:
    """The scene's result once a piece, each with the ships that lie in it; every ship in one of them."""
    if len(areas) == 1:
        return [result]
    frames = [_figure(outline_of(scene, window_of(scene, area))) for area in areas]
    own: list[list[DetectionResult]] = [[] for _ in areas]
    for ship in result.detections:
        ring = _ring(ship)
        shares = [round(frame.intersection(ring).area / max(ring.area, 1e-15), 6) for frame in frames]
        own[int(np.argmax(shares))].append(ship)
    return [replace(result, detections=tuple(ships)) for ships in own]


def order_pictures(results: Sequence[SceneResult]) -> list[int]:
    """The order of the pieces' pictures: the one with most ships at berths first, else as they are."""
    at_berths = [sum(ship.berth_id is not None for ship in result.detections) for result in results]
    first = at_berths.index(max(at_berths))
    return [first, *(at for at in range(len(results)) if at != first)]
