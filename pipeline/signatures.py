"""What a person's word changes in one scene: the load, by a ship's own particulars or a freeboard read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.config import Config
from pipeline.datatypes import Detection, Identity, Ship, SignedIdentity, Site
from pipeline.products import DetectionResult, SceneResult, SignedReading, VisitsDocument


def load_as_signed(
    result: SceneResult,
    signed: Sequence[SignedIdentity],
    site: Site,
    fleet: Sequence[Ship],
    config: Config,
) -> SceneResult:
    """The scene with identity and load of its signed sightings as signed; the last word on each holds."""
    from pipeline.visits import bind_identity

    words = {s.detection_id: s for s in sorted(signed, key=lambda s: s.at) if s.scene_id == result.scene_id}
    if not words:
        return result
    ships = tuple(
        _load_as(ship, bind_identity(words[ship.id], fleet), site, fleet, config)
        if ship.id in words
        else ship
        for ship in result.detections
    )
    return replace(result, detections=ships)


def spread_words(visits: VisitsDocument, signed: Sequence[SignedIdentity]) -> tuple[SignedIdentity, ...]:
    """The words, and the last word on each visit for those of its sightings that have none of their own."""
    words = {(s.scene_id, s.detection_id): s for s in sorted(signed, key=lambda s: s.at)}
    for visit in visits.visits:
        pairs = list(zip(visit.scene_ids, visit.detection_ids, strict=False))
        said = [words[pair] for pair in pairs if pair in words]
        if said:
            last = max(said, key=lambda s: s.at)
            for scene_id, detection_id in pairs:
                word = replace(last, scene_id=scene_id, detection_id=detection_id)
                words.setdefault((scene_id, detection_id), word)
    return tuple(words.values())


def read_as_signed(
    result: SceneResult,
    readings: Sequence[SignedReading],
    site: Site,
    fleet: Sequence[Ship],
    config: Config,
) -> SceneResult:
    """The scene with the freeboards that people read multiplied in, and the loads that follow from them."""
    from pipeline.freeboard import add_reading

    words = {r.detection_id: r for r in readings if r.scene_id == result.scene_id}
    if not words:
        return result
    ships = []
    for ship in result.detections:
        word = words.get(ship.id)
        if word is not None:
            read = add_reading(ship.freeboard, word.freeboard, word.sigma)
            ship = replace(ship, freeboard=read, not_measurable=None)
            ship = _load_as(ship, ship.identity, site, fleet, config)
        ships.append(ship)
    return replace(result, detections=tuple(ships))


def _load_as(
    ship: DetectionResult, identity: tuple[Identity, ...], site: Site, fleet: Sequence[Ship], config: Config
) -> DetectionResult:
    from pipeline.load import estimate_load

    if ship.freeboard is None:
        return replace(ship, identity=identity)
    outcome = estimate_load(
        _as_detected(ship),
        ship.freeboard,
        identity,
        fleet,
        water_density=site.water_density,
        config=config.load,
    )
    return replace(
        ship,
        identity=identity,
        draught=outcome.draught,
        load=outcome.load,
        load_not_known=outcome.load_not_known,
    )


def _as_detected(ship: DetectionResult) -> Detection:
    """Her plan as the detector had it; where she lies in the chip is not kept, and a load does not ask."""
    return Detection(
        id=ship.id,
        outline=(),
        centre=(0.0, 0.0),
        heading=ship.heading,
        heading_sigma=0.0,
        heading_ambiguous=ship.heading_ambiguous,
        length=ship.length,
        length_sigma=ship.length_sigma,
        beam=ship.beam,
        beam_sigma=ship.beam_sigma,
        kind=ship.kind,
        tanker_probability=ship.tanker_probability,
        score=ship.score,
        flags=ship.flags,
    )
