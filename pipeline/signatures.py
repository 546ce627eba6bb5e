"""What a name or a reading from outside a scene changes in it: the load, by the ship's own particulars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.config import Config
from pipeline.datatypes import Detection, Identity, Ship, SignedIdentity, Site
from pipeline.products import DetectionResult, SceneResult, SignedReading

TELLS = 0.15
"""Change of a candidate's probability that makes her load worth estimating anew [1]."""


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


def load_as_named(
    result: SceneResult,
    names: Mapping[tuple[str, str], tuple[Identity, ...]],
    site: Site,
    fleet: Sequence[Ship],
    config: Config,
) -> SceneResult:
    """The scene with the identities that the whole season gives its sightings, and loads that follow them.

    `names` by scene_id and detection id. A load is estimated anew only where a name weighs `TELLS` more or
    less than in the scene alone.
    """
    ships = tuple(
        _load_as(ship, who, site, fleet, config)
        if (who := names.get((result.scene_id, ship.id))) is not None and _moved(ship.identity, who)
        else ship
        for ship in result.detections
    )
    return replace(result, detections=ships)


def _moved(before: Sequence[Identity], after: Sequence[Identity]) -> bool:
    """Whether any candidate weighs much more or much less."""
    first, second = ({(i.imo, i.name): i.probability for i in ranked} for ranked in (before, after))
    return any(abs(first.get(who, 0.0) - second.get(who, 0.0)) > TELLS for who in {*first, *second})


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
