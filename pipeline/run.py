"""The order of the stages, written once. Pure glue: records in, records out.

for each piece of a scene (one, where it is not too large):
    look_at -> [survey_site -> learn_memory] -> search_ships
        -> for each ship: assign_berth, rank_identities, measure_freeboard, estimate_load
-> join_results -> group_visits -> estimate_volume
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline.config import Config
from pipeline.datatypes import (
    BoolArray,
    Detection,
    Flag,
    Identity,
    Polygon,
    QuayModel,
    Scene,
    Ship,
    SignedIdentity,
    Site,
)
from pipeline.errors import Refused
from pipeline.look import Look, Memory, hidden_pixels, known_structure, own_pixels
from pipeline.pieces import Part, describe_reading, join_results
from pipeline.products import (
    BerthState,
    DetectionResult,
    GeometryResult,
    SceneResult,
    Software,
    VisitsDocument,
    VolumeDocument,
)
from pipeline.readings import AzimuthCheck, Freeboard, LoadOutcome
from pipeline.tiles import is_own

if TYPE_CHECKING:
    from pipeline.detect import Sea, Search, Structure
    from pipeline.render import Annotated

SCHEMA_VERSION = "1"
CERTAIN = 0.95
"""An identity from which particulars may be taken as known [1]."""
REGISTER_BEAM_SIGMA = 0.2
"""Of a beam in a register against the beam at the waterline [m]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Background:
    """What a scene is measured against."""

    site: Site | None
    fleet: tuple[Ship, ...]
    memory: Memory | None
    quays: QuayModel | None
    """What was learned of ships at quays that nobody knows."""
    config: Config
    software: Software


# --------------------------------------------------------------------------------------------- a scene


def measure_piece(look: Look, background: Background) -> tuple[Part, Sea | None]:
    """What one piece of a scene says, and the sea that was told on the way."""
    own = look.chip.valid[own_pixels(look)]
    result, sea = measure_scene(look, background)
    return Part(result=result, pixels=own.size), sea


def join_scene(scene: Scene, site: Site | None, parts: Mapping[Polygon | None, Part]) -> SceneResult:
    """The result of a scene from what was read of it, by the area of each piece."""
    result = join_results(list(parts.values()))
    areas = [area for area in parts if area is not None]
    reading = describe_reading(site, scene, areas)
    return replace(
        result,
        geometry=_geometry(scene, result.detections),
        flags=result.flags if reading is None else (*result.flags, reading),
    )


def measure_scene(look: Look, background: Background) -> tuple[SceneResult, Sea | None]:
    """All that one scene says: clouds, berths, ships, their freeboards and loads; the sea of `Search`."""
    from pipeline.clouds import summarise_clouds
    from pipeline.detect import assign_berth, search_ships

    scene, chip, config = look.scene, look.chip, background.config
    known = known_structure(look, background.memory)
    search = search_ships(
        chip,
        look.clouds,
        known=known,
        config=config.detect,
        view=scene.geometry,
        quays=background.quays,
    )
    detections = search.ships
    berth_of = {
        d.id: berth
        for d in detections
        if look.site is not None and (berth := assign_berth(d, look.site)) is not None
    }
    ships = tuple(
        measure_ship(look, detection, detections, berth_of.get(detection.id), known, background)
        for detection in detections
        if look.own is None or is_own(chip.grid, look.own, detection.outline)
    )
    own, result = own_pixels(look), describe_scene(scene, background.software)
    hidden = replace(look.clouds, cloudy=look.clouds.cloudy[own], shadowed=look.clouds.shadowed[own])
    said = replace(
        result,
        geometry=_geometry(scene, ships),
        cloud=summarise_clouds(hidden, chip.valid[own]),
        berths=_berths(look, berth_of, (known, search), config),
        detections=ships,
        flags=result.flags + _site_flags(look, background) + _image_flags(look, search),
        site=None if look.site is None else look.site.id,
    )
    return said, search.sea


def _berths(
    look: Look, berth_of: Mapping[str, str], told: tuple[Structure | None, Search], config: Config
) -> tuple[BerthState, ...]:
    """The outcome of every berth; one with something in it that was not made out is not called empty."""
    from pipeline.clouds import decide_berths
    from pipeline.detect import find_doubtful

    if look.site is None:
        return ()
    states = decide_berths(look.site, look.chip, look.clouds, berth_of, config=config.clouds)
    known, search = told
    doubtful = find_doubtful(look.chip, look.clouds, look.site, known=known, sea=search.sea)
    return tuple(
        replace(state, state="obscured") if state.state == "clear-empty" and state.id in doubtful else state
        for state in states
    )


def describe_scene(scene: Scene, software: Software, *, reason: Refused | None = None) -> SceneResult:
    """What the metadata alone say; with a reason, the refused scene."""
    return SceneResult(
        schema_version=SCHEMA_VERSION,
        scene_id=scene.scene_id,
        datetime=scene.datetime,
        platform=scene.platform,
        gsd=scene.gsd,
        crs=scene.crs,
        inputs=scene.inputs,
        software=software,
        status="ok" if reason is None else "refused",
        reason=reason,
        geometry=_geometry(scene, ()),
        flags=scene.flags,
        simulated=scene.simulated,
        footprint=scene.footprint,
    )


def _site_flags(look: Look, background: Background) -> tuple[Flag, ...]:
    flags: list[Flag] = []
    site = background.site
    if look.site is not None and background.memory is None:
        flags.append(
            Flag(
                code="terminal-not-learned",
                message="fewer than three clear looks at this terminal: a quay may pass for a ship, "
                "and no berth with something in it is called empty",
            )
        )
    if site is not None and look.site is None:
        flags.append(
            Flag(
                code="outside-site",
                message=f"the scene does not meet the area of {site.name}: all of it is searched, and there"
                " are no berths and no visits",
            )
        )
    if look.scene.datetime is None:
        flags.append(
            Flag(code="no-date", message="the scene carries no date: ships are found, visits are not")
        )
    return tuple(flags)


def _image_flags(look: Look, search: Search) -> tuple[Flag, ...]:
    """What is wrong with the image, and that it shows no water where it has no ships for that."""
    from pipeline.detect import find_doubts

    flags = find_doubts(look.chip)
    if search.water:
        return flags
    return (*flags, Flag(code="no-water", message="no water is to be seen: ships were not looked for"))


def _geometry(scene: Scene, ships: Sequence[DetectionResult]) -> GeometryResult | None:
    view = scene.geometry
    if view is None:
        return None
    return GeometryResult(
        incidence_angle=view.incidence_angle,
        azimuth=view.azimuth,
        sun_elevation=view.sun_elevation,
        sun_azimuth=view.sun_azimuth,
        source=view.source,
        azimuth_check=_agree([check for s in ships if (check := _check_of(s)) is not None]),
    )


def _check_of(ship: DetectionResult) -> AzimuthCheck | None:
    """What a ship says of the stated azimuth; she is not measured where she contradicts it."""
    if ship.freeboard is not None:
        return ship.freeboard.azimuth_check
    refused = ship.not_measurable
    return "contradicts" if refused is not None and refused.code == "no-geometry" else None


def _agree(checks: Sequence[AzimuthCheck]) -> AzimuthCheck:
    """What the ships of one scene say together of its view azimuth: the majority of those that decide."""
    votes = Counter(checks)
    if votes["agrees"] == votes["contradicts"]:
        return "undecided"
    return "agrees" if votes["agrees"] > votes["contradicts"] else "contradicts"


# ---------------------------------------------------------------------------------------------- a ship


def measure_ship(
    look: Look,
    detection: Detection,
    detections: Sequence[Detection],
    berth_id: str | None,
    known: Structure | None,
    background: Background,
) -> DetectionResult:
    """One ship: who she may be, how high her deck stands above the water, what that says of her load."""
    from pipeline.detect import measure_appearance
    from pipeline.load import estimate_load
    from pipeline.visits import rank_identities

    config, fleet = background.config, background.fleet
    identity = rank_identities(detection, fleet, config=config.visits)
    others = [other for other in detections if other.id != detection.id]
    blocked = hidden_pixels(look, detection, others, known)
    measured = _freeboard(look, detection, blocked, identity, background)
    outcome = LoadOutcome(draught=None, load=None, load_not_known=None)
    if isinstance(measured, Freeboard):
        water = None if look.site is None else look.site.water_density
        outcome = estimate_load(detection, measured, identity, fleet, water_density=water, config=config.load)
    result = describe_ship(detection, berth_id, identity, measured, outcome)
    return replace(result, appearance=measure_appearance(look.chip, detection, blocked))


def _freeboard(
    look: Look,
    detection: Detection,
    blocked: BoolArray,
    identity: Sequence[Identity],
    background: Background,
) -> Freeboard | Refused:
    from pipeline.freeboard import measure_freeboard

    config, view = background.config.freeboard, look.scene.geometry
    if detection.kind == "other":
        return Refused(
            code="not-a-tanker", message="she does not look like a tanker; only tankers are measured"
        )
    if view is None:
        return Refused(
            code="no-geometry",
            message="the scene carries no view and sun angles; give it a STAC item or a vendor's sidecar",
        )
    if look.chip.grid.gsd > config.max_gsd:
        return Refused(
            code="gsd-too-coarse",
            message=f"a pixel is {look.chip.grid.gsd:.1f} m; freeboard needs {config.max_gsd:g} m or finer",
        )
    beam = register_beam(identity, background.fleet)
    measured: Freeboard | Refused = measure_freeboard(
        look.chip, detection, view, beam=beam, blocked=blocked, config=config
    )
    return measured


def register_beam(identity: Sequence[Identity], fleet: Sequence[Ship]) -> tuple[float, float] | None:
    """(value, sigma) of the beam [m] where the ship is known beyond doubt, else None."""
    if not identity or identity[0].imo is None or identity[0].probability < CERTAIN:
        return None
    beams = [ship.beam for ship in fleet if ship.imo == identity[0].imo and ship.beam is not None]
    return (beams[0], REGISTER_BEAM_SIGMA) if beams else None


def describe_ship(
    detection: Detection,
    berth_id: str | None,
    identity: Sequence[Identity],
    measured: Freeboard | Refused,
    outcome: LoadOutcome,
) -> DetectionResult:
    """What is written of a ship, from what each stage said."""
    ring = [list(point) for point in detection.outline]
    if ring[0] != ring[-1]:
        ring.append(ring[0])
    return DetectionResult(
        id=detection.id,
        outline={"type": "Polygon", "coordinates": [ring]},
        kind=detection.kind,
        tanker_probability=detection.tanker_probability,
        score=detection.score,
        heading=detection.heading,
        heading_ambiguous=detection.heading_ambiguous,
        length=detection.length,
        length_sigma=detection.length_sigma,
        beam=detection.beam,
        beam_sigma=detection.beam_sigma,
        berth_id=berth_id,
        identity=tuple(identity),
        freeboard=measured if isinstance(measured, Freeboard) else None,
        not_measurable=measured if isinstance(measured, Refused) else None,
        draught=outcome.draught,
        load=outcome.load,
        load_not_known=outcome.load_not_known,
        flags=detection.flags,
    )


# ------------------------------------------------------------------------------- the season, pictures


def measure_season(
    results: Sequence[SceneResult],
    site: Site,
    fleet: Sequence[Ship],
    config: Config,
    *,
    signed: Sequence[SignedIdentity] = (),
) -> tuple[VisitsDocument, VolumeDocument]:
    """Visits and barrels over all usable looks at one site; `signed` identities bind, and loads follow."""
    from pipeline.load import calibrate_loads
    from pipeline.signatures import load_as_named
    from pipeline.visits import group_visits, name_sightings
    from pipeline.volume import estimate_volume

    usable = [r for r in results if r.status == "ok" and r.datetime is not None and r.site == site.id]
    usable.sort(key=lambda r: (r.datetime, r.scene_id))
    names = name_sightings(usable, site, fleet, config=config, signed=signed)
    usable = [load_as_named(r, names, site, fleet, config) for r in usable]
    usable, flags = calibrate_loads(usable, fleet, water_density=site.water_density, config=config)
    visits = group_visits(usable, site, fleet, config=config, signed=signed)
    visits = replace(visits, flags=(*visits.flags, *flags))
    return visits, estimate_volume(visits, usable, fleet, config=config)


def picture_scene(look: Look, result: SceneResult) -> Annotated:
    """The annotated image of a result."""
    from pipeline.render import render_annotated

    return render_annotated(look.chip, result, look.site, clouds=look.clouds)


def picture_ships(look: Look, result: SceneResult) -> Mapping[str, npt.NDArray[np.uint8]]:
    """(row, col, 3) RGB by detection id, of ships that a visit may be made of: at a berth, or measured."""
    from pipeline.render import render_crop

    return {
        ship.id: render_crop(look.chip, result, ship, clouds=look.clouds)
        for ship in result.detections
        if ship.kind != "other" and (ship.berth_id is not None or ship.freeboard is not None)
    }


def visit_places(
    visits: VisitsDocument, results: Sequence[SceneResult], site: Site
) -> Mapping[str, tuple[float, float]]:
    """(lon, lat) by visit id: where she was last seen, else the middle of her berth."""
    outlines = {
        (result.scene_id, found.id): found.outline["coordinates"]
        for result in results
        for found in result.detections
    }
    berths = {berth.id: [berth.outline] for berth in site.of_role("berth")}
    places: dict[str, tuple[float, float]] = {}
    for visit in visits.visits:
        seen = [outlines.get(pair) for pair in zip(visit.scene_ids, visit.detection_ids, strict=False)]
        rings = next((ring for ring in reversed(seen) if ring is not None), berths.get(visit.berth_id or ""))
        if rings is not None:
            points = np.asarray(rings, dtype=np.float64)[0, :-1]
            places[visit.visit_id] = (float(points[:, 0].mean()), float(points[:, 1].mean()))
    return places
