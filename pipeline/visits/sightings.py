"""Scenes as passes over the site: what was seen where, each acquisition once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import cos, hypot, radians
from typing import cast

from pipeline.datatypes import BerthOutcome, LonLat, Polygon, SignedIdentity, Site
from pipeline.products import DetectionResult, SceneResult

ONE_PASS = timedelta(minutes=20)
"""Scenes closer than this are one look: strips of one orbit, one acquisition delivered twice under two
clocks, two satellites minutes apart. No tanker leaves a berth, and no other takes it, in less."""
METRES_PER_DEGREE = 111_195.0
"""Of latitude, on the mean sphere."""
RANKS: dict[BerthOutcome, int] = {"not-imaged": 0, "obscured": 1, "clear-empty": 2, "occupied": 3}
CLEAR_ENOUGH = 0.7
"""Of a berth where another ship was seen, for her absence to be seen as well [1]."""
PASSING = frozenset({"wake", "cut-by-edge"})
"""Flags of a detection that is not a ship lying at anchor."""


Words = Mapping[tuple[str, str], SignedIdentity]
"""By scene_id and detection id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One ship in one pass, at a berth or at anchor."""

    time: datetime
    scene_id: str
    ship: DetectionResult
    """The best look at her in this pass."""
    gsd: float
    centre: LonLat
    berth_id: str | None
    """None = at anchor."""
    copies: tuple[tuple[str, str], ...] = ()
    """(scene_id, detection id) of the same ship in other scenes of the pass."""
    signed: SignedIdentity | None = None
    """An analyst's word on who she is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One look at the site."""

    time: datetime
    outcomes: tuple[tuple[str, BerthOutcome, float], ...]
    """(berth, outcome, clear share), the most telling of the pass's scenes."""
    sightings: tuple[Sighting, ...]
    cloud_fraction: float
    """Of the clearest scene; 1 where it was not said."""
    footprints: tuple[Polygon, ...]
    scenes: tuple[str, ...] = ()
    disagree: tuple[str, ...] = ()
    """Berths that one of the scenes shows empty and another taken."""

    def shows(self, berth_id: str) -> bool:
        """Whether a ship at this berth would have been seen."""
        return any(
            berth == berth_id
            and (outcome == "clear-empty" or (outcome == "occupied" and clear >= CLEAR_ENOUGH))
            for berth, outcome, clear in self.outcomes
        )

    def usable(self, berth_id: str) -> bool:
        """Whether the berth was seen: occupied or clear-empty."""
        return any(b == berth_id and RANKS[outcome] >= 2 for b, outcome, _ in self.outcomes)

    def covers(self, point: LonLat) -> bool:
        """Whether open water at this point was probably seen: imaged, and little cloud."""
        imaged = not self.footprints or any(contains(f, point) for f in self.footprints)
        return imaged and self.cloud_fraction <= 0.3


def list_passes(
    results: Sequence[SceneResult], site: Site, signed: Sequence[SignedIdentity] = ()
) -> tuple[Pass, ...]:
    """Passes in the order of time, from dated scenes of this site that were not refused."""
    words = latest_words(signed)
    dated = [
        (result.datetime, result)
        for result in results
        if result.status == "ok" and result.datetime is not None and result.site in (None, site.id)
    ]
    dated.sort(key=lambda item: (item[0], item[1].scene_id))
    groups: list[list[SceneResult]] = []
    start: datetime | None = None
    for time, result in dated:
        if start is None or time - start > ONE_PASS:
            groups.append([])
            start = time
        groups[-1].append(result)
    return tuple(_pass_of(group, site, words) for group in groups)


def latest_words(signed: Sequence[SignedIdentity]) -> Words:
    """The last signature of each sighting; of two at one time the one of the greater IMO number."""
    ordered = sorted(signed, key=lambda s: (s.at, -1 if s.imo is None else s.imo, s.by))
    return {(s.scene_id, s.detection_id): s for s in ordered}


def _pass_of(group: Sequence[SceneResult], site: Site, words: Words) -> Pass:
    outcomes: dict[str, tuple[BerthOutcome, float]] = {}
    said: dict[str, set[str]] = {}
    for result in group:
        for berth in result.berths:
            said.setdefault(berth.id, set()).add(berth.state)
            new = (berth.state, berth.clear_fraction)
            old = outcomes.get(berth.id)
            if old is None or (RANKS[new[0]], new[1]) > (RANKS[old[0]], old[1]):
                outcomes[berth.id] = new
    found = [s for result in group for s in _sightings_of(result, site)]
    # A ship that was found proves that her berth was seen, whatever the state says.
    for sighting in found:
        if sighting.berth_id is not None:
            clear = outcomes.get(sighting.berth_id, ("occupied", 0.0))[1]
            outcomes[sighting.berth_id] = ("occupied", clear)
    assert group[0].datetime is not None
    return Pass(
        time=group[0].datetime,
        outcomes=tuple((berth, *outcomes[berth]) for berth in sorted(outcomes)),
        sightings=_merge_copies(found, words),
        cloud_fraction=min((r.cloud.cloud_fraction for r in group if r.cloud is not None), default=1.0),
        footprints=tuple(r.footprint for r in group if r.footprint is not None),
        scenes=tuple(r.scene_id for r in group),
        disagree=tuple(sorted(b for b, states in said.items() if {"occupied", "clear-empty"} <= states)),
    )


def _sightings_of(result: SceneResult, site: Site) -> list[Sighting]:
    """Ships at a berth or at anchor; whoever is elsewhere, or trails a wake, is passing.

    A part of a ship at the image's edge is no sighting at anchor either: nobody knows her size.
    """
    berths = {feature.id for feature in site.of_role("berth")}
    anchorages = [feature.outline for feature in site.of_role("anchorage")]
    assert result.datetime is not None
    found: list[Sighting] = []
    for ship in result.detections:
        centre = centre_of(ship.outline)
        at_berth = ship.berth_id is not None and (not berths or ship.berth_id in berths)
        anchored = PASSING.isdisjoint(ship.flags) and any(contains(area, centre) for area in anchorages)
        if not at_berth and not anchored:
            continue
        found.append(
            Sighting(
                time=result.datetime,
                scene_id=result.scene_id,
                ship=ship,
                gsd=result.gsd or 10.0,
                centre=centre,
                berth_id=ship.berth_id if at_berth else None,
            )
        )
    return found


def _merge_copies(found: Sequence[Sighting], words: Words) -> tuple[Sighting, ...]:
    """One sighting a ship: the same place in two scenes of a pass, or one hull found twice in one scene."""
    ranked = sorted(found, key=lambda s: (_quality(s), s.scene_id, s.ship.id))
    kept: list[tuple[Sighting, list[tuple[str, str]]]] = []
    for sighting in ranked:
        same = [
            (distance(first.centre, sighting.centre), k)
            for k, (first, copies) in enumerate(kept)
            if _overlap(first, sighting) or _again(first, copies, sighting)
        ]
        if same:
            kept[min(same)[1]][1].append((sighting.scene_id, sighting.ship.id))
        else:
            kept.append((sighting, []))
    merged = [
        replace(
            first,
            copies=tuple(sorted(copies)),
            signed=_word_on([(first.scene_id, first.ship.id), *copies], words),
        )
        for first, copies in kept
    ]
    return tuple(sorted(merged, key=lambda s: (s.scene_id, s.ship.id)))


def _word_on(pairs: Sequence[tuple[str, str]], words: Words) -> SignedIdentity | None:
    """The last signature among the looks at one ship in one pass."""
    signed = [words[pair] for pair in pairs if pair in words]
    return max(signed, key=lambda s: s.at) if signed else None


def _overlap(first: Sighting, second: Sighting) -> bool:
    """Whether the middle of one hull lies within the other in one scene, as no two ships can."""
    if first.scene_id != second.scene_id:
        return False
    return contains(ring_of(first.ship.outline), second.centre) or contains(
        ring_of(second.ship.outline), first.centre
    )


def _again(first: Sighting, copies: Sequence[tuple[str, str]], second: Sighting) -> bool:
    """Whether another scene of the pass shows the ship in her place, each ship of that scene once."""
    if second.scene_id == first.scene_id or second.scene_id in {scene for scene, _ in copies}:
        return False
    return distance(first.centre, second.centre) < 0.5 * max(first.ship.length, second.ship.length)


def _quality(sighting: Sighting) -> tuple[bool, float, float]:
    """Best look first: measured, tightest freeboard, finest pixel."""
    ship = sighting.ship
    measured = ship.load is not None and ship.freeboard is not None
    sigma = ship.freeboard.sigma if ship.freeboard is not None else 99.0
    return (not measured, sigma, sighting.gsd)


def ring_of(outline: dict[str, object]) -> Polygon:
    """Exterior corners of a GeoJSON polygon, each once (lon, lat)."""
    rings = cast(Sequence[Sequence[Sequence[float]]], outline["coordinates"])
    ring = [(float(p[0]), float(p[1])) for p in rings[0]]
    return tuple(ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring)


def centre_of(outline: dict[str, object]) -> LonLat:
    """Middle of the corners of a GeoJSON polygon (lon, lat)."""
    corners = ring_of(outline)
    return sum(x for x, _ in corners) / len(corners), sum(y for _, y in corners) / len(corners)


def distance(first: LonLat, second: LonLat) -> float:
    """Between points a few kilometres apart [m]."""
    scale = cos(radians((first[1] + second[1]) / 2))
    return METRES_PER_DEGREE * hypot((first[0] - second[0]) * scale, first[1] - second[1])


def contains(polygon: Polygon, point: LonLat) -> bool:
    """Even-odd rule; (lon, lat)."""
    inside = False
    x, y = point
    for k, (x1, y1) in enumerate(polygon):
        x0, y0 = polygon[k - 1]
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
            inside = not inside
    return inside
